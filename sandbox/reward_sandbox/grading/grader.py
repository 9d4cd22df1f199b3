"""Judges programs: each test in a jail of its own that never sees what is expected; compared outside of it.

item ──▶ compile ──▶ tests of its kind ──▶ one run a test ──▶ compare ──▶ score
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from cachetools import LRUCache

from reward_sandbox.grading import calls, checkers, programs, repos, sql, steps, suites
from reward_sandbox.grading.errors import BadItem, CheckerFailed, SandboxFailed, Unsupported
from reward_sandbox.grading.items import Assurance, GradeItem, GradeResult, Test, TestResult, Verdict
from reward_sandbox.grading.judges import Judges
from reward_sandbox.grading.results import LIMITS, compile_result, score_of, test_result
from reward_sandbox.grading.steps import Step
from reward_sandbox.grading.uploads import Uploads
from reward_sandbox.jail.spec import PYTHON, CannotJail, File, Jail, Outcome, Run, Runs
from reward_sandbox.languages.compiler import Compiled, Compiler, UnknownLanguage
from reward_sandbox.languages.table import Language
from reward_verifiers.contract import Failure, FailureKind

log = logging.getLogger(__name__)
KEPT_RESULTS = 4096
_LOOK = b"""import importlib.util, json
print(json.dumps([importlib.util.find_spec(name) is not None for name in json.loads(input())]))"""
_TALKING = ("checker", "interactive")
_SUITES = ("asserts", "unittest", "humaneval")


class Grader:
    """Grades items in a jail that somebody else starts and stops."""

    def __init__(self, jail: Jail, uploads: Uploads) -> None:
        self._jail = jail
        self._uploads = uploads
        self._judges = Judges()
        self._trials = checkers.Trials()
        self._repositories = repos.Trials()
        self._references = sql.References()
        self.compiler = Compiler(jail)
        self._libraries: dict[str, bool] = {}
        self._kept: LRUCache[str, GradeResult] = LRUCache(KEPT_RESULTS)
        self._failed_before: LRUCache[str, Counter[int]] = LRUCache(KEPT_RESULTS)

    async def aclose(self) -> None:
        """End the workers that compare."""
        await self._judges.aclose()

    async def grade(self, item: GradeItem) -> GradeResult:
        """Never raises for the program's sake: what is ours to answer for is a failure in the result."""
        # Uploaded tests are named by their hash, which is why this comes first.
        problem = hashlib.sha256(item.model_dump_json(exclude={"id", "code", "language"}).encode()).hexdigest()
        if item.tests_sha256:
            try:
                item = item.with_tests(self._uploads.get(item.tests_sha256))
            except LookupError:
                why = f"tests_sha256: no such tests here; PUT them to /tests/{item.tests_sha256}"
                return self._failed(item, FailureKind.BAD_REFERENCE, why)
            except ValueError as error:
                return self._failed(item, FailureKind.BAD_REFERENCE, str(error))
        key = hashlib.sha256(f"{problem}\0{item.language}\0{item.code}".encode("utf-8", "surrogatepass")).hexdigest()
        if key in self._kept:
            return self._kept[key].model_copy(update={"id": item.id, "cached": True})
        result = await self._result(item, problem)
        # A limit may be the machine's doing and a failure is ours: neither is remembered. Nor is what does not compile:
        # that may be a limit of the compiler's.
        if result.valid and result.tests and not {test.verdict for test in result.tests} & {*LIMITS.values()}:
            self._kept[key] = result
        return result

    async def _result(self, item: GradeItem, problem: str) -> GradeResult:
        try:
            return await self._graded(item, problem)
        except (UnknownLanguage, Unsupported) as error:
            return self._failed(item, FailureKind.UNSUPPORTED, str(error))
        except BadItem as error:
            return self._failed(item, FailureKind.BAD_REFERENCE, str(error))
        except CheckerFailed as error:
            return self._failed(item, FailureKind.VERIFIER_ERROR, str(error))
        except (SandboxFailed, CannotJail) as error:
            return self._failed(item, FailureKind.WORKER_CRASHED, f"the sandbox failed: {error}")
        except Exception as error:  # a defect of ours costs this item its verdict, and never the batch
            log.exception("an item was not graded")
            return self._failed(item, FailureKind.VERIFIER_ERROR, f"the grader failed: {type(error).__name__}")

    async def _graded(self, item: GradeItem, problem: str) -> GradeResult:
        """Raises UnknownLanguage, BadItem, CheckerFailed, SandboxFailed, CannotJail."""
        if item.kind == "sql":
            return await self._query(item, problem)
        language = self.compiler.language_of(item.language)
        if language.name != "python" and item.kind in _SUITES:
            raise BadItem(f"kind: {item.kind} is for Python; use stdio or function for {language.name}")
        await self._require(item)
        if item.kind == "repo":
            return await self._repository(item, language, problem)
        if item.kind == "program":
            return await self._program(item, language)
        item = _with_entry(item)
        await self._try_checker(item)
        compiled = await self._compiled(item, language)
        if compiled.files is None:
            return self._not_compiled(item, compiled.outcome)
        limits = language.limits(item.limits)
        if item.kind in _TALKING:
            more_mb = max(limits.memory_mb, checkers.CHECKER_LIMITS.memory_mb)
            limits = limits.model_copy(update={"memory_mb": more_mb})
        async with self._jail.submission(limits) as jail:
            if item.kind in _SUITES:
                report = await suites.graded(item, jail)
                tests = steps.weightless(len(report.results))
                return self._scored(item, tests, report.results, compiled, report.assurance)
            planned = await self._steps(item, jail, compiled)
            results = await self._walked(item, jail, planned, problem)
            return self._scored(item, [step.test for step in planned], results, compiled, "strong")

    async def _program(self, item: GradeItem, language: Language) -> GradeResult:
        """Raises SandboxFailed, CannotJail."""
        source, word = programs.joined(item)
        compiled = await self.compiler.compile(language, source)
        if compiled.files is None:
            return self._not_compiled(item, compiled.outcome)
        step = programs.step(item, compiled, word)
        async with self._jail.submission(language.limits(item.limits)) as jail:
            result = await self._walk(step, jail, 0)
        return self._scored(item, [step.test], [result], compiled, "weak")

    async def _repository(self, item: GradeItem, language: Language, problem: str) -> GradeResult:
        """Raises BadItem, CheckerFailed, SandboxFailed, Unsupported, CannotJail."""
        async with self._jail.submission(language.limits(item.limits)) as jail:
            await self._repositories.demand(item, problem, jail, language)
            report = await repos.graded(item, item.code, jail, language)
        if report.refused:
            return self._not_compiled(
                item, replace(report.outcome, ending="runtime_error", stderr=report.refused.encode())
            )
        compiled = Compiled(language, {})
        return self._scored(item, steps.weightless(len(report.results)), report.results, compiled, "weak")

    async def _query(self, item: GradeItem, problem: str) -> GradeResult:
        """Raises UnknownLanguage, BadItem, Unsupported, SandboxFailed, CannotJail."""
        engine = self.compiler.engine_of(item.language)
        async with self._jail.submission(engine.limits(item.limits)) as jail:
            planned = await sql.steps(item, engine, jail, self._judges, self._references)
            results = await self._walked(item, jail, planned, problem)
        return self._scored(item, item.tests, results, Compiled(engine, {}), "strong")

    async def _require(self, item: GradeItem) -> None:
        """Raises Unsupported where a Python library is missing that the item declares: no program is to blame for that."""
        unknown = [name for name in item.requires if name not in self._libraries]
        if unknown:
            outcome = await self._jail.run(Run(PYTHON, {"solution.py": File(_LOOK)}, json.dumps(unknown).encode()))
            if outcome.ending != "ok":
                raise SandboxFailed(f"the jail cannot say which libraries it has: {outcome.error or outcome.ending}")
            self._libraries |= dict(zip(unknown, json.loads(outcome.stdout), strict=True))
        missing = [name for name in item.requires if not self._libraries[name]]
        if missing:
            raise Unsupported(
                f"requires: the sandbox has no {', '.join(missing)}; TOUCHSTONE_SANDBOX_PYTHON_PATH adds one"
            )

    async def _compiled(self, item: GradeItem, language: Language) -> Compiled:
        """The program; for a function call in another language than Python with what calls it. Raises BadItem."""
        if item.kind != "function" or language.name == "python":
            return await self.compiler.compile(language, item.code)
        harness = calls.harness_of(language.name)
        return await self.compiler.compile(language, calls.source_of(item, harness), calls.beside(harness))

    async def _try_checker(self, item: GradeItem) -> None:
        """On a reference output, before any program is judged by it. Raises BadItem, UnknownLanguage, SandboxFailed."""
        if item.kind in _TALKING:
            checker = await checkers.Checker.compiled(item, self.compiler)
            test = next((test for test in item.tests if test.stdout), None)
            if item.kind == "checker" and test is not None:
                await self._trials.demand(self._jail, checker, test)

    async def _steps(self, item: GradeItem, jail: Runs, compiled: Compiled) -> list[Step]:
        files = compiled.files or {}
        if item.kind == "function":
            if compiled.language.name == "python":
                return steps.function(item, self._judges)
            harness = calls.harness_of(compiled.language.name)
            return steps.function(item, self._judges, partial(calls.run_of, item, harness, compiled))
        if item.kind == "stdio":
            return steps.stdio(item, files, compiled.language.execution, self._judges)
        checker = await checkers.Checker.compiled(item, self.compiler)  # compiled before, and kept
        return checkers.steps(item, jail, checker, files, compiled.language.execution, self._trials)

    async def _walked(self, item: GradeItem, jail: Runs, planned: Sequence[Step], problem: str) -> list[TestResult]:
        """A result for each step, in their order. Those that this problem's programs failed before are run first, so that a
        wrong program is found out early. Raises SandboxFailed, CheckerFailed.
        """
        failures = self._failed_before.setdefault(problem, Counter())
        stops = item.stop == "first_failure" and item.score == "all"
        results = [TestResult(passed=False, verdict="skipped")] * len(planned)
        for index in sorted(range(len(planned)), key=lambda index: -failures[index]):
            results[index] = await self._walk(planned[index], jail, item.limits.output_kb << 10)
            if not results[index].passed:
                failures[index] += 1
                if stops:
                    break
        return results

    @staticmethod
    async def _walk(step: Step, jail: Runs, bound: int) -> TestResult:
        if step.interactor is None:
            outcome = await jail.run(step.run)
            _check(outcome)
            return test_result(outcome, await step.judge(outcome))
        outcome, interactor = await jail.run_pair(step.run, step.interactor, as_standard=True, bound=bound)
        _check(outcome, interactor)
        outcome = replace(outcome, stdout=b"")
        return test_result(outcome, await checkers.interacted(jail, step, outcome, interactor))

    def _scored(
        self,
        item: GradeItem,
        tests: Sequence[Test],
        results: list[TestResult],
        compiled: Compiled,
        assurance: Assurance,
    ) -> GradeResult:
        failed: list[Verdict] = [result.verdict for result in results if not result.passed]
        return GradeResult(
            id=item.id,
            valid=True,
            failure=None,
            passed=not failed,
            score=score_of(item, tests, results),
            verdict=next((verdict for verdict in failed if verdict != "skipped"), "accepted"),
            tests=results,
            compile=compile_result(compiled.outcome),
            tier=self._jail.tier,
            assurance=assurance,
        )

    def refused(self, name: str, why: str, kind: FailureKind = FailureKind.BAD_REFERENCE) -> GradeResult:
        """Of an item that is none, or that is not tried."""
        return self._failure(name, kind, why)

    def _failed(self, item: GradeItem, kind: FailureKind, message: str) -> GradeResult:
        return self._failure(item.id, kind, message)

    def _failure(self, name: str, kind: FailureKind, message: str) -> GradeResult:
        return GradeResult(
            id=name[:200],
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


def _check(*outcomes: Outcome) -> None:
    """Raises SandboxFailed."""
    for outcome in outcomes:
        if outcome.ending == "system_error":
            raise SandboxFailed(outcome.error)


def _with_entry(item: GradeItem) -> GradeItem:
    """With the function to call, where the item names none: from the tests, or for kind function from the program. Raises
    BadItem.
    """
    if item.entry or item.kind not in ("function", *_SUITES):
        return item
    entry = suites.entry_of(item.test_code) if item.kind in _SUITES else ""
    entry = entry or suites.defined_by(item.code)
    if not entry:
        raise BadItem(f"entry: kind {item.kind} needs the name of the function, and it cannot be inferred")
    return item.model_copy(update={"entry": entry})
