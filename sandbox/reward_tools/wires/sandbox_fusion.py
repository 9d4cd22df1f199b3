"""SandboxFusion's POST /run_jupyter: cells in one interpreter, which ends with the request.

Its POST /run_code is the sandbox's: see reward_sandbox.api.sandbox_fusion.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import FastAPI, Query, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from reward_tools.toolbox import Toolbox
from reward_tools.tools.python import MAX_CODE
from reward_tools.wires.once import in_session
from reward_verifiers.contract import SESSION, TracedCall
from reward_verifiers.service.streams import run_or_cancel
from reward_verifiers.verifier import Overloaded


class JupyterRequest(BaseModel):
    """As SandboxFusion has it; times are those of the service's settings."""

    model_config = ConfigDict(extra="ignore")

    cells: list[Annotated[str, Field(max_length=MAX_CODE)]] = Field(max_length=256)
    kernel: str = "python3"
    files: dict[str, str] = Field(default_factory=dict, description="Not offered: no file comes into a session.")
    fetch_files: list[str] = Field(default_factory=list, description="Not offered: no file leaves a jail.")


def install(app: FastAPI, toolbox: Toolbox) -> None:
    """Add the route."""

    @app.post("/run_jupyter", tags=["tools"])
    async def run_jupyter(
        request: Request, body: JupyterRequest, session: Annotated[str | None, Query(pattern=SESSION)] = None
    ) -> JSONResponse:
        """What SandboxFusion answers: one result a cell, until one goes wrong."""
        if body.files or body.fetch_files or body.kernel != "python3":
            return JSONResponse(_reply("SandboxError", "files, fetch_files and other kernels are not offered"))
        try:
            calls = await run_or_cancel(request, in_session(toolbox, session, body.cells))
        except Overloaded as error:
            # Its clients try again on 504, and on nothing else.
            return JSONResponse({"detail": "overloaded"}, 504, {"retry-after": f"{error.retry_after_s:.0f}"})
        failed = next((call for call in calls if call.outcome == "failed"), None)
        if failed is not None:
            return JSONResponse(_reply("SandboxError", failed.cause))
        is_whole = len(calls) == len(body.cells) and not any(call.outcome != "ok" or call.raised for call in calls)
        return JSONResponse(_reply("Success" if is_whole else "Failed", "", calls))


def _reply(status: str, message: str, calls: Sequence[TracedCall] = ()) -> dict[str, Any]:
    driver = {
        "status": "Finished",
        "execution_time": sum(call.seconds for call in calls),
        "return_code": 0,
        "stdout": "",
        "stderr": "",
    }
    return {
        "status": status,
        "message": message,
        "driver": None if status == "SandboxError" else driver,
        "cells": list(map(_cell, calls)),
        "executor_pod_name": None,
        "files": {},
    }


def _cell(call: TracedCall) -> dict[str, Any]:
    """Standard output and errors come together, in their order."""
    if call.outcome == "ok" and not call.raised:
        return {"stdout": call.output, "stderr": "", "display": [], "error": []}
    last = call.output.strip().rpartition("\n")[2]
    name, _, value = last.partition(": ")
    error = {"ename": name, "evalue": value, "traceback": call.output.splitlines()}
    return {"stdout": "", "stderr": "", "display": [], "error": [error]}
