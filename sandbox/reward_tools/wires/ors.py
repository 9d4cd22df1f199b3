"""ORS, the Open Reward Standard, as its clients (openreward, ors-sdk) speak it: our tools as the environment `touchstone`.

    POST /create_session          ──▶ events: task_id, which is the session's id from here on, in the header X-Session-ID
    POST /create {"task_spec"}    begins the session; POST /ping keeps it, POST /delete ends it
    GET  /touchstone/prompt       the task's `prompt`;  GET /touchstone/task_tools, /touchstone/tools
    POST /touchstone/call         {"name", "input"} ──▶ events: task_id, chunk …, end; or error, where we failed

A task is the trainer's own. No reward comes with a call, and there is no score_group: the gateway scores the session.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import AsyncIterator, Iterator
from typing import Annotated, Any

from fastapi import APIRouter, FastAPI, Header
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from reward_sandbox.api.program_route import ProgramRoute
from reward_tools.sessions import Session
from reward_tools.toolbox import Toolbox
from reward_verifiers.contract import SESSION, TracedCall
from reward_verifiers.service.problems import HTTPProblem
from reward_verifiers.verifier import Overloaded

ENVIRONMENT = "touchstone"
_BEAT_S = 5.0
"""Its clients give a stream up that is silent for 30 s."""
_KEPT_S = 60.0
"""A client whose connection broke asks for a call's result again."""
_CHUNK = 4096

SessionId = Annotated[str, Header(alias="x-session-id", pattern=SESSION)]


class CreateRequest(BaseModel):
    """Its clients may send more."""

    model_config = ConfigDict(extra="ignore")

    env_name: str | None = None
    task_spec: dict[str, Any] | None = Field(default=None, description="The trainer's; `prompt` is given back.")


class OrsCall(BaseModel):
    model_config = ConfigDict(extra="ignore")

    name: str = Field(max_length=200)
    input: Any = None
    task_id: str | None = Field(default=None, description="A call made before, whose result did not arrive.")


class _Task:
    """The task of a session, kept with what its tools keep."""

    def __init__(self, prompt: str) -> None:
        self.prompt = prompt

    async def aclose(self) -> None: ...


class _Calls:
    """Calls at work, and done a short while ago: (session, task id) → call."""

    def __init__(self, toolbox: Toolbox) -> None:
        self._toolbox = toolbox
        self._kept: dict[tuple[str, str], asyncio.Task[TracedCall]] = {}

    async def begin(self, session: str, name: str, arguments: Any) -> str:
        """Its task id. Raises Overloaded. It goes on when its client goes."""
        work = asyncio.create_task(self._traced(session, name, arguments))
        await asyncio.sleep(0)  # its first step, which is where it finds no room
        if work.done() and isinstance(error := work.exception(), Overloaded):
            raise error
        key = session, secrets.token_hex(16)
        self._kept[key] = work
        forget = asyncio.get_running_loop().call_later
        work.add_done_callback(lambda _: forget(_KEPT_S, self._kept.pop, key, None))
        return key[1]

    def find(self, session: str, task_id: str) -> asyncio.Task[TracedCall] | None:
        return self._kept.get((session, task_id))

    async def _traced(self, session: str, name: str, arguments: Any) -> TracedCall:
        return (await self._toolbox.call(session, name, arguments))[1]


def install(app: FastAPI, toolbox: Toolbox) -> None:
    """Add the routes to an app within whose lifespan the toolbox runs."""
    router = APIRouter(route_class=ProgramRoute, include_in_schema=False)  # the standard describes it
    calls = _Calls(toolbox)

    @router.get("/list_environments")
    async def environments() -> list[str]:
        return [ENVIRONMENT]

    @router.post("/create_session")
    async def create_session() -> StreamingResponse:
        """An id for a session. It begins with /create."""
        return _stream(_events(("task_id", secrets.token_hex(16)), ("end", "")))

    @router.post("/create")
    async def create(body: CreateRequest, session: SessionId) -> dict[str, str]:
        """Begin the session with the trainer's task."""
        if body.env_name not in (None, ENVIRONMENT):
            raise HTTPProblem(404, detail=f"the one environment here is {ENVIRONMENT}")
        if body.task_spec is None:
            raise HTTPProblem(400, detail="there are no tasks here: give the task as task_spec")
        if toolbox.sessions.find(session) is not None:
            raise HTTPProblem(400, detail="there is such a session already")
        prompt = body.task_spec.get("prompt")
        kept = toolbox.sessions.begin(session).state.kept
        kept[__name__] = _Task(prompt if isinstance(prompt, str) else "")
        return {"sid": session}

    @router.post("/ping")
    async def ping(session: SessionId) -> dict[str, str]:
        """Keep the session."""
        toolbox.sessions.touch(_open(toolbox, session))
        return {"status": "ok"}

    @router.post("/delete")
    @router.post("/delete_session")
    async def delete(session: SessionId) -> dict[str, str]:
        """End the session. Its trace is kept for a while."""
        toolbox.sessions.end(session)
        return {"sid": session}

    @router.get(f"/{ENVIRONMENT}/tools")
    @router.get(f"/{ENVIRONMENT}/task_tools")
    async def tools() -> dict[str, Any]:
        functions = [schema["function"] for schema in await toolbox.schemas()]
        return {
            "tools": [
                {"name": one["name"], "description": one["description"], "input_schema": one["parameters"]}
                for one in functions
            ]
        }

    @router.get(f"/{ENVIRONMENT}/prompt")
    async def prompt(session: SessionId) -> list[dict[str, Any]]:
        """The task's prompt, as it was given."""
        task = _open(toolbox, session).state.kept.get(__name__)
        return [_block(task.prompt)] if isinstance(task, _Task) and task.prompt else []

    @router.post(f"/{ENVIRONMENT}/call")
    async def call(body: OrsCall, session: SessionId) -> StreamingResponse:
        """Make one call, or give the result of one made before."""
        _open(toolbox, session)
        task_id = body.task_id or await calls.begin(session, body.name, body.input)
        work = calls.find(session, task_id)
        if work is None:
            return _stream(_events(("error", "unknown task_id")))
        return _stream(_result(task_id, work))

    app.include_router(router)


def _open(toolbox: Toolbox, name: str) -> Session:
    """Raises HTTPProblem: a session that is gone is not begun again in the middle of an episode."""
    session = toolbox.sessions.find(name)
    if session is None:
        raise HTTPProblem(404, detail="no such session")
    if session.has_ended:
        raise HTTPProblem(410, detail="the session has ended")
    return session


async def _result(task_id: str, work: asyncio.Task[TracedCall]) -> AsyncIterator[str]:
    yield _event("task_id", task_id)
    while not (await asyncio.wait({work}, timeout=_BEAT_S))[0]:
        yield ": at work\n\n"
    error = work.exception()
    if error is not None:
        yield _event("error", f"the tool failed: {type(error).__name__}")
        return
    traced = work.result()
    if traced.outcome == "failed":
        yield _event("error", "the tool failed: " + " ".join(traced.cause.split()))
        return
    for event, data in _pieces(json.dumps(_reply(traced), separators=(",", ":"))):
        yield _event(event, data)


def _reply(call: TracedCall) -> dict[str, Any]:
    if call.outcome == "refused":
        return {"ok": False, "error": call.output, "reason": "input_validation" if call.cause == "argument" else None}
    output = {"blocks": [_block(call.output)], "metadata": {"raised": call.raised}, "reward": None, "finished": False}
    return {"ok": True, "output": output}


def _block(text: str) -> dict[str, Any]:
    return {"text": text, "detail": None, "type": "text"}


def _pieces(text: str) -> Iterator[tuple[str, str]]:
    """Compact JSON, in lines of a length that its clients read. They strip a line's first spaces, so it begins with none: a
    space stands within a string, where it may be written as an escape."""
    for start in range(0, len(text), _CHUNK):
        piece = text[start : start + _CHUNK]
        if piece[0] == " ":
            piece = "\\u0020" + piece[1:]
        yield ("chunk" if start + _CHUNK < len(text) else "end"), piece


def _event(event: str, data: str) -> str:
    return f"event: {event}\ndata: {data}\n\n"


async def _events(*events: tuple[str, str]) -> AsyncIterator[str]:
    for event, data in events:
        yield _event(event, data)


def _stream(events: AsyncIterator[str]) -> StreamingResponse:
    return StreamingResponse(events, media_type="text/event-stream", headers={"cache-control": "no-cache"})
