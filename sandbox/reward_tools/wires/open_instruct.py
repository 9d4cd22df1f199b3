"""open-instruct's POST /execute, as its Python tool asks it: {"code", "timeout"} ──▶ {"output", "error", "success"}.

It names no session: each call has an interpreter of its own, unless the URL names one: POST /execute?session=NAME.
A failure of ours is 503, and never an output.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import FastAPI, Query, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from reward_tools.toolbox import Toolbox
from reward_tools.tools.python import MAX_CODE
from reward_tools.wires.once import in_session
from reward_verifiers.contract import SESSION, TracedCall
from reward_verifiers.service.problems import HTTPProblem
from reward_verifiers.service.streams import run_or_cancel


class ExecuteRequest(BaseModel):
    """Its clients may send more. `timeout` is theirs; a call here has TOUCHSTONE_TOOLS_CALL_S."""

    model_config = ConfigDict(extra="ignore")

    code: str = Field(max_length=MAX_CODE)
    timeout: float | None = Field(default=None, strict=True)


class ExecuteReply(BaseModel):
    output: str
    error: str | None = None
    success: bool


def install(app: FastAPI, toolbox: Toolbox) -> None:
    """Add the route."""

    @app.post("/execute", response_model=ExecuteReply, tags=["tools"])
    async def execute(
        request: Request, body: ExecuteRequest, session: Annotated[str | None, Query(pattern=SESSION)] = None
    ) -> JSONResponse:
        """Run Python code, as open-instruct's tool server does."""
        [traced] = await run_or_cancel(request, in_session(toolbox, session, [body.code]))
        return JSONResponse(_reply(traced))


def _reply(traced: TracedCall) -> dict[str, Any]:
    if traced.outcome == "failed":
        raise HTTPProblem(503, "The tool failed", traced.cause)
    if traced.outcome == "ok" and not traced.raised:
        return {"output": traced.output, "error": None, "success": True}
    return {"output": "", "error": traced.output, "success": False}
