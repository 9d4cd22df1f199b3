"""The gateway as an ASGI app, and the servers that the command line starts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from reward_verifiers import registry, service
from reward_verifiers.local import Local, pool_for
from reward_verifiers.server import serve
from reward_verifiers.shell import Limits
from reward_verifiers.workers import WorkerPool

from reward_api.gateway import Gateway, package_version
from reward_api.routes import router
from reward_api.settings import Settings


def create_app(gateway: Gateway) -> FastAPI:
    """The gateway's app; the caller keeps the gateway running."""
    app = service.bare_app("Touchstone", package_version(), limits_of(gateway.settings))
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
    """Serve the whole suite until stopped. Raises BadDomain or BindError before the first request."""
    gateway = Gateway(settings)
    serve(
        create_app(gateway),
        host,
        port,
        gateway.running(),
        header_timeout_s=settings.header_timeout_s,
        log_level=settings.log_level,
    )


def serve_verifier(name: str, settings: Settings, host: str, port: int) -> None:
    """Serve one verifier until stopped. Raises UnknownVerifier, BrokenVerifier or BindError."""
    registry.load(name)
    pool = pool_for([name], size=settings.workers, memory_bytes=settings.worker_memory_mb << 20)
    backend = Local(name, pool)
    app = service.create_app(backend, limits_of(settings), max_inflight_samples=settings.max_inflight_samples)
    serve(app, host, port, _started(pool), header_timeout_s=settings.header_timeout_s, log_level=settings.log_level)


@asynccontextmanager
async def _started(pool: WorkerPool) -> AsyncIterator[None]:
    await pool.start()
    try:
        yield
    finally:
        await pool.aclose()
