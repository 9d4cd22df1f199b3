"""Routes for clients of other sandboxes, beside SandboxFusion's POST /run_code.

POST /test_program         open-instruct's: Python against assert statements, each a test of its own
POST /test_program_stdio   open-instruct's: Python against inputs and outputs

    {"program", "tests", "max_execution_time"} ──▶ {"results": [1, 0], "runtimes": [0.02, -1.0]}

Tests are JSON. Data sets also hold them pickled, and unpickling runs whatever their author wrote: that is refused.
A failure of ours is 503, which its client tries again; no result is made up for one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from reward_sandbox.backend import CodeBackend
from reward_sandbox.grading.items import MAX_CODE, MAX_TESTS, GradeItem, GradeResult, Test
from reward_sandbox.jail.spec import Limits
from reward_verifiers.contract import Failure, FailureKind, ProblemError
from reward_verifiers.service.admission import Admission
from reward_verifiers.service.problems import HTTPProblem
from reward_verifiers.service.streams import run_or_cancel
from reward_verifiers.service.strict_json import BadJSON, loads
from reward_verifiers.verifier import Overloaded

FAILED_RUNTIME = -1.0


def _read(tests: Any) -> Any:
    """Tests that come as a JSON string. Raises ValueError for a pickle."""
    if not isinstance(tests, str):
        return tests or []
    try:
        return loads(tests.encode("utf-8", "surrogatepass"))
    except BadJSON:
        reason = "send a JSON list; base64 of a pickle is not read, since unpickling runs code: decode it once, offline"
        raise ValueError(reason) from None


class _Request(BaseModel):
    """Its clients may send more."""

    model_config = ConfigDict(extra="ignore")

    program: str = Field(max_length=MAX_CODE)
    max_execution_time: float = Field(default=1.0, gt=0, le=600, description="Seconds for each test.")

    def limits(self) -> Limits:
        return Limits(wall_s=self.max_execution_time, cpu_s=self.max_execution_time)


class AssertsRequest(_Request):
    tests: Annotated[
        list[Annotated[str, Field(max_length=MAX_CODE)]], BeforeValidator(_read), Field(max_length=MAX_TESTS)
    ]

    def items(self) -> list[GradeItem]:
        """One for each test, since each is judged by itself."""
        return [
            GradeItem(
                language="python",
                code=self.program,
                kind="asserts",
                test_code=test,
                limits=self.limits(),
            )
            for test in self.tests
        ]


class StdioTest(BaseModel):
    model_config = ConfigDict(extra="ignore")

    input: str
    output: str


class StdioRequest(_Request):
    tests: Annotated[list[StdioTest], BeforeValidator(_read), Field(max_length=MAX_TESTS)]

    def items(self) -> list[GradeItem]:
        """One for all tests, whose results are reason apart."""
        if not self.tests:
            return []
        tests = [Test(stdin=test.input, stdout=test.output) for test in self.tests]
        return [
            GradeItem(
                language="python", code=self.program, kind="stdio", tests=tests, stop="never", limits=self.limits()
            )
        ]


class Results(BaseModel):
    results: list[int] = Field(description="1 for a test that passed, else 0.")
    runtimes: list[float] = Field(description="Seconds, and -1 for a test that did not pass.")


def install(app: FastAPI, backend: CodeBackend) -> None:
    """Add the routes to an app whose backend is started by its server."""
    admission: Admission = app.state.admission

    async def tested(request: Request, items: list[GradeItem]) -> JSONResponse:
        try:
            with admission.enter(len(items)):
                graded = await run_or_cancel(request, _graded(backend, items))
        except Overloaded as error:
            # Its client tries again on 503, and never on 429.
            raise HTTPProblem(503, "Overloaded", headers={"retry-after": f"{error.retry_after_s:.0f}"}) from None
        return JSONResponse(_results(graded))

    @app.post("/test_program", response_model=Results)
    async def test_program(request: Request, body: AssertsRequest) -> JSONResponse:
        """What open-instruct's `--code_api_url` asks."""
        return await tested(request, body.items())

    @app.post("/test_program_stdio", response_model=Results)
    async def test_program_stdio(request: Request, body: StdioRequest) -> JSONResponse:
        """The same for programs that read and print."""
        return await tested(request, body.items())


async def _graded(backend: CodeBackend, items: Sequence[GradeItem]) -> list[GradeResult]:
    return list(await asyncio.gather(*map(backend.grader.grade, items)))


def _results(graded: Sequence[GradeResult]) -> dict[str, Any]:
    """Raises HTTPProblem when a program could not be judged."""
    for index, result in enumerate(graded):
        if result.failure is not None:
            raise _problem(index, result.failure)
    # A program that does not compile has no results of tests; Python has none such.
    tests = [test for result in graded for test in result.tests]
    return {
        "results": [int(test.passed) for test in tests],
        "runtimes": [test.wall_ms / 1000 if test.passed else FAILED_RUNTIME for test in tests],
    }


def _problem(index: int, failure: Failure) -> HTTPProblem:
    """A test that cannot be run is the data set's, and stays so however often it is sent."""
    status = 422 if failure.kind in (FailureKind.BAD_REFERENCE, FailureKind.UNSUPPORTED) else 503
    reason = f"{failure.kind}: {failure.message}"
    return HTTPProblem(status, "No verdict", errors=[ProblemError(path=f"tests[{index}]", reason=reason)])
