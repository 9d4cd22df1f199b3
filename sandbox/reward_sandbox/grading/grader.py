"""Judges programs: each test in a jail of its own that never sees what is expected; compared here, outside.

item ──▶ compile ──▶ tests of its kind ──▶ one run a test ──▶ compare ──▶ score
"""

from __future__ import annotations

import ast
import hashlib
import json
import secrets
import signal
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from cachetools import LRUCache

from reward_sandbox.grading import asserts, compare, harness, tagged
from reward_sandbox.grading.items import (
    Assurance,
    CompileResult,
    GradeItem,
    GradeResult,
    Test,
    TestResult,
    Verdict,
)
from reward_sandbox.grading.uploads import Uploads
from reward_sandbox.jail.spec import PYTHON, CannotJail, Ending, File, Jail, Limits, Outcome, Run, Runs
from reward_sandbox.languages.compiler import Compiler, UnknownLanguage
from reward_verifiers.contract import Failure, FailureKind

SHOWN = 4_000
"""Characters of a program's output that a result carries."""
KEPT_RESULTS = 4096
Judge = Callable[[Outcome], Verdict | Awaitable[Verdict]]
CHECKER_LIMITS = Limits(wall_s=20, cpu_s=10, memory_mb=1024)
_EXITS: dict[int, Verdict] = {0: "accepted", 1: "wrong_answer", 2: "presentation_error"}
_STRONG: Assurance = "strong"
_LIMITS: dict[Ending, Verdict] = {
    "time_limit": "time_limit",
    "memory_limit": "memory_limit",
    "output_limit": "output_limit",
}


@dataclass(frozen=True, slots=True)
class _Step:
    """One run and how its outcome is judged."""

    run: Run
    judge: Judge
    test: Test
    interactor: Run | None = None


class SandboxFailed(RuntimeError):
    """A run came to no end of its own, by a failure of ours; the message says which."""


class CheckerFailed(RuntimeError):
    """The data set's checker does not do its work; the program is not to blame."""


class BadItem(ValueError):
    """The item cannot be graded, and its program is not to blame; the message names the field and the mend."""


class Grader:
    """Grades items in a jail that somebody else starts and stops."""

    def __init__(self, jail: Jail, uploads: Uploads) -> None:
        self._jail = jail
        self._uploads = uploads
        self.compiler = Compiler(jail)
        self._kept: LRUCache[str, GradeResult] = LRUCache(KEPT_RESULTS)
        self._failed_before: LRUCache[str, Counter[int]] = LRUCache(KEPT_RESULTS)

    async def grade(self, item: GradeItem) -> GradeResult:
        """Never raises for the program's sake: what is ours to answer for is a failure in the result."""
        # Uploaded tests are told by their hash, which is why this comes first.
        problem = hashlib.sha256(item.model_dump_json(exclude={"id", "code", "language"}).encode()).hexdigest()
        if item.tests_sha256:
            try:
                item = item.with_tests(self._uploads.get(item.tests_sha256))
            except LookupError:
                told = f"tests_sha256: no such tests here; PUT them to /tests/{item.tests_sha256}"
                return self._failed(item, FailureKind.BAD_REFERENCE, told)
            except ValueError as error:
                return self._failed(item, FailureKind.BAD_REFERENCE, str(error))
        key = hashlib.sha256(f"{problem}\0{item.language}\0{item.code}".encode("utf-8", "surrogatepass")).hexdigest()
        if key in self._kept:
            return self._kept[key].model_copy(update={"id": item.id, "cached": True})
        result = await self._graded(item, problem)
        # A limit may be the machine's doing and a failure is ours: neither is remembered. Nor is what does not compile:
        # that may be a limit of the compiler's.
        if result.valid and result.tests and not {test.verdict for test in result.tests} & {*_LIMITS.values()}:
            self._kept[key] = result
        return result

    async def _graded(self, item: GradeItem, problem: str) -> GradeResult:
        try:
            language = self.compiler.language_of(item.language)
            compiled = await self.compiler.compile(language, item.code)
            if compiled.files is None:
                return self._not_compiled(item, compiled.outcome)
            limits = language.limits(item.limits)
            if item.kind in ("checker", "interactive"):
                limits = limits.model_copy(update={"memory_mb": max(limits.memory_mb, CHECKER_LIMITS.memory_mb)})
            async with self._jail.submission(limits) as jail:
                if item.kind in ("checker", "interactive"):
                    steps, assurance = await self._checked(item, jail, compiled.files, language.execution), _STRONG
                else:
                    steps, assurance = self._steps(item, language.name, compiled.files, language.execution)
                results: list[TestResult] = []
                if not steps:
                    beside = item.kind == "asserts" and asserts.makes_objects(item.test_code)
                    one, assurance = (None, "weak") if beside else await self._pair(item, jail)
                    steps, results = ([_together(item)], []) if one is None else ([], [one])
                if steps:
                    results = await self._walked(item, jail, steps, problem)
        except UnknownLanguage as error:
            return self._failed(item, FailureKind.UNSUPPORTED, str(error))
        except BadItem as error:
            return self._failed(item, FailureKind.BAD_REFERENCE, str(error))
        except CheckerFailed as error:
            return self._failed(item, FailureKind.VERIFIER_ERROR, str(error))
        except SandboxFailed as error:
            return self._failed(item, FailureKind.WORKER_CRASHED, f"the sandbox failed: {error}")
        score = _score(item, [step.test for step in steps] or [Test()], results)
        failed = [result.verdict for result in results if not result.passed]
        return GradeResult(
            id=item.id,
            valid=True,
            failure=None,
            passed=not failed,
            score=score,
            verdict=next((verdict for verdict in failed if verdict != "skipped"), "accepted"),
            tests=results,
            compile=compile_result(compiled.outcome),
            tier=self._jail.tier,
            assurance=assurance,
        )

    async def _walked(self, item: GradeItem, jail: Runs, steps: Sequence[_Step], problem: str) -> list[TestResult]:
        """A result for each step, in their order. Those that this problem's programs failed before are run first, so that a
        wrong program is found out early. Raises SandboxFailed, CheckerFailed.
        """
        failures = self._failed_before.setdefault(problem, Counter())
        stops = item.stop == "first_failure" and item.score == "all"
        results = [TestResult(passed=False, verdict="skipped")] * len(steps)
        for index in sorted(range(len(steps)), key=lambda index: -failures[index]):
            step = steps[index]
            outcome, interactor = await self._outcome(step, jail, item.limits.output_kb << 10)
            for one in (outcome, interactor):
                if one is not None and one.ending == "system_error":
                    raise SandboxFailed(one.error)
            if interactor is not None:
                outcome = replace(outcome, stdout=b"")
            said = step.judge(outcome) if interactor is None else _interacted(outcome, interactor)
            results[index] = _result(outcome, said if isinstance(said, str) else await said)
            if not results[index].passed:
                failures[index] += 1
                if stops:
                    break
        return results

    def _steps(
        self, item: GradeItem, language: str, files: Any, execution: Callable[..., Run]
    ) -> tuple[list[_Step], Assurance]:
        if item.kind == "stdio":
            return [_stdio(item, test, files, execution) for test in item.tests], "strong"
        if language != "python":
            raise BadItem(f"kind: {item.kind} is for Python; use stdio for {language}")
        if item.kind == "function":
            return [
                _call(item, test.args, test.kwargs, test, _judge_value(test.expected, item.tolerance))
                for test in item.tests
            ], "strong"
        _check_test_code(item)
        if item.kind == "unittest":
            return [], "weak"
        try:
            found = asserts.calls(item.test_code, item.entry, "candidate" if item.kind == "humaneval" else None)
        except asserts.NotPlain:
            return [], "weak"
        return [
            _call(item, call.args, call.kwargs, Test(), _judge_assert(call), item.entry) for call in found
        ], "strong"

    async def _checked(self, item: GradeItem, jail: Runs, files: Any, execution: Callable[..., Run]) -> list[_Step]:
        """Steps whose outputs a checker judges, in a jail of its own. Raises BadItem when it cannot be made."""
        if item.checker is None:
            raise BadItem("checker: kind checker needs one")
        language = self.compiler.language_of(item.checker.language)
        made = await self.compiler.compile(language, item.checker.code)
        if made.files is None:
            told = _text(made.outcome.stderr[:500]) if made.outcome else ""
            raise BadItem(f"checker: it does not compile: {told}")
        checker = made.files

        def step(test: Test) -> _Step:
            async def judge(outcome: Outcome) -> Verdict:
                texts = {"input": test.stdin, "answer": test.stdout or ""}
                given = {name: File(text.encode("utf-8", "surrogatepass")) for name, text in texts.items()}
                run = language.execution({**checker, **given, "output": File(outcome.stdout)}, b"", CHECKER_LIMITS)
                said = await jail.run(replace(run, argv=(*run.argv, "input", "output", "answer")))
                if said.ending == "system_error":
                    raise SandboxFailed(said.error)
                # An uncaught error of Python ends with 1 too, and must not pass for a verdict.
                crashed = b"Traceback (most recent call last)" in said.stderr
                if said.ending in ("ok", "runtime_error") and said.exit_code in _EXITS and not crashed:
                    return _EXITS[said.exit_code]
                raise CheckerFailed(f"the checker failed: {said.ending}, exit {said.exit_code}")

            stdin = test.stdin.encode("utf-8", "surrogatepass")
            if item.kind == "checker":
                return _Step(execution(files, stdin, item.limits), _ended(judge), test)
            given = {"input": File(stdin), "answer": File((test.stdout or "").encode("utf-8", "surrogatepass"))}
            run = language.execution({**checker, **given}, b"", CHECKER_LIMITS)
            other = replace(run, argv=(*run.argv, "input", "answer"))
            return _Step(execution(files, b"", item.limits), _ended(judge), test, other)

        return [step(test) for test in item.tests]

    @staticmethod
    async def _outcome(step: _Step, jail: Runs, bound: int) -> tuple[Outcome, Outcome | None]:
        """Of the program, and of the one that it talked to."""
        if step.interactor is None:
            return await jail.run(step.run), None
        try:
            return await jail.run_pair(step.run, step.interactor, as_standard=True, bound=bound)
        except CannotJail as error:
            raise SandboxFailed(str(error)) from error

    async def _pair(self, item: GradeItem, jail: Runs) -> tuple[TestResult | None, Assurance]:
        """The tests in one jail, the solution in another, calls between them through a pipe: the solution never shares a
        process with the tests. No result where that cannot be done: what is passed cannot be sent, or there is one slot.
        Raises SandboxFailed.
        """
        nonce = secrets.token_hex(16)
        test_code, candidate = _test_code(item), item.kind == "humaneval"
        arguments = f"{test_code!r}, {item.entry!r}, {candidate!r}, {nonce.encode()!r}"
        tests = Run(
            PYTHON,
            {"solution.py": File(f"{harness.PROXY}\n_main({arguments})\n".encode("utf-8", "surrogatepass"))},
            limits=item.limits,
            artefact=True,
            artefact_mb=1,
        )
        code = File(item.code.encode("utf-8", "surrogatepass"))
        solution = Run(PYTHON, {"solution.py": File(harness.SERVE.encode()), "submission.py": code}, limits=item.limits)
        try:
            served, tested = await jail.run_pair(solution, tests)
        except CannotJail:
            return None, "weak"
        for outcome in (served, tested):
            if outcome.ending == "system_error":
                raise SandboxFailed(outcome.error)
        word, _, told = tested.artefact.partition(b" ")
        honest = told == nonce.encode()
        if honest and word == b"cannot":
            return None, "weak"
        verdict: Verdict
        if served.ending in _LIMITS:
            verdict = _LIMITS[served.ending]
        elif honest:
            verdict = "accepted"
        elif tested.ending == "runtime_error":
            verdict = "wrong_answer" if b"AssertionError" in tested.stderr else "runtime_error"
        else:
            verdict = _LIMITS.get(tested.ending, "wrong_answer")
        # What the tests print may hold what they expect, so only the solution's own output is shown. Where the tests lean
        # on other functions of the solution, those may say what they like.
        return _result(served, verdict), "weak" if word == b"helped" else "strong"

    def _failed(self, item: GradeItem, kind: FailureKind, message: str) -> GradeResult:
        return GradeResult(
            id=item.id,
            valid=False,
            failure=Failure(kind=kind, component=None, message=message),
            passed=None,
            score=None,
            verdict="system_error",
            tests=[],
            compile=None,
            tier=self._jail.tier,
            assurance="strong",
        )

    def _not_compiled(self, item: GradeItem, outcome: Outcome | None) -> GradeResult:
        if outcome is None or outcome.ending == "system_error":
            why = outcome.error if outcome else "no outcome"
            return self._failed(item, FailureKind.WORKER_CRASHED, f"the sandbox failed: {why}")
        return GradeResult(
            id=item.id,
            valid=True,
            failure=None,
            passed=False,
            score=0.0,
            verdict="compile_error",
            tests=[],
            compile=compile_result(outcome),
            tier=self._jail.tier,
            assurance="strong",
        )


# --- the kinds --------------------------------------------------------------------------------------------------------


def _stdio(item: GradeItem, test: Test, files: Any, execution: Callable[..., Run]) -> _Step:
    def judge(outcome: Outcome) -> Verdict:
        match = compare.texts(test.stdout or "", _text(outcome.stdout), item.compare, item.tolerance)
        return {"same": "accepted", "presentation": "presentation_error", "different": "wrong_answer"}[match]  # type: ignore[return-value]

    return _Step(execution(files, test.stdin.encode("utf-8", "surrogatepass"), item.limits), _ended(judge), test)


def _call(
    item: GradeItem, args: Sequence[Any], kwargs: dict[str, Any], test: Test, judge: Judge, entry: str = ""
) -> _Step:
    call = {
        "entry": entry or item.entry,
        "args": [tagged.encode(argument) for argument in args],
        "kwargs": {name: tagged.encode(argument) for name, argument in kwargs.items()},
    }
    files = {
        "solution.py": File(harness.CALL.encode()),
        "submission.py": File(item.code.encode("utf-8", "surrogatepass")),
    }
    run = Run(PYTHON, files, json.dumps(call).encode(), item.limits, artefact=True, artefact_mb=16)
    return _Step(run, _ended(judge), test)


def _check_test_code(item: GradeItem) -> None:
    """Tests that cannot run are the data set's fault, and no wrong answer. Raises BadItem."""
    try:
        tree = ast.parse(item.test_code)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise BadItem(f"test_code: it is no Python: {type(error).__name__}") from None
    functions = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    if item.kind == "humaneval" and "check" not in functions:
        raise BadItem("test_code: kind humaneval needs a function check(candidate)")


def _test_code(item: GradeItem) -> str:
    return item.test_code + harness.RUN_UNITTEST if item.kind == "unittest" else item.test_code


def _together(item: GradeItem) -> _Step:
    """Tests that cannot be read as calls run beside the solution. The nonce says that their end was reached; a solution that
    looks for it can find it, which is why the result is of weak assurance.
    """
    nonce = secrets.token_hex(16)
    check = f"check({item.entry})\n" if item.kind == "humaneval" else ""
    code = f"{item.code}\n\n{_test_code(item)}\n\n{check}\nimport os\nos.write(3, b'{nonce}')\n"
    files = {"solution.py": File(code.encode("utf-8", "surrogatepass"))}

    def judge(outcome: Outcome) -> Verdict:
        return "accepted" if outcome.artefact == nonce.encode() else "wrong_answer"

    return _Step(Run(PYTHON, files, b"", item.limits, artefact=True, artefact_mb=1), _ended(judge), Test())


async def _interacted(outcome: Outcome, interactor: Outcome) -> Verdict:
    """The program's limits first, then the interactor's word; one that failed is not the program's doing, whatever end the
    program then came to. Raises CheckerFailed.
    """
    if outcome.ending in _LIMITS:
        return _LIMITS[outcome.ending]
    failed: Verdict | None = "runtime_error" if outcome.ending == "runtime_error" else None
    crashed = b"Traceback (most recent call last)" in interactor.stderr
    if interactor.exit_code in _EXITS and not crashed:
        return failed or _EXITS[interactor.exit_code]
    # A program that stops talking ends its interactor: that is its own doing.
    if (
        interactor.exit_code == -signal.SIGPIPE
        or b"EOFError" in interactor.stderr
        or b"BrokenPipe" in interactor.stderr
    ):
        return failed or "wrong_answer"
    raise CheckerFailed(f"the interactor failed: {interactor.ending}, exit {interactor.exit_code}")


def _ended(judge: Judge) -> Judge:
    """A program that broke a limit or failed is judged by that, not by its output."""

    def whole(outcome: Outcome) -> Verdict | Awaitable[Verdict]:
        if outcome.ending != "ok":
            return outcome.ending
        return judge(outcome)

    return whole


def _returned(outcome: Outcome) -> Any:
    """The value that a call sent out. Raises NotAValue."""
    try:
        return tagged.decode(json.loads(outcome.artefact))
    except (ValueError, RecursionError) as error:
        raise tagged.NotAValue("nothing readable came back") from error


def _judge_value(expected: Any, tolerance: compare.Tolerance) -> Judge:
    def judge(outcome: Outcome) -> Verdict:
        try:
            got = tagged.plain(_returned(outcome))
        except tagged.NotAValue:
            return "wrong_answer"
        return "accepted" if compare.values(expected, got, tolerance) else "wrong_answer"

    return judge


def _judge_assert(call: asserts.Call) -> Judge:
    expected = tagged.decode(tagged.encode(call.expected))

    def judge(outcome: Outcome) -> Verdict:
        try:
            got = _returned(outcome)
        except tagged.NotAValue:
            return "wrong_answer"
        same = bool(got) is expected if call.truth else compare.values(expected, got, call.tolerance)
        return "accepted" if same else "wrong_answer"

    return judge


# --- results ----------------------------------------------------------------------------------------------------------


def _text(content: bytes) -> str:
    return content.decode("utf-8", "replace")


def _result(outcome: Outcome, verdict: Verdict) -> TestResult:
    return TestResult(
        passed=verdict == "accepted",
        verdict=verdict,
        stdout=_text(outcome.stdout[:SHOWN]),
        stderr=_text(outcome.stderr[-SHOWN:]),
        cpu_ms=round(outcome.cpu_ms, 3),
        wall_ms=round(outcome.wall_ms, 3),
        peak_kb=outcome.peak_kb,
    )


def compile_result(outcome: Outcome | None) -> CompileResult | None:
    """What a compiler said; None where there is none."""
    if outcome is None:
        return None
    return CompileResult(
        ok=outcome.ending == "ok",
        ending=outcome.ending,
        stderr=_text(outcome.stderr[:SHOWN]) or ("" if outcome.ending == "ok" else outcome.ending),
        cpu_ms=round(outcome.cpu_ms, 3),
        wall_ms=round(outcome.wall_ms, 3),
    )


def _score(item: GradeItem, tests: Sequence[Test], results: Sequence[TestResult]) -> float:
    """all: 1 when every test passed; fraction: their share; weighted: by weight; subtasks: each group by its worst test."""
    if item.score == "all":
        return float(all(result.passed for result in results))
    if item.score == "fraction":
        return sum(result.passed for result in results) / len(results)
    groups: defaultdict[str, list[tuple[float, bool]]] = defaultdict(list)
    for index, (test, result) in enumerate(zip(tests, results, strict=True)):
        key = test.group if item.score == "subtasks" else str(index)
        groups[key].append((test.weight, result.passed))
    total = sum(weight for group in groups.values() for weight, _ in group)
    won = sum(weight for group in groups.values() if all(passed for _, passed in group) for weight, _ in group)
    return won / total
