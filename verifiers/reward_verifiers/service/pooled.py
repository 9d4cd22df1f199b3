"""The service of a verifier that runs in this process's worker pool."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from reward_verifiers import registry
from reward_verifiers.runtime.local import Local, pool_for
from reward_verifiers.service import app as service
from reward_verifiers.service.admission import Admission
from reward_verifiers.service.metrics import watch_pool
from reward_verifiers.service.settings import ServiceSettings


def create_app(name: str, settings: ServiceSettings) -> FastAPI:
    """The service of the verifier `name`, or of the class at `module:Class`. Raises UnknownVerifier or BrokenVerifier."""
    registry.load(name)
    pool = pool_for([name], size=settings.workers, memory_bytes=settings.worker_memory_mb << 20)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await pool.start()
        try:
            yield
        finally:
            await pool.aclose()

    admission = Admission(settings.max_inflight_samples)
    app = service.create_app(Local(name, pool), settings.limits(), admission=admission, lifespan=lifespan)
    watch_pool(app.state.readings, pool)
    return app
