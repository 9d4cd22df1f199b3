"""One program run once, without grading: what POST /run and other dialects' routes stand on."""

from __future__ import annotations

from pydantic import BaseModel, Field

from reward_sandbox.backend import CodeBackend
from reward_sandbox.grading.items import MAX_CODE, CompileResult
from reward_sandbox.grading.results import compile_result
from reward_sandbox.jail.spec import CannotJail, Ending, File, Limits, Outcome, Tier
from reward_sandbox.languages.compiler import UnknownLanguage
from reward_verifiers.contract import StrictModel


class RunRequest(StrictModel):
    """A program to run once, without grading."""

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


async def run_once(backend: CodeBackend, body: RunRequest, more: dict[str, File] | None = None) -> RunReply:
    compiler = backend.grader.compiler
    try:
        await backend.start()
        language = compiler.language_of(body.language)
    except (UnknownLanguage, CannotJail) as error:
        return _reply(Outcome("system_error", backend.jail.tier, error=str(error)), None)
    compiled = await compiler.compile(language, body.code)
    compile_reply = compile_result(compiled.outcome)
    if compiled.files is None:
        return _reply(
            compiled.outcome or Outcome("system_error", backend.jail.tier), compile_reply, ending="compile_error"
        )
    files = {**(more or {}), **compiled.files}
    stdin = body.stdin.encode("utf-8", "surrogatepass")
    return _reply(await backend.jail.run(language.execution(files, stdin, body.limits)), compile_reply)


def _reply(outcome: Outcome, compile_reply: CompileResult | None, ending: str = "") -> RunReply:
    return RunReply(
        ending=outcome.ending if outcome.ending == "system_error" else ending or outcome.ending,
        exit_code=outcome.exit_code,
        stdout=outcome.stdout.decode("utf-8", "replace"),
        stderr=outcome.stderr.decode("utf-8", "replace"),
        cpu_ms=outcome.cpu_ms,
        wall_ms=outcome.wall_ms,
        peak_kb=outcome.peak_kb,
        compile=compile_reply,
        tier=outcome.tier,
        error=outcome.error,
    )
