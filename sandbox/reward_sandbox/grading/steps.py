"""One run and how it is judged; and the steps of the kinds that compare what a program wrote: stdio and function."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from reward_sandbox.grading.inside.touchstone_codec import encode
from reward_sandbox.grading.items import GradeItem, Test, Verdict
from reward_sandbox.grading.judges import Judges
from reward_sandbox.grading.judging import TextCheck, ValueCheck
from reward_sandbox.jail.spec import PYTHON, File, Limits, Outcome, Run

Judge = Callable[[Outcome], Awaitable[Verdict]]
Execution = Callable[[Mapping[str, File], bytes, Limits], Run]
_INSIDE = Path(__file__).with_name("inside")
RESULT_MB = 1
"""MiB of a call's result."""


@dataclass(frozen=True, slots=True)
class Step:
    """One run and how its outcome is judged."""

    run: Run
    judge: Judge
    test: Test
    interactor: Run | None = None


def stdin_of(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def harness(main: str, *modules: str) -> dict[str, File]:
    """The files of a harness, as they lie in the box."""
    files = {f"{name}.py": File((_INSIDE / f"{name}.py").read_bytes()) for name in modules}
    return {"solution.py": File((_INSIDE / f"{main}.py").read_bytes()), **files}


def submission(item: GradeItem) -> dict[str, File]:
    """The program of a call or of test code, and what the task gives it."""
    prelude = {"prelude.py": File(stdin_of(item.prelude))} if item.prelude else {}
    return {"submission.py": File(stdin_of(item.code)), **prelude}


def stdio(item: GradeItem, files: Mapping[str, File], execution: Execution, judges: Judges) -> list[Step]:
    """The program's output is compared with the test's."""

    def step(test: Test) -> Step:
        async def judge(outcome: Outcome) -> Verdict:
            check = TextCheck(test.stdout or "", outcome.stdout, item.compare, item.tolerance)
            return await judges.verdict(check)

        return Step(execution(files, stdin_of(test.stdin), item.limits), ended(judge), test)

    return [step(test) for test in item.tests]


def function(item: GradeItem, judges: Judges, run_of: Callable[[Test], Run] | None = None) -> list[Step]:
    """The result of a call is compared with the test's `expected`, by type and value. run_of: the call of a test; by default
    in Python.
    """
    run_of = run_of or _call(item)

    def step(test: Test) -> Step:
        async def judge(outcome: Outcome) -> Verdict:
            return await judges.verdict(
                ValueCheck([test.expected, *test.or_expected], outcome.artefact, item.tolerance)
            )

        return Step(run_of(test), ended(judge), test)

    return [step(test) for test in item.tests]


def _call(item: GradeItem) -> Callable[[Test], Run]:
    files = {
        **harness("call", "touchstone_codec", "touchstone_submission"),
        **submission(item),
    }

    def run_of(test: Test) -> Run:
        named = {name: encode(argument) for name, argument in test.kwargs.items()}
        call = {"entry": item.entry, "args": [encode(argument) for argument in test.args], "kwargs": named}
        return Run(PYTHON, files, json.dumps(call).encode(), item.limits, artefact=True, artefact_mb=RESULT_MB)

    return run_of


def ended(judge: Judge) -> Judge:
    """A program that broke a limit or failed is judged by that, not by its output."""

    async def whole(outcome: Outcome) -> Verdict:
        return await judge(outcome) if outcome.ending == "ok" else outcome.ending

    return whole


def weightless(count: int) -> Sequence[Test]:
    """For checks that the item does not list."""
    return [Test()] * count
