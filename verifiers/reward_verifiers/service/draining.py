"""How a service ends: it is not ready any more, finishes what is at work within a grace, and calls off the rest.

signal ──▶ /readyz says 503, new work gets 503 ──▶ grace ──▶ deadlines are brought forward ──▶ requests are cancelled
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager

from starlette.types import ASGIApp, Receive, Scope, Send

from reward_verifiers.service.problems import HTTPProblem

# After the grace: for replies that say what was cancelled, and for what does not end by a deadline.
REPLY_S = 2.0
RETRY_AFTER = {"retry-after": "5"}


class Deadlines:
    """Deadlines of work under way, which can all be brought forward."""

    def __init__(self) -> None:
        self.called_off = False
        self._open: set[asyncio.Timeout] = set()

    @asynccontextmanager
    async def at(self, deadline: float) -> AsyncIterator[None]:
        """As `asyncio.timeout_at`. Raises TimeoutError, also when the work is called off."""
        now = asyncio.get_running_loop().time()
        async with asyncio.timeout_at(now if self.called_off else deadline) as limit:
            self._open.add(limit)
            try:
                yield
            finally:
                self._open.discard(limit)

    def call_off(self) -> None:
        self.called_off = True
        for limit in self._open:
            limit.reschedule(asyncio.get_running_loop().time())


class Draining:
    """Where an app is on its way to the end."""

    def __init__(self) -> None:
        self.begun = False
        self.deadlines = Deadlines()
        self.cancellations: set[Callable[[], None]] = set()
        """What cancels each request that is still at work in the end."""
        self._at_work = 0
        self._change = asyncio.Event()

    @contextlib.contextmanager
    def at_work(self) -> Iterator[None]:
        self._at_work += 1
        try:
            yield
        finally:
            self._at_work -= 1
            self._change.set()

    async def drain(self, grace_s: float) -> None:
        """Refuse new work, and return when there is none left."""
        self.begun = True
        if await self._idle_within(grace_s):
            return
        self.deadlines.call_off()
        if await self._idle_within(REPLY_S):
            return
        for cancel in list(self.cancellations):
            cancel()
        await self._idle_within(REPLY_S)

    async def _idle_within(self, seconds: float) -> bool:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self._at_work:
                    self._change.clear()
                    await self._change.wait()
        return not self._at_work


class RefuseWhileDraining:
    """Replies 503 to new work once the service is ending, and counts what is at work."""

    def __init__(self, app: ASGIApp, draining: Draining, refusals: dict[str, int]) -> None:
        self._app = app
        self._refusals = refusals
        self._draining = draining

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in ("GET", "HEAD"):
            await self._app(scope, receive, send)
        elif self._draining.begun:
            self._refusals["draining"] += 1
            await stopping().response()(scope, receive, send)
        else:
            with self._draining.at_work():
                await self._app(scope, receive, send)


def stopping() -> HTTPProblem:
    return HTTPProblem(503, "The service stops", "Try again: another instance may answer.", headers=RETRY_AFTER)
