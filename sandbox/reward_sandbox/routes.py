"""The sandbox's own routes.

POST /grade      programs against tests        PUT /tests/{sha256}   tests to refer to
POST /run        one program, no grading       GET /languages        what is here, with versions
POST /run_code   SandboxFusion's               POST /jail            for the remote backend of another instance
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import re
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Annotated, Any

from fastapi import FastAPI, Path, Request
from fastapi.responses import JSONResponse, Response
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from reward_sandbox.backend import CodeBackend
from reward_sandbox.grading import compile_result
from reward_sandbox.items import MAX_CODE, CompileResult, GradeItem, GradeResult
from reward_sandbox.jail.elsewhere import carry_out
from reward_sandbox.jail.spec import Ending, File, Limits, Outcome, Tier
from reward_sandbox.jail.wire import FILE_NAME, Done, Job
from reward_sandbox.languages import UnknownLanguage
from reward_verifiers.contract import ProblemError, validation_errors
from reward_verifiers.service.admission import Admission
from reward_verifiers.service.problems import HTTPProblem
from reward_verifiers.service.streams import NDJSON, HeldStream, as_done, run_or_cancel
from reward_verifiers.verifier import Overloaded

MAX_ITEMS = 1024
Sha256 = Annotated[str, Path(pattern="^[0-9a-f]{64}$")]


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
    files: dict[str, str | None] = Field(default_factory=dict, max_length=64, description="Name → content in base64.")
    fetch_files: list[str] = Field(default_factory=list, description="Not offered: no file leaves a jail.")


class _Ends(Collector):
    """reward_sandbox_kills_total."""

    def __init__(self, backend: CodeBackend) -> None:
        self._backend = backend

    def collect(self) -> Iterator[CounterMetricFamily]:
        ended = CounterMetricFamily(
            "reward_sandbox_kills", "Runs that a limit or a failure of ours ended.", labels=["reason"]
        )
        for reason, count in self._backend.jail.ends.items():
            ended.add_metric([reason], count)
        yield ended


def install(app: FastAPI, backend: CodeBackend) -> None:
    """Add the routes to an app whose backend is started by its server."""
    admission: Admission = app.state.admission
    app.state.metrics.register(_Ends(backend))

    @app.post("/grade", response_model=GradeReply)
    async def grade(request: Request, body: GradeRequest) -> Response:
        """Grade programs: one result an item, in order.

        With `Accept: application/x-ndjson` they come back one a line as soon as each is done, with its `index`.
        """

        async def numbered(index: int, item: GradeItem) -> bytes:
            return b'{"index":%d,%s\n' % (index, (await backend.grader.grade(item)).model_dump_json().encode()[1:])

        held = ExitStack()
        held.enter_context(admission.enter(len(body.items)))
        if NDJSON in request.headers.get("accept", ""):
            return HeldStream(as_done(numbered(index, item) for index, item in enumerate(body.items)), held)
        with held:
            results = await run_or_cancel(request, _all(backend, body.items))
        return Response(GradeReply(items=results).model_dump_json(), media_type="application/json")

    @app.put("/tests/{sha256}")
    async def put_tests(request: Request, sha256: Sha256) -> dict[str, int]:
        """Keep tests under the SHA-256 of this body, a JSON list of them; items name it as `tests_sha256`."""
        parsed = await request.json()
        try:
            return {"tests": backend.uploads.put(sha256, await request.body(), parsed)}
        except ValidationError as error:
            errors = [ProblemError(path=f"tests.{path}", reason=reason) for path, reason in validation_errors(error)]
            raise HTTPProblem(422, errors=errors) from None
        except ValueError as error:
            raise HTTPProblem(422, errors=[ProblemError(path="tests", reason=str(error))]) from None

    @app.post("/run")
    async def run(request: Request, body: RunRequest) -> RunReply:
        """Compile and run a program once."""
        with admission.enter(1):
            return await run_or_cancel(request, _run(backend, body))

    @app.get("/languages")
    async def languages() -> dict[str, str]:
        """Language → version, of those that are here."""
        return await backend.grader.compiler.versions()

    @app.post("/jail", response_model=Done)
    async def jail(request: Request, body: Job) -> Response:
        """Runs as they are, for another instance whose backend is `remote`."""
        with admission.enter(len(body.runs)):
            done = await run_or_cancel(request, carry_out(backend.raw_jail, body))
        return Response(done.model_dump_json(), media_type="application/json")

    @app.post("/run_code")
    async def run_code(request: Request, body: FusionRequest) -> JSONResponse:
        """What SandboxFusion answers."""
        try:
            asked, files = _from_fusion(body)
        except ValueError as error:
            return JSONResponse(_fusion_reply("SandboxError", str(error)))
        try:
            with admission.enter(1):
                return JSONResponse(_as_fusion(await run_or_cancel(request, _run(backend, asked, files))))
        except Overloaded as error:
            # Its clients try again on 504, and on nothing else.
            return JSONResponse({"detail": "overloaded"}, 504, {"retry-after": f"{error.retry_after_s:.0f}"})


async def _all(backend: CodeBackend, items: list[GradeItem]) -> list[GradeResult]:
    return list(await asyncio.gather(*map(backend.grader.grade, items)))


async def _run(backend: CodeBackend, body: RunRequest, more: dict[str, File] | None = None) -> RunReply:
    compiler = backend.grader.compiler
    try:
        language = compiler.language_of(body.language)
    except UnknownLanguage as error:
        return _reply(Outcome("system_error", backend.jail.tier, error=str(error)), None)
    compiled = await compiler.compile(language, body.code)
    made = compile_result(compiled.outcome)
    if compiled.files is None:
        return _reply(compiled.outcome or Outcome("system_error", backend.jail.tier), made, ending="compile_error")
    files = {**(more or {}), **compiled.files}
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
    made = None
    if reply.compile:
        code = 0 if reply.compile.ok else 1
        made = _command(reply.compile.ending, code, "", reply.compile.stderr, reply.compile.wall_ms)
    # One that we had to end has no exit code of its own; in a shell it would be that of the signal.
    code = -signal.SIGKILL if reply.exit_code is None else reply.exit_code
    ran = (
        None
        if reply.ending == "compile_error"
        else _command(reply.ending, code, reply.stdout, reply.stderr, reply.wall_ms)
    )
    return _fusion_reply("Success" if reply.ending == "ok" else "Failed", "", made, ran)


def _fusion_reply(
    status: str, message: str, made: dict[str, Any] | None = None, ran: dict[str, Any] | None = None
) -> dict[str, Any]:
    return {
        "status": status,
        "message": message,
        "compile_result": made,
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
