"""What `submit` and `group` return: a result to come, to wait for in a thread or to await in a loop."""

from __future__ import annotations

import asyncio
import concurrent.futures
import os
from collections.abc import Callable, Generator
from typing import Any, Generic, TypeVar

from trainer_client.client_metrics import ClientMetrics
from trainer_client.results import ScoredGroup

T = TypeVar("T")


class RewardFuture(Generic[T]):
    """A reward that is under way: `future.result()`, or `await future`, in any thread and any loop of this process.

    group_id: the group that it belongs to. index: the sample's place there; None for a whole group.
    """

    def __init__(
        self,
        future: concurrent.futures.Future[ScoredGroup],
        finish: Callable[[ScoredGroup], T],
        metrics: ClientMetrics,
        group_id: str | None,
        index: int | None = None,
    ) -> None:
        self.group_id = group_id
        self.index = index
        self._future = future
        self._finish = finish
        self._metrics = metrics
        self._process = os.getpid()

    def done(self) -> bool:
        return self._future.done()

    def result(self, timeout: float | None = None) -> T:
        """The scored sample or group. Raises TimeoutError after `timeout` seconds, TooManyFailures, and BadGroup
        as `RewardClient.submit` says.

        A group is complete when all its samples were submitted. Without a timeout this waits as long as that takes.
        """
        self._check_process()
        with self._metrics.waiting():
            try:
                scored = self._future.result(timeout)
            except concurrent.futures.TimeoutError:
                if self._future.done():
                    raise
                raise TimeoutError(f"no result after {timeout:g} s") from None
        return self._finish(scored)

    def __await__(self) -> Generator[Any, None, T]:
        self._check_process()
        # Shielded: others may wait for the same reward.
        scored = yield from asyncio.shield(asyncio.wrap_future(self._future)).__await__()
        return self._finish(scored)

    def _check_process(self) -> None:
        if os.getpid() != self._process and not self._future.done():
            raise RuntimeError("this reward was submitted in another process, before a fork: wait for it there")
