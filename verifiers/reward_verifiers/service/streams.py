"""Replies that take a while: work that ends when the client leaves, and lines of JSON as they are done."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterable
from contextlib import ExitStack
from typing import Any, TypeVar

from fastapi import Request
from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from reward_verifiers.service.problems import HTTPProblem

CLIENT_LEFT = 499
NDJSON = "application/x-ndjson"
_T = TypeVar("_T")


async def run_or_cancel(request: Request, work: Coroutine[Any, Any, _T]) -> _T:
    """The result of `work`, which is cancelled when the client goes away. Call it once the body is read."""
    task = asyncio.current_task()
    assert task is not None  # noqa: S101
    has_left = False

    async def cancel_when_it_leaves() -> None:
        nonlocal has_left
        while (await request.receive())["type"] != "http.disconnect":
            pass
        has_left = True
        task.cancel()

    watcher = asyncio.create_task(cancel_when_it_leaves())
    try:
        return await work
    except asyncio.CancelledError:
        if has_left and task.uncancel() == 0:
            raise HTTPProblem(CLIENT_LEFT, "The client left") from None
        raise
    finally:
        watcher.cancel()


async def as_done(work: Iterable[Coroutine[Any, Any, bytes]]) -> AsyncIterator[bytes]:
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

    def __init__(self, lines: AsyncIterator[bytes], held: ExitStack) -> None:
        super().__init__(lines, media_type=NDJSON)
        self._held = held

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._held:
            await super().__call__(scope, receive, send)
