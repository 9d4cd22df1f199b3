"""SandboxFusion's POST /run_code, for its clients."""

from __future__ import annotations

import base64
import binascii
import re
import signal
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from reward_sandbox.api.runs import RunReply, RunRequest, run_once
from reward_sandbox.backend import CodeBackend
from reward_sandbox.grading.items import MAX_CODE
from reward_sandbox.jail.host.wire import FILE_NAME
from reward_sandbox.jail.spec import File, Limits
from reward_verifiers.service.admission import Admission
from reward_verifiers.service.streams import run_or_cancel
from reward_verifiers.verifier import Overloaded


class FusionRequest(BaseModel):
    """As SandboxFusion has it; fields that only matter there are accepted and ignored."""

    model_config = ConfigDict(extra="ignore")

    code: str = Field(max_length=MAX_CODE)
    language: str = Field(max_length=40)
    stdin: str | None = None
    run_timeout: float = Field(default=10, gt=0, le=600)
    memory_limit_MB: int = Field(default=-1, le=65536)  # noqa: N815
    files: dict[str, str | None] = Field(default_factory=dict, max_length=64, description="Name → content in base64.")
    fetch_files: list[str] = Field(default_factory=list, description="Not offered: no file leaves a jail.")


def install(app: FastAPI, backend: CodeBackend) -> None:
    """Add the route to an app whose backend is started by its server."""
    admission: Admission = app.state.admission

    @app.post("/run_code")
    async def run_code(request: Request, body: FusionRequest) -> JSONResponse:
        """What SandboxFusion answers."""
        try:
            run, files = _from_fusion(body)
        except ValueError as error:
            return JSONResponse(_fusion_reply("SandboxError", str(error)))
        try:
            with admission.enter(1):
                return JSONResponse(_as_fusion(await run_or_cancel(request, run_once(backend, run, files))))
        except Overloaded as error:
            # Its clients try again on 504, and on nothing else.
            return JSONResponse({"detail": "overloaded"}, 504, {"retry-after": f"{error.retry_after_s:.0f}"})


def _from_fusion(body: FusionRequest) -> tuple[RunRequest, dict[str, File]]:
    """Raises ValueError for what it wants and a jail does not give."""
    if body.fetch_files:
        raise ValueError("fetch_files is not offered: no file leaves a jail")
    files = {}
    for name, content in body.files.items():
        if not re.fullmatch(FILE_NAME, name):
            raise ValueError(f"files: {name[:60]!r} is no plain file name; folders are not offered")
        try:
            files[name] = File(base64.b64decode(content or "", validate=True))
        except binascii.Error as error:
            raise ValueError(f"files: {name[:60]!r} is no base64: {error}") from None
    memory = {"memory_mb": body.memory_limit_MB} if body.memory_limit_MB >= 16 else {}
    limits = Limits(wall_s=body.run_timeout, cpu_s=body.run_timeout, **memory)
    return RunRequest(language=body.language, code=body.code, stdin=body.stdin or "", limits=limits), files


def _as_fusion(reply: RunReply) -> dict[str, Any]:
    if reply.ending == "system_error":
        return _fusion_reply("SandboxError", reply.error)
    compiled = None
    if reply.compile:
        code = 0 if reply.compile.ok else 1
        compiled = _command(reply.compile.ending, code, "", reply.compile.stderr, reply.compile.wall_ms)
    # One that we had to end has no exit code of its own; in a shell it would be that of the signal.
    code = -signal.SIGKILL if reply.exit_code is None else reply.exit_code
    ran = (
        None
        if reply.ending == "compile_error"
        else _command(reply.ending, code, reply.stdout, reply.stderr, reply.wall_ms)
    )
    return _fusion_reply("Success" if reply.ending == "ok" else "Failed", "", compiled, ran)


def _fusion_reply(
    status: str, message: str, compiled: dict[str, Any] | None = None, ran: dict[str, Any] | None = None
) -> dict[str, Any]:
    return {
        "status": status,
        "message": message,
        "compile_result": compiled,
        "run_result": ran,
        "executor_pod_name": None,
        "files": {},
    }


def _command(ending: str, code: int, stdout: str, stderr: str, wall_ms: float) -> dict[str, Any]:
    timed_out = ending == "time_limit"
    return {
        "status": "TimeLimitExceeded" if timed_out else "Finished",
        "execution_time": wall_ms / 1000,
        "return_code": None if timed_out else code,
        "stdout": stdout,
        "stderr": stderr,
    }
