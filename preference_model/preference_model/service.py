"""The preference models as a service: POST /verify as every verifier has it, and the routes for texts and pairs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from preference_model.api import native
from preference_model.backend import PreferenceBackend
from preference_model.rubric.backend import RubricBackend
from reward_verifiers.service import app as service
from reward_verifiers.service.admission import Admission
from reward_verifiers.service.middleware import ServiceLimits
from reward_verifiers.service.settings import ServiceSettings


def create_app(settings: ServiceSettings) -> FastAPI:
    """The service, with the models' own settings from the environment. Raises ImportError for a bad registry."""
    return app_of(PreferenceBackend(), settings.limits(), Admission(settings.max_inflight_samples))


def create_rubric_app(settings: ServiceSettings) -> FastAPI:
    """The service of the verifier `rubric`: POST /verify alone."""
    return rubric_app_of(RubricBackend(), settings.limits(), Admission(settings.max_inflight_samples))


def rubric_app_of(
    backend: RubricBackend, limits: ServiceLimits = service.DEFAULT_LIMITS, admission: Admission | None = None
) -> FastAPI:
    """The rubric service of a backend."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await backend.ready()  # the judge's test begins now
        try:
            yield
        finally:
            await backend.aclose()

    return service.create_app(backend, limits, admission=admission, lifespan=lifespan)


def app_of(
    backend: PreferenceBackend, limits: ServiceLimits = service.DEFAULT_LIMITS, admission: Admission | None = None
) -> FastAPI:
    """The service of a backend. One limit holds for all its routes together."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await backend.ready()  # it starts on first use: now, so that the first request does not wait
        try:
            yield
        finally:
            await backend.aclose()

    app = service.create_app(backend, limits, admission=admission, lifespan=lifespan)
    native.install(app, backend)
    return app
