"""One verifier as its own service. Imports nothing of the gateway, so that its image stays small."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from reward_api.settings import Settings
from reward_verifiers import registry
from reward_verifiers.runtime.local import Local, pool_for
from reward_verifiers.runtime.pool import WorkerPool
from reward_verifiers.service import app as service
from reward_verifiers.service.server import serve
from reward_verifiers.verifier import Backend, HasRoutes


def serve_verifier(name: str, settings: Settings, host: str, port: int) -> None:
    """Serve one verifier until stopped. Raises UnknownVerifier, BrokenVerifier or BindError."""
    timeout_s, level = settings.header_timeout_s, settings.log_level
    own = registry.backend(name)
    if own is not None:
        app = service.create_app(own, settings.limits(), max_inflight_samples=settings.max_inflight_samples)
        if isinstance(own, HasRoutes):
            own.install(app)
        serve(app, host, port, _closing(own), header_timeout_s=timeout_s, log_level=level)
        return
    registry.load(name)
    pool = pool_for([name], size=settings.workers, memory_bytes=settings.worker_memory_mb << 20)
    app = service.create_app(Local(name, pool), settings.limits(), max_inflight_samples=settings.max_inflight_samples)
    serve(app, host, port, _started(pool), header_timeout_s=timeout_s, log_level=level)


@asynccontextmanager
async def _closing(backend: Backend) -> AsyncIterator[None]:
    await backend.ready()  # it starts on first use: now, so that the first request does not wait
    try:
        yield
    finally:
        await backend.aclose()


@asynccontextmanager
async def _started(pool: WorkerPool) -> AsyncIterator[None]:
    await pool.start()
    try:
        yield
    finally:
        await pool.aclose()
