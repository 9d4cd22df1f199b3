"""The tools as a service of their own, or within the gateway's process. The routes and the toolbox are the same."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from importlib.metadata import PackageNotFoundError, version

import orjson
from fastapi import FastAPI
from fastapi.responses import PlainTextResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from reward_sandbox.api.program_route import ProgramRoute
from reward_tools.toolbox import Toolbox
from reward_tools.wires import native, open_instruct, ors, sandbox_fusion, search_r1
from reward_tools.wires.mcp import McpWire
from reward_verifiers.contract import Trace
from reward_verifiers.service import app as service
from reward_verifiers.service.metrics import Readings, watch_service
from reward_verifiers.service.middleware import ServiceLimits
from reward_verifiers.service.settings import ServiceSettings

OUTCOMES = ("ok", "refused", "failed")


class EmbeddedTools:
    """The tools within another app: see TraceSource. What they stand on starts with the first call."""

    def __init__(self, toolbox: Toolbox | None = None) -> None:
        self.toolbox = toolbox or Toolbox()
        self._mcp = McpWire(self.toolbox, _version())

    def install(self, app: FastAPI, readings: Readings) -> None:
        """Add the routes and the metrics."""
        for routes in (native, search_r1, open_instruct, sandbox_fusion, ors):
            routes.install(app, self.toolbox)
        self._mcp.install(app)
        watch(readings, self.toolbox)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        async with self.toolbox.running(), self._mcp.running():
            yield

    async def traces(self, sessions: Sequence[str | None]) -> list[Trace]:
        return self.toolbox.traces(sessions)


def create_app(settings: ServiceSettings) -> FastAPI:
    """The service, with the tools' own settings from the environment."""
    return app_of(Toolbox(), settings.limits())


def app_of(toolbox: Toolbox, limits: ServiceLimits = service.DEFAULT_LIMITS) -> FastAPI:
    """The service of a toolbox."""
    tools = EmbeddedTools(toolbox)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with tools.running():
            await toolbox.missing()  # so that the first call does not wait
            yield

    app = service.bare_app("Touchstone tools", _version(), limits, lifespan, ProgramRoute)
    registry = app.state.metrics = CollectorRegistry()
    readings = app.state.readings = watch_service(app, registry)
    tools.install(app, readings)

    @app.get("/healthz")
    async def healthz() -> dict[str, str]:
        """The process is up."""
        return {"status": "ok"}

    @app.get("/readyz")
    async def readyz() -> Response:
        """200 when calls would be answered; `missing` names the tools that are not offered, and why."""
        missing = await toolbox.missing()
        is_ready = not app.state.draining.begun and len(missing) < len(toolbox.tools)
        body = orjson.dumps({"ready": is_ready, "missing": missing})
        return Response(body, 200 if is_ready else 503, media_type="application/json")

    @app.get("/metrics", response_class=PlainTextResponse)
    async def metrics() -> Response:
        """Prometheus metrics."""
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    return app


def watch(readings: Readings, toolbox: Toolbox) -> None:
    """What goes on with the tools, at GET /metrics."""
    readings.gauge("reward_tools_sessions", "Sessions that are open.", lambda: len(toolbox.sessions))
    readings.gauge(
        "reward_tools_interpreters",
        "Sessions that have a Python interpreter.",
        lambda: toolbox.python.interpreters.in_flight,
    )
    readings.gauge("reward_tools_cells", "Python cells at work.", lambda: toolbox.python.at_work)
    readings.gauge("reward_tools_calls_in_flight", "Calls at work or waiting.", lambda: toolbox.admission.in_flight)
    about = "Calls that found no room, and sessions that found none."
    readings.counter("reward_tools_turned_away", about, lambda: toolbox.admission.refused, what="call")
    readings.counter("reward_tools_turned_away", about, lambda: toolbox.sessions.room.refused, what="session")
    room = toolbox.python.interpreters
    readings.counter("reward_tools_turned_away", about, lambda: room.refused, what="interpreter")
    readings.counter("reward_tools_lost_traces", "Traces that went before their time.", lambda: toolbox.sessions.lost)
    for name in (*toolbox.tools, "unknown"):
        for outcome in OUTCOMES:
            key = (name, outcome)
            readings.counter(
                "reward_tools_calls",
                "Calls of tools.",
                lambda key=key: toolbox.counts.get(key, 0),  # type: ignore[misc]
                tool=name,
                outcome=outcome,
            )


def _version() -> str:
    try:
        return version("touchstone-rewards")
    except PackageNotFoundError:
        return "unknown"
