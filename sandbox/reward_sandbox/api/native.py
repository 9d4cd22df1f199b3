"""The sandbox's own routes.

POST /grade      programs against tests        PUT /tests/{sha256}   tests to refer to
POST /run        one program, no grading       GET /languages        what is here, with versions
POST /jail       for the remote backend of another instance
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Annotated, Any

from fastapi import FastAPI, Path, Request
from fastapi.responses import Response
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector
from pydantic import BaseModel, Field, ValidationError, WithJsonSchema

from reward_sandbox.api.runs import RunReply, RunRequest, run_once
from reward_sandbox.backend import CodeBackend
from reward_sandbox.grading.items import GradeItem, GradeResult
from reward_sandbox.jail.host.jobs import carry_out
from reward_sandbox.jail.host.wire import Done, Job
from reward_verifiers.contract import ProblemError, StrictModel, validation_errors
from reward_verifiers.service.admission import Admission
from reward_verifiers.service.problems import HTTPProblem
from reward_verifiers.service.streams import NDJSON, HeldStream, as_done, run_or_cancel

MAX_ITEMS = 1024
Sha256 = Annotated[str, Path(pattern="^[0-9a-f]{64}$")]


_AnyItem = Annotated[Any, WithJsonSchema(GradeItem.model_json_schema())]
"""Each is validated by itself: one that cannot be graded costs its neighbours nothing."""


class GradeRequest(StrictModel):
    items: list[_AnyItem] = Field(min_length=1, max_length=MAX_ITEMS)


class GradeReply(BaseModel):
    items: list[GradeResult]


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

        async def numbered(index: int, item: Any) -> bytes:
            return b'{"index":%d,%s\n' % (index, (await _graded(backend, item)).model_dump_json().encode()[1:])

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
            return await run_or_cancel(request, run_once(backend, body))

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


async def _all(backend: CodeBackend, items: list[Any]) -> list[GradeResult]:
    return list(await asyncio.gather(*(_graded(backend, item) for item in items)))


async def _graded(backend: CodeBackend, item: Any) -> GradeResult:
    try:
        return await backend.grade(GradeItem.model_validate(item))
    except ValidationError as error:
        name = item.get("id") if isinstance(item, dict) else ""
        why = "; ".join(f"{path}: {reason}" if path else reason for path, reason in validation_errors(error))
        return backend.grader.refused(name if isinstance(name, str) else "", why)
