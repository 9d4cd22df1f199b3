"""Single flight: work that several callers wait for."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(slots=True)
class Flight(Generic[T]):
    """Work under way, and how many wait for it. Nobody waiting cancels it."""

    task: asyncio.Task[T]
    waiting: int = 0

    async def result(self) -> T:
        self.waiting += 1
        try:
            return await asyncio.shield(self.task)
        finally:
            self.waiting -= 1
            if not self.waiting and not self.task.done():
                self.task.cancel()
