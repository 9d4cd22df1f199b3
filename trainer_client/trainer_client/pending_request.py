"""One request body on its way to the gateway, and the future of its scores."""

from __future__ import annotations

import asyncio
import concurrent.futures
from collections.abc import Callable
from contextlib import suppress
from typing import TypeAlias

from trainer_client.client_metrics import ClientMetrics
from trainer_client.errors import BadGroup
from trainer_client.results import ScoredGroup, merge_tries, no_verdict
from trainer_client.wire import Body

ScoreFuture: TypeAlias = "concurrent.futures.Future[ScoredGroup] | asyncio.Future[ScoredGroup]"

# Failures of one sample that pass, as the same answers for a whole request do.
PASSING = frozenset({"overloaded", "verifier_unreachable"})


class PendingRequest:
    """A body, its deadline, and the future of its scores. Its timer settles it at the deadline, whatever carries it.

    future: of a thread that waits, or of the loop. metrics: counts its scores; None for a part of another request.
    is_strict: a group that the gateway refuses raises BadGroup, where it else has no verdict.
    trouble: the last obstacle, (kind, message). on_leave: called when it is settled by anything but its reply.
    """

    def __init__(
        self,
        body: Body,
        deadline_s: float,
        future: ScoreFuture,
        metrics: ClientMetrics | None = None,
        *,
        is_strict: bool = False,
    ) -> None:
        self.body = body
        self.deadline_s = deadline_s
        self.deadline = 0.0
        self.future = future
        self.trouble = ("deadline_exceeded", "it waited in the client for a free connection")
        self.on_leave: Callable[[], object] | None = None
        self._metrics = metrics
        self._is_strict = is_strict
        self._best: ScoredGroup | None = None
        self._timer: asyncio.TimerHandle | None = None

    # --- on the loop --------------------------------------------------------------------------------------------------

    @property
    def is_open(self) -> bool:
        return not self.future.done()

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """The deadline counts from now."""
        self._loop = loop
        self.deadline = loop.time() + self.deadline_s
        self._timer = loop.call_at(self.deadline, self.expire)
        self.future.add_done_callback(self._when_done)

    def stop_timer(self) -> None:
        """It has no deadline of its own until something else settles it."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def hurry(self, deadline: float) -> None:
        """Bring the deadline forward."""
        if self._timer is not None and deadline < self.deadline and self.is_open:
            self._timer.cancel()
            self.deadline = deadline
            self._timer = self._loop.call_at(deadline, self.expire)

    def reply(self, scored: ScoredGroup) -> None:
        """The gateway's verdicts. A sample whose failure may pass keeps the request open for another try."""
        self._best = merge_tries(self._best, scored) if self._best else scored
        if not any(sample.failure and sample.failure["kind"] in PASSING for sample in self._best):
            self.settle(self._best)

    def expire(self) -> None:
        """No time is left: the verdicts so far, and the obstacle for the others."""
        self.abandon(self._best or ScoredGroup([no_verdict(*self.trouble)] * self.body.count))

    def cancel(self, message: str) -> None:
        self.abandon(ScoredGroup([no_verdict("cancelled", message)] * self.body.count))

    def abandon(self, scored: ScoredGroup) -> None:
        """Settle it, and tell what carries it."""
        self.settle(scored)
        self._leave()

    def settle(self, scored: ScoredGroup) -> None:
        self.stop_timer()
        if not self.is_open:
            return
        if self._metrics is not None:  # before the future: who waits may look at the metrics next
            self._metrics.scored(scored)
        with suppress(concurrent.futures.InvalidStateError):  # its caller cancelled it a moment ago, in another thread
            self.future.set_result(scored)

    def refuse(self, error: BadGroup) -> None:
        """The gateway does not accept it."""
        if not self._is_strict and not error.is_setup:
            self.settle(ScoredGroup([no_verdict("refused", str(error))] * self.body.count))
            return
        self.stop_timer()
        if self.is_open:
            with suppress(concurrent.futures.InvalidStateError):
                self.future.set_exception(error)

    def _when_done(self, future: ScoreFuture) -> None:
        """A caller that leaves takes its request back. In the caller's thread."""
        if future.cancelled():
            with suppress(RuntimeError):  # the loop has ended
                self._loop.call_soon_threadsafe(self._withdraw)

    def _withdraw(self) -> None:
        self.stop_timer()
        self._leave()

    def _leave(self) -> None:
        on_leave, self.on_leave = self.on_leave, None
        if on_leave is not None:
            on_leave()
