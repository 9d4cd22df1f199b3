"""What is graded and what comes back: the bodies of POST /grade and POST /run."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from reward_sandbox.grading import repository
from reward_sandbox.grading.compare import Mode, Tolerance
from reward_sandbox.grading.repository import Repository
from reward_sandbox.jail.spec import Ending, Limits, Tier
from reward_verifiers.contract import Failure, StrictModel

MAX_TESTS = 1000
MAX_CODE = 1_000_000
Kind = Literal[
    "stdio", "function", "asserts", "unittest", "humaneval", "checker", "interactive", "program", "repo", "sql"
]
Verdict = Literal[
    "accepted", "wrong_answer", "presentation_error", "runtime_error", "time_limit", "memory_limit", "output_limit",
    "compile_error", "skipped", "system_error",
]  # fmt: skip
Assurance = Literal["strong", "weak"]
Protocol = Literal["exit", "stdout"]
CheckerFile = Literal["input", "output", "answer"]
DONE = "TOUCHSTONE_DONE"
"""What test code of the kind `program` prints when it has come to its end; each run has another word in its place."""


class Test(StrictModel):
    """One test. stdio: `stdin` and `stdout`; function: `args`, `kwargs` and `expected`; sql: `database` and, in place of the
    item's `query`, the rows as `expected`.
    """

    __test__ = False  # for pytest

    stdin: str = ""
    stdout: str | None = None
    args: list[Any] = Field(default_factory=list)
    kwargs: dict[str, Any] = Field(default_factory=dict)
    database: str = Field(default="", description="sql: the script that makes the database, behind the `prelude`.")
    expected: Any = None
    or_expected: list[Any] = Field(default_factory=list, description="Other results that are right too.")
    weight: float = Field(default=1.0, ge=0, le=1e6)
    group: str = Field(default="", description="Subtask; with score `subtasks` each counts by its worst test.")


class Checker(StrictModel):
    """A program that says whether an output is right. protocol exit: 0 right; 1 wrong; 2 badly presented, as testlib has
    it. stdout: it ends with 0, and the last word it prints is 1 or true, or else 0 or false. Anything else is a failure of
    the checker; but one that accepts the test's `stdout` and trips over the program's output says that it is wrong.

    checker: it is called with the names of three files, the test's input, the output and the test's `stdout` (empty where
    it has none), in the order of `arguments`. interactive: its standard input and output are the program's output and
    input, and it is called with the names of the test's input and `stdout`.
    """

    language: str = Field(default="python", max_length=40)
    code: str = Field(max_length=MAX_CODE)
    protocol: Protocol = "exit"
    arguments: list[CheckerFile] = Field(
        default=["input", "output", "answer"], description="The files that a checker is called with, in this order."
    )


class Tests(Repository):
    """How a program is judged: the `reference` of the domain `code`, and part of each item of POST /grade."""

    kind: Kind = "stdio"
    tests: list[Test] = Field(default_factory=list, max_length=MAX_TESTS)
    tests_sha256: str = Field(
        default="",
        pattern="^([0-9a-f]{64})?$",
        description="In place of `tests`: those uploaded by PUT /tests/{sha256}.",
    )
    entry: str = Field(
        default="",
        max_length=200,
        description="Function to call; Class.method makes an instance first. Default: what the tests call.",
    )
    test_code: str = Field(
        default="", max_length=MAX_CODE, description="For asserts, unittest, humaneval and, in its language, program."
    )
    prelude: str = Field(
        default="",
        max_length=MAX_CODE,
        description="Imports and helpers that the task gives: they stand before the program, and tests use these. "
        "sql: the script that stands before each test's `database`, such as the schema.",
    )
    query: str = Field(default="", max_length=MAX_CODE, description="sql: a right query, whose rows are expected.")
    ordered: bool | None = Field(
        default=None, description="sql: whether the order of rows matters. Default: where the reference's query orders."
    )
    checker: Checker | None = Field(default=None, description="For the kinds checker and interactive.")
    requires: list[Annotated[str, Field(pattern=r"^[A-Za-z_]\w{0,99}$")]] = Field(
        default_factory=list,
        max_length=32,
        description="Python libraries that program or tests need: where one is missing there is no verdict.",
    )
    compare: Mode = "lines"
    tolerance: Tolerance = Field(default_factory=Tolerance)
    score: Literal["all", "fraction", "weighted", "subtasks"] = "all"
    stop: Literal["first_failure", "never"] = "first_failure"
    limits: Limits = Field(default_factory=Limits)

    @model_validator(mode="before")
    @classmethod
    def _with_limits(cls, data: Any) -> Any:
        """Where the tests are those of a repository, other limits are usual."""
        if isinstance(data, dict) and data.get("kind") == "repo" and isinstance(data.get("limits", {}), dict):
            return {**data, "limits": {**repository.LIMITS, **data.get("limits", {})}}
        return data

    @model_validator(mode="after")
    def _complete(self) -> Tests:
        if self.tests_sha256 and self.tests:
            raise ValueError("tests_sha256: give it or `tests`, not both")
        if not self.tests_sha256:
            self._check(self.tests)
        if self.kind in ("checker", "interactive") and self.checker is None:
            raise ValueError(f"checker: kind {self.kind} needs its language and code")
        if self.kind in ("asserts", "unittest", "humaneval", "program") and not self.test_code.strip():
            raise ValueError(f"test_code: kind {self.kind} needs it")
        if self.kind == "program" and DONE not in self.test_code:
            raise ValueError(f"test_code: kind program needs a statement at its end that prints {DONE}")
        if self.kind == "repo":
            self.check_repository()
            if self.score != "all":
                raise ValueError("score: kind repo pays when all expected tests pass, so it is `all`")
        return self

    def _check(self, tests: list[Test]) -> None:
        if self.kind in ("stdio", "function", "checker", "interactive", "sql") and not tests:
            raise ValueError("tests: at least one is needed")
        if self.score in ("weighted", "subtasks") and tests and not any(test.weight for test in tests):
            raise ValueError(f"tests: score {self.score} needs one with a weight above 0")
        if self.kind == "stdio" and any(test.stdout is None for test in tests):
            raise ValueError("tests: each needs `stdout`, the expected output")
        if self.kind == "sql" and not self.query.strip() and any(test.expected is None for test in tests):
            raise ValueError("query: a right one, or each test needs `expected`, the rows")
        if self.kind == "sql" and not all(_are_rows(test.expected) for test in tests):
            raise ValueError("tests: `expected` is a list of rows of the same length, each a list of values")

    def with_tests(self, tests: list[Test]) -> Self:
        """The same with the uploaded tests in place. Raises ValueError for tests of another kind."""
        self._check(tests)
        return self.model_copy(update={"tests": tests, "tests_sha256": ""})


def _are_rows(expected: Any) -> bool:
    if expected is None:
        return True
    are_lists = isinstance(expected, list) and all(isinstance(row, list) for row in expected)
    return are_lists and len({len(row) for row in expected}) <= 1


class GradeItem(Tests):
    """A program and its tests."""

    id: str = Field(default="", max_length=200)
    language: str = Field(max_length=40)
    code: str = Field(
        max_length=MAX_CODE,
        description="The program. kind repo: a unified diff, or a JSON object of paths and whole texts.",
    )


class TestResult(StrictModel):
    """How one test went. Never holds what was expected."""

    __test__ = False

    name: str = Field(default="", description="Of the test, where it has one: kind repo.")
    passed: bool
    verdict: Verdict
    stdout: str = ""
    stderr: str = ""
    cpu_ms: float = 0.0
    wall_ms: float = 0.0
    peak_kb: int = 0


class CompileResult(StrictModel):
    ok: bool
    ending: Ending
    stderr: str
    cpu_ms: float
    wall_ms: float


class GradeResult(StrictModel):
    """Valid with a score, or a failure of ours and no score."""

    id: str
    valid: bool
    failure: Failure | None
    passed: bool | None
    score: float | None
    verdict: Verdict
    tests: list[TestResult]
    compile: CompileResult | None
    tier: Tier
    assurance: Assurance
    cached: bool = False
