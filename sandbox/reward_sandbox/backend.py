"""The verifier `code`: a completion's program against the reference's tests. A Backend, since programs run in jails of
their own and not in the suite's workers.
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from reward_sandbox.datasets import table
from reward_sandbox.datasets.row import NotUnderstood
from reward_sandbox.grading import audit, extraction, patches, suites
from reward_sandbox.grading.grader import Grader
from reward_sandbox.grading.items import MAX_CODE, Assurance, GradeItem, GradeResult, Tests
from reward_sandbox.grading.uploads import Uploads
from reward_sandbox.jail.backends.bwrap import BwrapJail
from reward_sandbox.jail.backends.docker import DockerJail
from reward_sandbox.jail.backends.fork_server import ForkServerJail
from reward_sandbox.jail.backends.remote import RemoteJail
from reward_sandbox.jail.host.leftovers import OwnFolder, sweep
from reward_sandbox.jail.host.steady import SteadyJail
from reward_sandbox.jail.spec import TIERS, CannotJail, Jail, Tier
from reward_sandbox.languages import engines, precompiled
from reward_sandbox.languages.compiler import UnknownLanguage
from reward_sandbox.languages.table import PRECOMPILED, Language
from reward_sandbox.settings import SandboxSettings
from reward_verifiers.code_digest import code_digest
from reward_verifiers.contract import (
    Description,
    FailureKind,
    Verdict,
    VerifyReply,
    VerifyRequest,
    completion_text,
    validation_errors,
)
from reward_verifiers.verifier import BadOptions, Options

NAME, VERSION = "code", "1.0.0"


class CodeOptions(Options):
    language: str = Field(default="python", description="Of the programs, where the reference names none.")
    min_tier: Tier = Field(
        default="X", description="The weakest isolation level to trust with them, as docs/sandbox.md names them."
    )

    min_assurance: Assurance = Field(
        default="weak", description="`strong`: a result of weak assurance is no verdict, as docs/sandbox.md names them."
    )


class CodeReference(Tests):
    """The tests; see items.Tests. `language` overrides the domain's."""

    language: str = Field(default="", max_length=40)


class CodeBackend:
    """Judges programs in `settings.slots` jails, started on first use."""

    def __init__(self, settings: SandboxSettings | None = None) -> None:
        self._settings = settings or SandboxSettings()
        self._scratch = OwnFolder()
        os.chmod(self._scratch.path, 0o755)  # noqa: S103  # every jail looks into it, be there a header or not
        self._binds = {name: f"{self._scratch.path}{name}" for name in (PRECOMPILED, engines.PACKAGES)}
        for folder in self._binds.values():
            os.mkdir(folder)
            os.chmod(folder, 0o755)  # noqa: S103
        self.raw_jail = _jail(self._settings, self._binds)
        self.jail = SteadyJail(self.raw_jail)
        self.uploads = Uploads(self._settings.max_tests_mb << 20)
        self.grader = Grader(self.jail, self.uploads)
        self._starting = asyncio.Lock()
        self._is_up, self._why_not = False, "it has not started"

    @property
    def settings(self) -> SandboxSettings:
        return self._settings

    async def start(self) -> None:
        """Raises CannotJail."""
        async with self._starting:
            if not self._is_up:
                if self._settings.backend in ("fork_server", "bwrap"):
                    await asyncio.to_thread(sweep)
                    await asyncio.to_thread(engines.prepare, Path(self._binds[engines.PACKAGES]))
                    await self._precompile()
                await self.jail.start()
                await self.grader.compiler.find()
                self._is_up = True

    async def _precompile(self) -> None:
        """The slots see the header in a folder that they take as it is, so it is made before they start."""
        first = _jail(self._settings.model_copy(update={"slots": 1, "preload": []}), {})
        await first.start()
        try:
            await precompiled.prepare(first, Path(self._binds[PRECOMPILED]))
        finally:
            await first.aclose()

    async def aclose(self) -> None:
        await self.grader.aclose()
        await self.jail.aclose()
        self._scratch.remove()
        self._is_up = False

    async def describe(self) -> Description:
        return Description(
            verifier=NAME,
            version=VERSION,
            summary="Runs the completion's program against tests, in a jail.",
            options_schema=CodeOptions.model_json_schema(),
            reference_schema=CodeReference.model_json_schema(),
            score_range=(0.0, 1.0),
            whole_group=False,
            pure=False,
            build=code_digest(CodeBackend),
        )

    async def check_options(self, options: dict[str, Any]) -> None:
        self._options(options)

    async def ready(self) -> bool:
        try:
            await self.start()
        except CannotJail as error:
            self._why_not = str(error)
            return False
        return True

    def details(self) -> dict[str, str]:
        return {"tier": self.jail.tier} if self._is_up else {"why": self._why_not}

    async def grade(self, item: GradeItem) -> GradeResult:
        """As the grader does; where no jail can be made the result says why."""
        try:
            await self.start()
        except CannotJail as error:
            return self.grader.refused(item.id, f"no sandbox here: {error}", FailureKind.UNSUPPORTED)
        return await self.grader.grade(item)

    async def verify(self, request: VerifyRequest) -> VerifyReply:
        options = self._options(request.options)
        try:
            reference = CodeReference.model_validate(await asyncio.to_thread(table.reference_of, request.reference))
        except NotUnderstood as error:
            return self._all(request, Verdict.failed(FailureKind.BAD_REFERENCE, f"reference: {error}"))
        except ValidationError as error:
            reason = "; ".join(f"reference.{path}: {reason}" for path, reason in validation_errors(error))
            return self._all(request, Verdict.failed(FailureKind.BAD_REFERENCE, reason))
        try:
            await self.start()
            language = self._language(reference, options)
        except CannotJail as error:
            return self._all(request, Verdict.failed(FailureKind.UNSUPPORTED, f"no sandbox here: {error}"))
        except UnknownLanguage as error:
            return self._all(request, Verdict.failed(FailureKind.UNSUPPORTED, str(error)))
        if TIERS.index(self.jail.tier) > TIERS.index(options.min_tier):
            reason = f"min_tier: the domain demands isolation level {options.min_tier}, this one is {self.jail.tier}"
            return self._all(request, Verdict.failed(FailureKind.UNSUPPORTED, reason))
        tests = _tests_of(reference, language.name)
        entry = reference.entry or suites.entry_of(reference.test_code)
        texts = [_without_surrogates(completion_text(completion)) for completion in request.completions]
        if reference.kind == "repo":
            programs, nothing = [patches.patch(text, request.prefix) for text in texts], "no patch after the thinking"
        else:
            programs = [extraction.program(text, language, request.prefix, entry) for text in texts]
            nothing = f"no complete fenced block of {language.name} after the thinking"
        # Siblings often write the same program: each is graded once.
        graded: dict[str, GradeResult] = {}

        async def grade(code: str) -> None:
            graded[code] = await self.grader.grade(GradeItem(language=language.name, code=code, **tests))

        async with asyncio.TaskGroup() as group:
            for code in {code for code in programs if code is not None and len(code) <= MAX_CODE}:
                group.create_task(grade(code))
        verdicts = [
            _verdict(graded[code], language.name, options.min_assurance)
            if code in graded
            else Verdict.scored(0.0, f"the program is longer than {MAX_CODE} characters")
            if code is not None
            else Verdict.scored(0.0, nothing)
            for code in programs
        ]
        return VerifyReply(verifier=NAME, version=VERSION, build=code_digest(CodeBackend), verdicts=verdicts)

    async def audit(self, row: dict[str, Any], options: dict[str, Any]) -> list[str]:
        """What is wrong with a row of a data set, one line each: its reference, its tests, its own solution."""
        try:
            reference = row.get("reference")
            own = dict(row) if isinstance(reference, dict) else table.converted(row)
            checked = CodeReference.model_validate(table.reference_of(own["reference"]))
            await self.start()
            language = self._language(checked, self._options(options))
        except (NotUnderstood, CannotJail, UnknownLanguage) as error:
            return [str(error)]
        except ValidationError as error:
            return [f"{path}: {reason}" for path, reason in validation_errors(error)]
        tests = _tests_of(checked, language.name)
        solution = str(own.get("solution") or checked.solution_patch)
        tests["entry"] = checked.entry or suites.entry_of(checked.test_code) or suites.defined_by(solution)
        return await audit.faults_of(GradeItem(language=language.name, code="", **tests), solution, self.grader.grade)

    def _language(self, reference: CodeReference, options: CodeOptions) -> Language:
        """Raises UnknownLanguage."""
        compiler, name = self.grader.compiler, reference.language or options.language
        return compiler.engine_of(name) if reference.kind == "sql" else compiler.language_of(name)

    @staticmethod
    def converted(row: dict[str, Any], dataset: str = "") -> dict[str, Any]:
        """A row of a public data set as one to train with: prompt, reference, solution. Raises ValueError."""
        return table.converted(row, dataset)

    @staticmethod
    def _options(options: dict[str, Any]) -> CodeOptions:
        try:
            return CodeOptions.model_validate(options)
        except ValidationError as error:
            raise BadOptions(validation_errors(error)) from None

    @staticmethod
    def _all(request: VerifyRequest, verdict: Verdict) -> VerifyReply:
        return VerifyReply(
            verifier=NAME,
            version=VERSION,
            build=code_digest(CodeBackend),
            verdicts=[verdict] * len(request.completions),
        )


def _jail(settings: SandboxSettings, binds: dict[str, str]) -> Jail:
    tiers: dict[str, Any] = {"at_least": settings.min_tier, "tier": settings.tier}
    match settings.backend:
        case "fork_server":
            modules: dict[str, Any] = {
                "path": settings.python_path,
                "folders": settings.python_path,
                "preload": settings.preload,
            }
            return ForkServerJail(settings.slots, python=settings.python, binds=binds, **modules, **tiers)
        case "bwrap":
            return BwrapJail(settings.slots, python=settings.python, binds=binds, **tiers)
        case "docker":
            return DockerJail(
                settings.slots, at_least=settings.min_tier, image=settings.image, runtime=settings.runtime
            )
        case "remote":
            key = settings.remote_key.get_secret_value()
            return RemoteJail(settings.remote_url, key=key, at_least=settings.min_tier)


def _verdict(result: GradeResult, language: str, min_assurance: Assurance) -> Verdict:
    evidence: dict[str, Any] = {
        "language": language,
        "tier": result.tier,
        "assurance": result.assurance,
        "tests": len(result.tests),
        "passed": sum(test.passed for test in result.tests),
    }
    if result.failure is not None or result.score is None:
        failure = result.failure
        kind = failure.kind if failure else FailureKind.VERIFIER_ERROR
        return Verdict.failed(kind, failure.message if failure else "no score", **evidence)
    if min_assurance == "strong" and result.assurance == "weak":
        reason = "min_assurance: the tests share a process with the program, or lean on it; the domain demands strong"
        return Verdict.failed(FailureKind.UNSUPPORTED, reason, **evidence)
    broken = next((test for test in result.tests if not test.passed and test.verdict != "skipped"), None)
    evidence["verdict"] = result.verdict
    if failed := [f"{test.name}: {test.verdict}" for test in result.tests if test.name and not test.passed]:
        evidence["failed_tests"] = failed[:20]
    if broken is not None:
        evidence |= {"stdout": broken.stdout[:500], "stderr": broken.stderr[-500:]}
    elif result.compile is not None and not result.compile.ok:
        evidence["stderr"] = result.compile.stderr[:500]
    reason = f"{evidence['passed']} of {evidence['tests']} tests passed" if result.tests else "no test was run"
    if language in engines.ENGINES and evidence.get("stderr", "").strip():
        reason += f": {evidence['stderr'].strip().splitlines()[-1]}"
    return Verdict.scored(result.score, f"{result.verdict}: {reason}", **evidence)


def _without_surrogates(text: str) -> str:
    """Lone ones are no characters, and no item could hold them."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _tests_of(reference: CodeReference, language: str) -> dict[str, Any]:
    """What an item for the grader takes of a reference."""
    return {**reference.model_dump(exclude={"language"}), "prelude": table.prelude_for(language, reference.prelude)}
