"""The service's own wire.

GET  /tools               schemas, as a chat request has them
POST /call                one call in a session
POST /sessions            a session before its first call
GET  /sessions/{session}  its trace
DELETE /sessions/{session}
POST /traces              the traces of many sessions, for whoever scores their episodes
"""

from __future__ import annotations

from typing import Annotated, Any

import orjson
from fastapi import APIRouter, FastAPI, Path, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field

from reward_sandbox.api.program_route import ProgramRoute
from reward_tools.sessions import BadSession
from reward_tools.toolbox import Toolbox
from reward_verifiers.contract import SESSION, ProblemError, StrictModel, Trace
from reward_verifiers.service.openapi import problem_reply
from reward_verifiers.service.problems import HTTPProblem
from reward_verifiers.service.streams import run_or_cancel

SessionName = Annotated[str, Field(pattern=SESSION)]


class CallRequest(StrictModel):
    session: SessionName = Field(description="One id an episode, of your choice. A new one begins a session.")
    name: str = Field(max_length=200, description="The tool.")
    arguments: Any = Field(default=None, description="An object, or its JSON as text, as the model wrote it.")
    begin: bool = Field(
        default=True, description="False: 404 for a session that is not known, as after a restart of the service."
    )


class CallReply(BaseModel):
    session: str = Field(description="As in the request.")
    outcome: str = Field(description="ok; refused: the model's mistake or a spent budget; failed: our failure.")
    cause: str = Field(description="Of a refused call `argument` or `budget`; of a failed one what went wrong.")
    output: str = Field(description="What the model is to read.")
    raised: bool = Field(description="The code of the call ended with an exception.")
    bytes: int = Field(description="Of the whole output, before it was cut.")
    seconds: float = Field(description="How long the call took.")


class SessionRequest(StrictModel):
    session: SessionName | None = Field(default=None, description="Its id; default: a new one.")


class SessionReply(BaseModel):
    session: str


class TracesRequest(StrictModel):
    sessions: list[SessionName | None] = Field(min_length=1, max_length=100_000, description="Null: no session.")


class TracesReply(BaseModel):
    traces: list[Trace] = Field(description="In the order of the request.")


class ToolsReply(BaseModel):
    tools: list[dict[str, Any]] = Field(description="As `tools` of a chat request.")
    missing: dict[str, str] = Field(description="Tools that are not offered here, and why.")


def install(app: FastAPI, toolbox: Toolbox) -> None:
    """Add the routes to an app within whose lifespan the toolbox runs."""
    router = APIRouter(route_class=ProgramRoute, tags=["tools"])

    @router.get("/tools", response_model=ToolsReply)
    async def tools() -> Response:
        """Schemas of the tools that are offered here."""
        return _json({"tools": await toolbox.schemas(), "missing": await toolbox.missing()})

    @router.post("/call", response_model=CallReply, responses={404: problem_reply(404)})
    async def call(request: Request, body: CallRequest) -> Response:
        """Make one call in a session. 429: there is no room, send the same again."""
        if not body.begin and toolbox.sessions.find(body.session) is None:
            raise _unknown()
        session, traced = await run_or_cancel(request, toolbox.call(body.session, body.name, body.arguments))
        return _json({"session": session.name, **traced.model_dump(exclude={"tool", "arguments"})})

    @router.post("/sessions", response_model=SessionReply)
    async def begin(body: SessionRequest) -> Response:
        """Begin a session before its first call, so that an episode without calls has a trace."""
        return _json({"session": begun(toolbox, body.session)})

    @router.get("/sessions/{session}", response_model=Trace)
    async def trace(session: Annotated[str, Path(pattern=SESSION)]) -> Response:
        """The calls of a session."""
        if toolbox.sessions.find(session) is None:
            raise _unknown()
        return Response(toolbox.sessions.trace(session).model_dump_json(), media_type="application/json")

    @router.delete("/sessions/{session}", response_model=SessionReply)
    async def end(session: Annotated[str, Path(pattern=SESSION)]) -> Response:
        """End what runs in a session. Its trace is kept for a while."""
        if toolbox.sessions.find(session) is None:
            raise _unknown()
        toolbox.sessions.end(session)
        return _json({"session": session})

    @router.post("/traces", response_model=TracesReply)
    async def traces(body: TracesRequest) -> Response:
        """The traces of many sessions."""
        reply = TracesReply(traces=toolbox.traces(body.sessions))
        return Response(reply.model_dump_json(), media_type="application/json")

    app.include_router(router)


def begun(toolbox: Toolbox, name: str | None) -> str:
    """The session's name. Raises HTTPProblem, and Overloaded."""
    try:
        return toolbox.sessions.begin(name).name
    except BadSession as error:
        raise HTTPProblem(422, errors=[ProblemError(path="session", reason=str(error))]) from None


def _unknown() -> HTTPProblem:
    return HTTPProblem(404, errors=[ProblemError(path="session", reason="no such session, or not any more")])


def _json(data: Any) -> Response:
    return Response(orjson.dumps(data), media_type="application/json")
