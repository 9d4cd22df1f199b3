"""The sandbox as a service: POST /verify as every verifier has it, and the routes for programs."""

from __future__ import annotations

from fastapi import FastAPI

from reward_sandbox.api import native, open_instruct, sandbox_fusion
from reward_sandbox.api.program_route import ProgramRoute
from reward_sandbox.backend import CodeBackend
from reward_verifiers.service import app as service
from reward_verifiers.service.admission import Admission
from reward_verifiers.service.middleware import ServiceLimits
from reward_verifiers.service.settings import ServiceSettings


def create_app(settings: ServiceSettings) -> FastAPI:
    """The service, with the sandbox's own settings from the environment."""
    return app_of(CodeBackend(), settings.limits())


def app_of(backend: CodeBackend, limits: ServiceLimits = service.DEFAULT_LIMITS) -> FastAPI:
    """The service of a backend. One limit, `max_programs`, holds for all its routes together."""

    admission = Admission(backend.settings.max_programs)
    app = service.create_app(
        backend, limits, admission=admission, lifespan=service.lifespan_of(backend), route_class=ProgramRoute
    )
    for routes in (native, open_instruct, sandbox_fusion):
        routes.install(app, backend)
    return app
