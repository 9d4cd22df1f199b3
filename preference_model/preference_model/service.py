"""The preference models as a service: POST /verify as every verifier has it, and the routes for texts and pairs."""

from __future__ import annotations

from fastapi import FastAPI

from preference_model.api import native
from preference_model.backend import PreferenceBackend
from preference_model.judge import metrics
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

    app = service.create_app(backend, limits, admission=admission, lifespan=service.lifespan_of(backend))
    metrics.install(app.state.metrics, backend.usage)
    return app


def app_of(
    backend: PreferenceBackend, limits: ServiceLimits = service.DEFAULT_LIMITS, admission: Admission | None = None
) -> FastAPI:
    """The service of a backend. One limit holds for all its routes together."""

    app = service.create_app(backend, limits, admission=admission, lifespan=service.lifespan_of(backend))
    metrics.install(app.state.metrics, backend.pairs.usage)
    native.install(app, backend)
    return app
