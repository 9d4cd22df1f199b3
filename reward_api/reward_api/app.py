"""The gateway as an ASGI app, and the servers that the command line starts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from reward_verifiers import registry, service
from reward_verifiers.local import Local, pool_for
from reward_verifiers.server import serve
from reward_verifiers.shell import Limits

from reward_api.gateway import Gateway, package_version
from reward_api.routes import router
from reward_api.settings import Settings


def create_app(gateway: Gateway, *, manage: bool = True) -> FastAPI:
    """The gateway's app. With `manage` its lifespan starts and stops the gateway; else the caller does."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        if not manage:
            yield
            return
        async with gateway.running():
            yield

    app = service.bare_app("Touchstone", package_version(), limits_of(gateway.settings), lifespan)
    app.state.gateway = gateway
    app.include_router(router)
    return app


def limits_of(settings: Settings) -> Limits:
    return Limits(
        max_body_bytes=settings.max_body_mb << 20,
        max_inflight_bytes=settings.max_inflight_mb << 20,
        body_timeout_s=settings.body_timeout_s,
        score_keys=settings.scorers,
        admin_keys=settings.admins,
    )


def serve_gateway(settings: Settings, host: str, port: int) -> None:
    """Serve the whole suite until stopped. Raises BadDomain before the port is bound."""
    serve(create_app(Gateway(settings)), host, port, header_timeout_s=settings.header_timeout_s)


def serve_verifier(name: str, settings: Settings, host: str, port: int) -> None:
    """Serve one verifier until stopped. Raises UnknownVerifier or BrokenVerifier."""
    registry.load(name)
    pool = pool_for([name], size=settings.workers, memory_bytes=settings.worker_memory_mb << 20)
    backend = Local(name, pool)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await pool.start()
        try:
            yield
        finally:
            await pool.aclose()

    app = service.create_app(
        backend, limits_of(settings), max_inflight_samples=settings.max_inflight_samples, lifespan=lifespan
    )
    serve(app, host, port, header_timeout_s=settings.header_timeout_s)
