"""The kind repo: a patch is applied to a repository, the reference's tests are laid over it, and certain ones must pass.

base alone         the tests of FAIL_TO_PASS do not all pass, those of PASS_TO_PASS do     once a problem, else bad_reference
solution_patch     all of them pass                                                       once a problem, where there is one
the patch          all of them pass: 1.0, else 0.0

The tests run in one process with the patched code, so a result is always of weak assurance.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, replace

from cachetools import LRUCache
from pydantic import BaseModel, Field, ValidationError

from reward_sandbox.grading.errors import BadItem, CheckerFailed, SandboxFailed, Unsupported
from reward_sandbox.grading.items import GradeItem, TestResult, Verdict
from reward_sandbox.grading.results import LIMITS, test_result
from reward_sandbox.grading.steps import harness
from reward_sandbox.jail.spec import PYTHON, File, Outcome, Run, Runs
from reward_sandbox.languages.table import Language

_MODULES = ("touchstone_repo", "touchstone_repo_pytest", "touchstone_tree", "touchstone_diff", "touchstone_submission")
_KEPT_TRIALS = 1024
_SHOWN = 400
_VERDICTS: dict[str, Verdict] = {"passed": "accepted", "error": "runtime_error"}
"""Whatever else a test came to, such as skipped or not run, is a wrong answer."""


class _Answer(BaseModel):
    """What the harness reports."""

    refused: str = ""
    fault: str = ""
    missing: str = ""
    dropped: list[str] = Field(default_factory=list)
    tests: list[str] = Field(default_factory=list)
    why: str = ""
    says: str = ""
    ran: int = 0
    out_of_time: bool = False


@dataclass(frozen=True, slots=True)
class RepoReport:
    """What came of a patch."""

    outcome: Outcome
    refused: str
    """Why the patch was not applied."""
    results: list[TestResult]

    @property
    def passed(self) -> bool:
        return bool(self.results) and all(result.passed for result in self.results)


class Trials:
    """What was learned of problems without any program: whether their tests demand something, and whether it can be had."""

    def __init__(self) -> None:
        self._kept: LRUCache[str, str] = LRUCache(_KEPT_TRIALS)
        self._at_work: dict[str, asyncio.Lock] = {}

    async def demand(self, item: GradeItem, problem: str, jail: Runs, language: Language) -> None:
        """Raises BadItem, CheckerFailed, SandboxFailed, Unsupported."""
        lock = self._at_work.setdefault(problem, asyncio.Lock())
        async with lock:
            if problem not in self._kept:
                self._kept[problem] = await _fault_of(item, jail, language)
        self._at_work.pop(problem, None)
        if self._kept.get(problem):
            raise BadItem(self._kept[problem])


async def _fault_of(item: GradeItem, jail: Runs, language: Language) -> str:
    """What is wrong with the reference; nothing where it is sound. Raises as Trials.demand does."""
    base = await _tried(item, "", jail, language)
    expect, names = item.expect, item.expect.names if item.expect else []
    wanted = set(expect.FAIL_TO_PASS) if expect else set()
    if base.passed or all(result.passed for name, result in zip(names, base.results, strict=False) if name in wanted):
        return "expect: the tests of FAIL_TO_PASS pass without a patch"
    broken = [
        result for name, result in zip(names, base.results, strict=False) if name not in wanted and not result.passed
    ]
    if broken:
        return f"expect: without a patch {len(broken)} of PASS_TO_PASS do not pass: {_shown(broken)}"
    if not item.solution_patch:
        return ""
    own = await _tried(item, item.solution_patch, jail, language)
    if own.refused:
        return f"solution_patch: {own.refused}"
    failed = [result for result in own.results if not result.passed]
    return f"solution_patch: {len(failed)} expected tests do not pass with it: {_shown(failed)}" if failed else ""


async def _tried(item: GradeItem, patch: str, jail: Runs, language: Language) -> RepoReport:
    """Raises CheckerFailed where a limit may be to blame."""
    report = await graded(item, patch, jail, language)
    if report.outcome.ending in LIMITS:
        raise CheckerFailed(f"the tests of the repository broke a limit without the patch: {report.outcome.ending}")
    return report


def _shown(results: list[TestResult]) -> str:
    first = results[0]
    return f"{first.name[:200]} ({first.stderr[-_SHOWN:] or first.verdict})"


async def graded(item: GradeItem, patch: str, jail: Runs, language: Language) -> RepoReport:
    """Raises BadItem where the reference is to blame, SandboxFailed, Unsupported."""
    limits = language.limits(item.limits)
    files = {**harness("repo", *_MODULES), "job.json": File(await asyncio.to_thread(_job, item, patch, language))}
    run = Run(PYTHON, files, limits=limits, stacks_mb=language.stacks_mb, artefact=True, artefact_mb=1)
    outcome = await jail.run(run)
    if outcome.ending == "system_error":
        raise SandboxFailed(outcome.error)
    answer = _answer(outcome)
    if answer.out_of_time:
        outcome = replace(outcome, ending="time_limit")
    if answer.missing:
        raise Unsupported(f"the sandbox has not {answer.missing}, which this reference needs")
    if answer.fault:
        raise BadItem(answer.fault)
    return RepoReport(outcome, answer.refused, [] if answer.refused else _results(item, outcome, answer))


def _job(item: GradeItem, patch: str, language: Language) -> bytes:
    fields = ("files", "archive", "test_files", "test_patch", "report", "protected")
    job = {name: getattr(item, name) for name in fields}
    job |= {"expect": item.expect.names if item.expect else [], "patch": patch, "env": dict(language.env)}
    job["command"] = (item.arguments or []) if item.report == "pytest" else item.command
    return json.dumps(job).encode("utf-8", "surrogatepass")


def _answer(outcome: Outcome) -> _Answer:
    try:
        return _Answer.model_validate_json(outcome.artefact)
    except ValidationError:
        return _Answer(why=f"the tests' process ended the run: {outcome.ending}")


def _results(item: GradeItem, outcome: Outcome, answer: _Answer) -> list[TestResult]:
    names = item.expect.names if item.expect else []
    if outcome.ending != "ok" or len(answer.tests) != len(names):
        verdict: Verdict = outcome.ending if outcome.ending != "ok" else "wrong_answer"
        return [_result(name, verdict, answer.why or outcome.ending, outcome) for name in names]
    # The runner's own words may hold what the tests expect, so they are shown only where no test ran.
    says = "" if answer.ran else answer.says.strip()[-_SHOWN:]
    why = ": ".join(text for text in (answer.why, says) if text)
    return [
        _result(name, _VERDICTS.get(status, "wrong_answer"), "" if status == "passed" else why or status, outcome)
        for name, status in zip(names, answer.tests, strict=True)
    ]


def _result(name: str, verdict: Verdict, why: str, outcome: Outcome) -> TestResult:
    result = test_result(outcome, verdict)
    return result.model_copy(update={"name": name, "stdout": "", "stderr": why})
