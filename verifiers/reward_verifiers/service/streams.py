"""Replies that take a while: work that ends when the client leaves, and lines of JSON as they are done."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Coroutine, Iterable
from contextlib import ExitStack, aclosing
from functools import partial
from typing import Any, TypeVar

from fastapi import Request
from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from reward_verifiers.service.draining import Draining, stopping
from reward_verifiers.service.problems import HTTPProblem

CLIENT_LEFT = 499
NDJSON = "application/x-ndjson"
_T = TypeVar("_T")


async def run_or_cancel(request: Request, work: Coroutine[Any, Any, _T]) -> _T:
    """The result of `work`, which is cancelled when the client goes away, or in the end when the service stops.

    Call it once the body is read. Raises HTTPProblem when it was cancelled.
    """
    task = asyncio.current_task()
    assert task is not None  # noqa: S101
    problem: HTTPProblem | None = None

    def cancel(why: HTTPProblem) -> None:
        nonlocal problem
        problem = why
        task.cancel()

    async def watch() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass
        cancel(HTTPProblem(CLIENT_LEFT, "The client left"))

    draining: Draining = request.app.state.draining
    call_off = partial(cancel, stopping())
    draining.cancellations.add(call_off)
    watcher = asyncio.create_task(watch())
    try:
        return await work
    except asyncio.CancelledError:
        if problem is not None and task.uncancel() == 0:
            raise problem from None
        raise
    finally:
        draining.cancellations.discard(call_off)
        watcher.cancel()


async def as_done(work: Iterable[Coroutine[Any, Any, _T]]) -> AsyncGenerator[_T]:
    """Each result as soon as it is there; what is left is cancelled when nobody reads on."""
    tasks = [asyncio.ensure_future(one) for one in work]
    try:
        for done in asyncio.as_completed(tasks):
            yield await done
    finally:
        for task in tasks:
            task.cancel()


class HeldStream(StreamingResponse):
    """Lines of JSON, whose admission is held until the last of them is sent or the client has left."""

    def __init__(self, lines: AsyncGenerator[bytes], held: ExitStack) -> None:
        super().__init__(lines, media_type=NDJSON)
        self._lines = lines
        self._held = held

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._held:
            async with aclosing(self._lines):
                await super().__call__(scope, receive, send)
