"""Slots: so many places where one program at a time may run, and which run gets which."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from reward_sandbox.jail.host.capture import conversation
from reward_sandbox.jail.host.probe import held, works
from reward_sandbox.jail.spec import TIERS, CannotJail, Limits, Outcome, Run, Tier

TALK = 16 << 20
"""Bytes that each of a pair may say to the other, where nothing else is said."""


def user_of(index: int) -> int:
    """The user that a slot's programs run as, where it can be chosen: within the range that a container's root may have, and
    another for every slot of every service, since the kernel counts a user's processes together.
    """
    return 20_000 + (os.getpid() * 64 + index) % 40_000


class Slot(Protocol):
    async def start(self) -> None:
        """Raises CannotJail."""

    async def aclose(self) -> None: ...

    async def run(self, run: Run) -> Outcome:
        """Never raises for the run's sake; a system error leaves the slot ready for the next run."""


class SlotJail:
    """A jail of slots; subclasses make them."""

    def __init__(self, count: int, possible: Sequence[Tier], wanted: Tier | None, at_least: Tier) -> None:
        self._count = count
        if wanted is not None:
            possible = (wanted,)
        self._possible = [tier for tier in possible if TIERS.index(tier) <= TIERS.index(at_least)]
        self._at_least = at_least
        self._slots: list[Slot] = []
        self._spare: Slot | None = None
        self._free: list[Slot] = []
        self._waiting: list[_Turn] = []
        self._pairing = asyncio.Lock()
        self.tier: Tier = "X"

    def make(self, index: int, tier: Tier) -> Slot:
        raise NotImplementedError

    async def start(self) -> None:
        """Start the slots in the best tier that can be made and that holds what it should. Raises CannotJail."""
        why = [] if self._possible else [f"tier {self._at_least} at least is demanded"]
        for tier in self._possible:
            # A single slot has a second beside it, for pairs alone: what can be graded does not depend on their number.
            self.tier, self._slots = tier, [self.make(index, tier) for index in range(max(2, self._count))]
            try:
                for slot in self._slots:
                    await slot.start()
                if tier != "X":
                    await held(self._slots[0].run)
                await works(self._slots[0].run)
            except CannotJail as error:
                why.append(f"tier {tier}: {error}")
                await self.aclose()
                continue
            self._free = self._slots[: self._count]
            self._spare = self._slots[1] if self._count == 1 else None
            return
        raise CannotJail("; ".join(why))

    async def aclose(self) -> None:
        """End every slot and what runs in it; nothing is left behind."""
        for slot in self._slots:
            await slot.aclose()
        self._slots, self._free = [], []

    async def run(self, run: Run) -> Outcome:
        """Run a program to its end or to its limits. A system error is tried once more in another slot."""
        failed: Slot | None = None
        for _ in range(2):
            slot = await self._take(failed)
            try:
                outcome = await slot.run(run)
            finally:
                self._give_back(slot)
            if outcome.ending != "system_error":
                break
            failed = slot
        return outcome

    async def run_pair(
        self, first: Run, second: Run, *, as_standard: bool = False, bound: int = TALK
    ) -> tuple[Outcome, Outcome]:
        """See Jail."""
        for _ in range(2):
            one, two = await self._pair(first, second, as_standard, bound)
            if "system_error" not in (one.ending, two.ending):
                break
        return one, two

    @contextlib.asynccontextmanager
    async def submission(self, limits: Limits) -> AsyncIterator[SlotJail]:
        yield self

    async def _pair(self, first: Run, second: Run, as_standard: bool, bound: int) -> tuple[Outcome, Outcome]:
        slots: list[Slot] = []
        tasks: list[asyncio.Task[Outcome]] = []
        try:
            # One pair at a time gathers its slots: two that held one each would wait for ever.
            async with self._pairing:
                for _ in range(1 if self._spare else 2):
                    slots.append(await self._take(None))  # noqa: PERF401  # kept one by one, to be given back when cancelled
                slots += [self._spare] if self._spare else []
            with conversation(bound, as_standard=as_standard) as channels:
                runs = (replace(run, channel=channel) for run, channel in zip((first, second), channels, strict=True))
                tasks += [asyncio.create_task(slot.run(run)) for slot, run in zip(slots, runs, strict=True)]
                one, two = await asyncio.gather(*tasks)
                return one, two
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            for slot in slots:
                self._give_back(slot)

    async def _take(self, avoided: Slot | None) -> Slot:
        """A free slot, another than `avoided` where there are several."""
        avoided = avoided if self._count > 1 else None
        for slot in self._free:
            if slot is not avoided:
                self._free.remove(slot)
                return slot
        turn = _Turn(asyncio.get_running_loop().create_future(), avoided)
        self._waiting.append(turn)
        try:
            return await turn.slot
        except asyncio.CancelledError:
            if turn in self._waiting:
                self._waiting.remove(turn)
            elif not turn.slot.cancelled():  # it was handed over just before
                self._give_back(turn.slot.result())
            raise

    def _give_back(self, slot: Slot) -> None:
        if slot is self._spare:  # it is only ever used by whoever has the one slot
            return
        for turn in self._waiting:
            if turn.avoided is not slot and not turn.slot.done():
                self._waiting.remove(turn)
                turn.slot.set_result(slot)
                return
        self._free.append(slot)


@dataclass(slots=True, eq=False)
class _Turn:
    """A run that waits for a slot."""

    slot: asyncio.Future[Slot]
    avoided: Slot | None
