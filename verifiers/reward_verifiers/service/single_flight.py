"""Single flight: work that several callers wait for is done once."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Hashable, Iterable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")


@dataclass(slots=True)
class Flight(Generic[T]):
    """Work under way, and how many wait for it. It is cancelled when nobody waits any more."""

    task: asyncio.Task[T]
    waiting: int = 0

    async def result(self) -> T:
        """What the work returns or raises. A caller that is cancelled leaves the work to the others."""
        self.waiting += 1
        try:
            return await asyncio.shield(self.task)
        finally:
            self.waiting -= 1
            if not self.waiting and not self.task.done():
                self.task.cancel()


class SingleFlight(Generic[K, T]):
    """Work under way, by key. It remembers nothing once the work is done."""

    def __init__(self) -> None:
        self._flights: dict[K, Flight[T]] = {}

    def get(self, key: K) -> Flight[T] | None:
        """The work under way for this key, unless it is being cancelled."""
        flight = self._flights.get(key)
        return None if flight is None or flight.task.done() or flight.task.cancelling() else flight

    def start(self, keys: Iterable[K], work: Coroutine[Any, Any, T]) -> Flight[T]:
        """Begin work that answers for all of these keys. Await its `result()`."""
        flight = Flight(asyncio.create_task(work))
        mine = dict.fromkeys(keys, flight)
        self._flights |= mine

        def landed(task: asyncio.Task[T]) -> None:
            for key in mine:
                if self._flights.get(key) is flight:
                    del self._flights[key]
            if not task.cancelled():
                task.exception()  # who waits has it; one that nobody waits for is not worth a warning

        flight.task.add_done_callback(landed)
        return flight

    async def run(self, key: K, work: Coroutine[Any, Any, T]) -> T:
        """The result of the work under way for this key, or else of `work`."""
        flight = self.get(key)
        if flight is None:
            flight = self.start([key], work)
        else:
            work.close()
        return await flight.result()
