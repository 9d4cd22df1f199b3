"""Any backend becomes an HTTP service: `create_app(backend)`. The server is a wrapper, never a base class.

POST /verify   the contract        GET /          what it is, with schemas
GET /healthz   the process is up   GET /readyz    it would answer now       GET /metrics   Prometheus
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import orjson
from fastapi import FastAPI, Request
from fastapi.responses import PlainTextResponse, Response
from fastapi_offline import FastAPIOffline
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, generate_latest
from pydantic import BaseModel, ConfigDict, Field

from reward_verifiers.contract import ANSWER_NOT_READ, Description, VerifyReply, VerifyRequest, has_flag
from reward_verifiers.service import openapi, problems
from reward_verifiers.service.admission import Admission
from reward_verifiers.service.metrics import watch_samples, watch_service
from reward_verifiers.service.middleware import ServiceLimits, add_middleware
from reward_verifiers.service.streams import run_or_cancel
from reward_verifiers.service.strict_route import ReferenceRoute, StrictRoute
from reward_verifiers.verifier import Backend, HasDetails

_JSON = "application/json"
DEFAULT_LIMITS = ServiceLimits()
MAX_INFLIGHT_SAMPLES = 16_384


class Readiness(BaseModel):
    """GET /readyz of a verifier's service; some say more."""

    model_config = ConfigDict(extra="allow")

    ready: bool = Field(description="Whether a group would be judged now.")


Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[Any]]


def lifespan_of(backend: Backend) -> Lifespan:
    """Starts a backend that starts on first use, so that the first request does not wait, and closes it."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await backend.ready()
        try:
            yield
        finally:
            await backend.aclose()

    return lifespan


def bare_app(
    title: str,
    version: str,
    limits: ServiceLimits,
    lifespan: Lifespan | None = None,
    route_class: type[StrictRoute] = StrictRoute,
) -> FastAPI:
    """An app without routes, behind the middleware; `/docs` works without a network.

    lifespan: starts and stops what the app stands on; the server enters it before the first request.
    """
    app: FastAPI = FastAPIOffline(
        title=title,
        version=version,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
        generate_unique_id_function=openapi.operation_id,
    )
    app.router.route_class = route_class
    problems.install(app)
    openapi.install(app)
    add_middleware(app, limits)
    return app


def create_app(
    backend: Backend,
    limits: ServiceLimits = DEFAULT_LIMITS,
    *,
    admission: Admission | None = None,
    lifespan: Lifespan | None = None,
    route_class: type[StrictRoute] = ReferenceRoute,
) -> FastAPI:
    """The service of one verifier. Without a `lifespan`, whoever made the backend starts and stops what it stands on.

    admission: the room of the whole service; routes that a service adds take theirs from the same, `app.state.admission`.
    """
    app = bare_app("Touchstone verifier", "1", limits, lifespan, route_class)
    admission = app.state.admission = admission or Admission(MAX_INFLIGHT_SAMPLES)
    registry = app.state.metrics = CollectorRegistry()  # routes that a service adds may have more to count
    readings = app.state.readings = watch_service(app, registry)
    samples = Counter("reward_samples", "Verdicts.", ["verifier", "status"], registry=registry)
    not_read = Counter("reward_answers_not_read", "Answers that were not read whole.", ["verifier"], registry=registry)
    seconds = Histogram("reward_verifier_duration_seconds", "Time for a group.", registry=registry)
    watch_samples(readings, admission)

    @app.get("/", response_model=Description)
    async def describe() -> Response:
        """Name, version, JSON schemas of options and reference, score range."""
        return _json(await backend.describe())

    @app.post("/verify", response_model=VerifyReply)
    async def verify(request: Request, body: VerifyRequest) -> Response:
        """Judge a group: one verdict per completion, in order."""
        with admission.enter(len(body.completions)), seconds.time():
            reply = await run_or_cancel(request, backend.verify(body))
        for verdict in reply.verdicts:
            samples.labels(reply.verifier, verdict.failure.kind.value if verdict.failure else "scored").inc()
            if has_flag(verdict, ANSWER_NOT_READ):
                not_read.labels(reply.verifier).inc()
        return _json(reply)

    @app.get("/healthz")
    async def healthz() -> dict[str, str]:
        """The process is up."""
        return {"status": "ok"}

    @app.get("/readyz", response_model=Readiness)
    async def readyz() -> Response:
        """200 when a group would be judged now, else 503."""
        is_ready = not app.state.draining.begun and await backend.ready()
        more = backend.details() if isinstance(backend, HasDetails) else {}
        return Response(orjson.dumps({"ready": is_ready, **more}), 200 if is_ready else 503, media_type=_JSON)

    @app.get("/metrics", response_class=PlainTextResponse)
    async def metrics() -> Response:
        """Prometheus metrics."""
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    return app


def _json(model: Description | VerifyReply) -> Response:
    return Response(model.model_dump_json(), media_type=_JSON)
