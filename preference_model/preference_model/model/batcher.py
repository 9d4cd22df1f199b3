"""Batches over concurrent requests: trainers send one sample each, and a model wants many at once.

Items wait a moment for company, and are taken by length until a batch has its tokens; padding counts. The queue is bounded
in tokens: beyond that the answer is Overloaded at once. An item whose client left is dropped before it is run. A batch
that fails is run again item by item, so that one cannot cost the others their score.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

from reward_verifiers.service.admission import Admission

log = logging.getLogger(__name__)

Row = list[float]


class Item(Protocol):
    """What is run: its ids count, and texts with the same first `shared` ids go together."""

    @property
    def ids(self) -> tuple[int, ...]: ...
    @property
    def shared(self) -> int: ...


class ModelFailed(RuntimeError):
    """The model raised on this item; the message is for the trainer, and names no text."""


@dataclass(slots=True, eq=False)
class _Waiting:
    item: Item
    future: asyncio.Future[Row]
    prompt: int = 0  # equal for texts that share a prompt which the model can run once


class Batcher:
    """The queue before one model. `run` is called in `executor`, one batch at a time."""

    def __init__(
        self,
        run: Callable[[Sequence[Item]], list[Row]],
        executor: ThreadPoolExecutor,
        admission: Admission,
        *,
        budget_tokens: int,
        window_s: float,
        by_prompt: bool = False,
    ) -> None:
        self._run, self._executor, self._admission = run, executor, admission
        self.budget_tokens, self._window_s, self._by_prompt = budget_tokens, window_s, by_prompt
        self._waiting: list[_Waiting] = []
        self._arrived = asyncio.Event()
        self._worker: asyncio.Task[None] | None = None
        self.batches = self.dropped = 0

    async def submit(self, items: Sequence[Item]) -> list[Row | ModelFailed]:
        """One logit vector an item, or why there is none. Raises Overloaded. Cancelled: what has not begun is dropped."""
        with self._admission.enter(sum(len(item.ids) for item in items)):
            if self._worker is None or self._worker.done():
                self._worker = asyncio.create_task(self._work())
            loop = asyncio.get_running_loop()
            prompts = [hash(item.ids[: item.shared]) if self._by_prompt else 0 for item in items]
            mine = [_Waiting(item, loop.create_future(), at) for item, at in zip(items, prompts, strict=True)]
            self._waiting += mine
            self._arrived.set()
            results = await asyncio.gather(*(waiting.future for waiting in mine), return_exceptions=True)
            return [_outcome(result) for result in results]

    async def aclose(self) -> None:
        if self._worker is not None:
            self._worker.cancel()
            await asyncio.gather(self._worker, return_exceptions=True)
            self._worker = None
        for waiting in self._waiting:
            waiting.future.cancel()
        self._waiting.clear()

    async def _work(self) -> None:
        while True:
            await self._arrived.wait()
            if self._window_s and sum(len(one.item.ids) for one in self._waiting) < self.budget_tokens:
                await asyncio.sleep(self._window_s)
            if batch := self._next():
                await self._serve(batch)
            if not self._waiting:
                self._arrived.clear()

    def _next(self) -> list[_Waiting]:
        """The oldest item, then its siblings by prompt, then those nearest in length, up to the budget."""
        alive = [one for one in self._waiting if not one.future.done()]
        self.dropped += len(self._waiting) - len(alive)
        if not alive:
            self._waiting = []
            return []
        oldest = alive[0]
        size = len(oldest.item.ids)
        ordered = sorted(alive, key=lambda one: (one.prompt != oldest.prompt, abs(len(one.item.ids) - size)))
        batch: list[_Waiting] = []
        longest = 0
        for one in ordered:
            grown = max(longest, len(one.item.ids))
            if batch and grown * (len(batch) + 1) > self.budget_tokens:
                break
            batch.append(one)
            longest = grown
        taken = set(map(id, batch))
        self._waiting = [one for one in alive if id(one) not in taken]
        return batch

    async def _serve(self, batch: list[_Waiting]) -> None:
        self.batches += 1
        try:
            rows = await self._in_thread([one.item for one in batch])
        except Exception as error:
            if len(batch) > 1:
                log.warning("a batch failed, each is run alone", extra={"cause": type(error).__name__})
                for one in batch:
                    if not one.future.done():
                        await self._serve([one])
                return
            log.error("the model failed on one text", exc_info=error)
            if not batch[0].future.done():
                batch[0].future.set_exception(ModelFailed(f"the model failed ({type(error).__name__})"))
            return
        for one, row in zip(batch, rows, strict=True):
            if not one.future.done():
                one.future.set_result(row)

    async def _in_thread(self, items: list[Item]) -> list[Row]:
        return await asyncio.get_running_loop().run_in_executor(self._executor, self._run, items)


def _outcome(result: Row | BaseException) -> Row | ModelFailed:
    if isinstance(result, BaseException) and not isinstance(result, ModelFailed):
        raise result
    return result
