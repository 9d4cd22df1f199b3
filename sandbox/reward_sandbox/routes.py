"""The sandbox's own routes: POST /grade, POST /run, GET /languages, and SandboxFusion's POST /run_code."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from reward_sandbox.backend import CodeBackend
from reward_sandbox.items import MAX_CODE, CompileResult, GradeItem, GradeResult
from reward_sandbox.jail.spec import Ending, File, Limits, Outcome, Tier
from reward_sandbox.languages import Compiler, UnknownLanguage, language_of, versions
from reward_verifiers.base import Overloaded
from reward_verifiers.limits import Admission
from reward_verifiers.shell import run_or_cancel

MAX_ITEMS = 1024


class GradeRequest(BaseModel):
    model_config = ConfigDict(extra="forbid")

    items: list[GradeItem] = Field(min_length=1, max_length=MAX_ITEMS)


class GradeReply(BaseModel):
    items: list[GradeResult]


class RunRequest(BaseModel):
    """A program to run once, without grading."""

    model_config = ConfigDict(extra="forbid")

    language: str = Field(max_length=40)
    code: str = Field(max_length=MAX_CODE)
    stdin: str = ""
    limits: Limits = Field(default_factory=Limits)


class RunReply(BaseModel):
    ending: Ending | str
    exit_code: int | None
    stdout: str
    stderr: str
    cpu_ms: float
    wall_ms: float
    peak_kb: int
    compile: CompileResult | None
    tier: Tier
    error: str


class FusionRequest(BaseModel):
    """As SandboxFusion has it; fields that only matter there are accepted and ignored."""

    model_config = ConfigDict(extra="ignore")

    code: str = Field(max_length=MAX_CODE)
    language: str = Field(max_length=40)
    stdin: str | None = None
    run_timeout: float = Field(default=10, gt=0, le=600)
    memory_limit_MB: int = Field(default=-1, le=65536)  # noqa: N815


def install(app: FastAPI, backend: CodeBackend) -> None:
    """Add the routes to an app whose backend is started by its server."""
    compiler, admission = backend.grader.compiler, Admission(backend.settings.max_programs)

    @app.post("/grade")
    async def grade(request: Request, body: GradeRequest) -> GradeReply:
        """Grade programs: one result an item, in order."""

        async def all_items() -> list[GradeResult]:
            return list(await asyncio.gather(*map(backend.grader.grade, body.items)))

        with admission.enter(len(body.items)):
            return GradeReply(items=await run_or_cancel(request, all_items()))

    @app.post("/run")
    async def run(request: Request, body: RunRequest) -> RunReply:
        """Compile and run a program once."""
        with admission.enter(1):
            return await run_or_cancel(request, _run(backend, compiler, body))

    @app.get("/languages")
    async def languages() -> dict[str, str]:
        """Language → version, of those that are here."""
        return await versions(backend.jail)

    @app.post("/run_code")
    async def run_code(request: Request, body: FusionRequest) -> JSONResponse:
        """What SandboxFusion answers."""
        memory = {"memory_mb": body.memory_limit_MB} if body.memory_limit_MB >= 16 else {}
        asked = RunRequest(
            language=body.language,
            code=body.code,
            stdin=body.stdin or "",
            limits=Limits(wall_s=body.run_timeout, cpu_s=body.run_timeout, **memory),
        )
        try:
            with admission.enter(1):
                return JSONResponse(_as_fusion(await run_or_cancel(request, _run(backend, compiler, asked))))
        except Overloaded as error:
            # Its clients try again on 504, and on nothing else.
            return JSONResponse({"detail": "overloaded"}, 504, {"retry-after": f"{error.retry_after_s:.0f}"})


async def _run(backend: CodeBackend, compiler: Compiler, body: RunRequest) -> RunReply:
    try:
        language = language_of(body.language)
    except UnknownLanguage as error:
        return _reply(Outcome("system_error", backend.jail.tier, error=str(error)), None)
    compiled = await compiler.compile(language, body.code)
    report = compiled.outcome
    made = None
    if report is not None:
        text = report.stderr.decode("utf-8", "replace")
        made = CompileResult(ok=compiled.files is not None, stderr=text, cpu_ms=report.cpu_ms, wall_ms=report.wall_ms)
    if compiled.files is None:
        return _reply(report or Outcome("system_error", backend.jail.tier), made, ending="compile_error")
    files: dict[str, File] = dict(compiled.files)
    stdin = body.stdin.encode("utf-8", "surrogatepass")
    return _reply(await backend.jail.run(language.execution(files, stdin, body.limits)), made)


def _reply(outcome: Outcome, made: CompileResult | None, ending: str = "") -> RunReply:
    return RunReply(
        ending=outcome.ending if outcome.ending == "system_error" else ending or outcome.ending,
        exit_code=outcome.exit_code,
        stdout=outcome.stdout.decode("utf-8", "replace"),
        stderr=outcome.stderr.decode("utf-8", "replace"),
        cpu_ms=outcome.cpu_ms,
        wall_ms=outcome.wall_ms,
        peak_kb=outcome.peak_kb,
        compile=made,
        tier=outcome.tier,
        error=outcome.error,
    )


def _as_fusion(reply: RunReply) -> dict[str, Any]:
    if reply.ending == "system_error":
        status, message = "SandboxError", reply.error
    else:
        status, message = ("Success" if reply.ending == "ok" else "Failed"), ""
    return {
        "status": status,
        "message": message,
        "compile_result": _command(reply.compile.ok, "", reply.compile.stderr, reply.compile.wall_ms, None)
        if reply.compile
        else None,
        "run_result": None
        if reply.ending in ("compile_error", "system_error")
        else _command(reply.ending == "ok", reply.stdout, reply.stderr, reply.wall_ms, reply),
        "executor_pod_name": None,
        "files": {},
    }


def _command(ok: bool, stdout: str, stderr: str, wall_ms: float, ran: RunReply | None) -> dict[str, Any]:
    timed_out = ran is not None and ran.ending == "time_limit"
    code = (0 if ok else 1) if ran is None else ran.exit_code
    return {
        "status": "TimeLimitExceeded" if timed_out else "Finished",
        "execution_time": wall_ms / 1000,
        "return_code": None if timed_out else code,
        "stdout": stdout,
        "stderr": stderr,
    }
