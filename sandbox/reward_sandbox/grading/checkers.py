"""The kinds checker and interactive: a program of the data set's, in a jail of its own, says whether an output is right."""

from __future__ import annotations

import hashlib
import signal
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from cachetools import LRUCache

from reward_sandbox.grading.errors import BadItem, CheckerFailed, SandboxFailed
from reward_sandbox.grading.items import CheckerFile, GradeItem, Protocol, Test, Verdict
from reward_sandbox.grading.results import LIMITS, text_of
from reward_sandbox.grading.steps import Execution, Step, ended, stdin_of
from reward_sandbox.jail.spec import File, Limits, Outcome, Run, Runs
from reward_sandbox.languages.compiler import Compiler

_KEPT_TRIALS = 65_536
_TESTLIB = Path(__file__).with_name("inside") / "testlib.h"
CHECKER_LIMITS = Limits(wall_s=20, cpu_s=10, memory_mb=1024)
_EXITS: dict[int, Verdict] = {0: "accepted", 1: "wrong_answer", 2: "presentation_error"}
_WORDS = ("true", "yes", "ok", "ac", "accepted", "right", "correct"), ("false", "no", "wa", "wrong", "answer")
_TRACEBACK = b"Traceback (most recent call last)"


@dataclass(frozen=True, slots=True)
class Checker:
    """A compiled checker."""

    files: Mapping[str, File]
    execution: Execution
    protocol: Protocol
    arguments: tuple[CheckerFile, ...]

    @classmethod
    async def compiled(cls, item: GradeItem, compiler: Compiler) -> Checker:
        """Raises BadItem when it does not compile, UnknownLanguage."""
        if item.checker is None:
            raise BadItem(f"checker: kind {item.kind} needs one")
        language = compiler.language_of(item.checker.language)
        beside = {_TESTLIB.name: File(_TESTLIB.read_bytes())} if _TESTLIB.name in item.checker.code else {}
        compiled = await compiler.compile(language, item.checker.code, beside)
        if compiled.files is None:
            message = text_of(compiled.outcome.stderr[:500]) if compiled.outcome else ""
            raise BadItem(f"checker: it does not compile: {message}")
        return cls(compiled.files, language.execution, item.checker.protocol, tuple(item.checker.arguments))

    def run_on(self, test: Test, output: bytes) -> Run:
        files = {**_files(test), "output": File(output)}
        run = self.execution({**self.files, **files}, b"", CHECKER_LIMITS)
        return replace(run, argv=(*run.argv, *self.arguments))

    def interactor(self, test: Test) -> Run:
        run = self.execution({**self.files, **_files(test)}, b"", CHECKER_LIMITS)
        return replace(run, argv=(*run.argv, "input", "answer"))

    def digest_with(self, test: Test) -> bytes:
        """Of all that its verdict on the reference output depends on."""
        parts = [self.protocol, *self.arguments, test.stdin, test.stdout or ""]
        digest = hashlib.sha256()
        for content in (*(stdin_of(part) for part in parts), *(file.content for file in self.files.values())):
            digest.update(b"%d " % len(content) + content)
        return digest.digest()

    def demand_its_protocol(self, outcome: Outcome) -> None:
        """Raises BadItem."""
        is_alone = len(outcome.stdout[:100].split()) == 1
        if self.protocol == "exit" and self.verdict(outcome) == "accepted" and is_alone and _printed(outcome):
            raise BadItem("checker: it prints a verdict and ends with 0 all the same; set its protocol to stdout")

    def verdict(self, outcome: Outcome) -> Verdict | None:
        """What it says; None where that is nothing. An uncaught error of Python ends with 1 and is no verdict."""
        if outcome.ending not in ("ok", "runtime_error") or _TRACEBACK in outcome.stderr:
            return None
        if self.protocol == "stdout":
            return _printed(outcome) if outcome.exit_code == 0 else None
        return _EXITS.get(outcome.exit_code if outcome.exit_code is not None else -1)


class Trials:
    """What checkers said of the reference outputs of their tests: one that refuses those is no judge of programs."""

    def __init__(self) -> None:
        self._kept: LRUCache[bytes, Verdict | None] = LRUCache(_KEPT_TRIALS)

    async def demand(self, jail: Runs, checker: Checker, test: Test) -> None:
        """Raises BadItem where the checker does not accept the reference output, SandboxFailed."""
        if not test.stdout:
            return
        key = checker.digest_with(test)
        if key not in self._kept:
            outcome = await _run(jail, checker.run_on(test, stdin_of(test.stdout)))
            checker.demand_its_protocol(outcome)
            if outcome.ending in LIMITS:
                raise CheckerFailed(f"the checker failed on the reference output: {outcome.ending}")
            self._kept[key] = checker.verdict(outcome)
        if (verdict := self._kept[key]) != "accepted":
            says = f"calls it {verdict.replace('_', ' ')}" if verdict else "trips over it"
            raise BadItem(f"checker: the reference output, `stdout` of a test, is not right for it: it {says}")


def _files(test: Test) -> dict[str, File]:
    return {"input": File(stdin_of(test.stdin)), "answer": File(stdin_of(test.stdout or ""))}


def _printed(outcome: Outcome) -> Verdict | None:
    words = outcome.stdout[:100].decode("utf-8", "replace").split()
    word = words[-1].lower() if words else ""
    if word in _WORDS[0]:
        return "accepted"
    try:
        return "accepted" if float(word) >= 1 else "wrong_answer"
    except ValueError:
        return "wrong_answer" if word in _WORDS[1] else None


def steps(
    item: GradeItem,
    jail: Runs,
    checker: Checker,
    files: Mapping[str, File],
    execution: Execution,
    trials: Trials,
) -> list[Step]:
    """A step a test."""

    def step(test: Test) -> Step:
        async def judge(outcome: Outcome) -> Verdict:
            return await _checked(jail, checker, test, outcome.stdout, trials)

        if item.kind == "checker":
            return Step(execution(files, stdin_of(test.stdin), item.limits), ended(judge), test)
        return Step(execution(files, b"", item.limits), ended(judge), test, checker.interactor(test))

    return [step(test) for test in item.tests]


async def _checked(jail: Runs, checker: Checker, test: Test, output: bytes, trials: Trials) -> Verdict:
    """Raises BadItem, CheckerFailed, SandboxFailed. A checker that accepts the reference output and trips over the program's
    says thereby that it is wrong.
    """
    outcome = await _run(jail, checker.run_on(test, output))
    verdict = checker.verdict(outcome)
    checker.demand_its_protocol(outcome)
    if verdict == "accepted":
        return verdict
    await trials.demand(jail, checker, test)
    if verdict is None and not test.stdout:
        raise CheckerFailed(f"the checker failed: {outcome.ending}, exit {outcome.exit_code}")
    return verdict or "wrong_answer"


async def _run(jail: Runs, run: Run) -> Outcome:
    outcome = await jail.run(run)
    if outcome.ending == "system_error":
        raise SandboxFailed(outcome.error)
    return outcome


async def interacted(jail: Runs, step: Step, outcome: Outcome, interactor: Outcome) -> Verdict:
    """The program's limits first, then the interactor's word. One that trips over what the program wrote, and does not trip
    over silence, says that it is wrong. Raises CheckerFailed, SandboxFailed.
    """
    if outcome.ending in LIMITS:
        return LIMITS[outcome.ending]
    failed: Verdict | None = "runtime_error" if outcome.ending == "runtime_error" else None
    if interactor.exit_code in _EXITS and _TRACEBACK not in interactor.stderr:
        return failed or _EXITS[interactor.exit_code]
    if _ended_by_silence(interactor):
        return failed or "wrong_answer"
    if step.interactor is not None and _is_sound(await _run(jail, step.interactor)):
        return "wrong_answer"  # whatever became of the program behind it
    raise CheckerFailed(f"the interactor failed: {interactor.ending}, exit {interactor.exit_code}")


def _is_sound(alone: Outcome) -> bool:
    """Whether an interactor whose program says nothing ends as it should."""
    return _ended_by_silence(alone) or (alone.exit_code in _EXITS and _TRACEBACK not in alone.stderr)


def _ended_by_silence(interactor: Outcome) -> bool:
    """A program that stops talking ends its interactor: that is its own doing."""
    return (
        interactor.exit_code == -signal.SIGPIPE
        or b"EOFError" in interactor.stderr
        or b"BrokenPipe" in interactor.stderr
    )
