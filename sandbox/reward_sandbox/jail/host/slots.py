"""Slots: so many places where one program at a time may run, and which run gets which.

Where all are taken, a run is first tried for a moment in one of a few quick slots. What ends there is done, and need not
wait for those that take long; what does not is run again, whole, when its turn comes.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from reward_sandbox.jail.host.capture import conversation
from reward_sandbox.jail.host.probe import held, works
from reward_sandbox.jail.spec import TIERS, CannotJail, Limits, Outcome, Run, Tier

log = logging.getLogger(__name__)
_STACK = 8 << 20
_MOST_STACK = 2 << 30
QUICK_CPU_S, QUICK_WALL_S = 0.25, 1.0
"""The moment; four times as long for virtual machines."""
_TRIES, _STARVED = 3, 0.2
_SLOW_CPU_S = 20.0
"""Runs that may take so long, such as compilers, are not tried."""
TALK = 16 << 20
"""Bytes that each of a pair may say to the other, where nothing else is said."""


def user_of(index: int) -> int:
    """The user that a slot's programs run as, where it can be chosen: within the range that a container's root may have, and
    another for every slot of every service, since the kernel counts a user's processes together.
    """
    return 20_000 + (os.getpid() * 64 + index) % 40_000


def can_choose_user() -> bool:
    """Whether programs can run as another user: this process is root, of a namespace that has more users than that one."""
    if os.geteuid() != 0:
        return False
    try:
        texts = [Path(f"/proc/self/{kind}_map").read_text(encoding="ascii") for kind in ("uid", "gid")]
        groups = Path("/proc/self/setgroups").read_text(encoding="ascii").strip()
    except OSError:
        return True  # a kernel without them has no such namespaces
    return groups != "deny" and all(_holds(text, user_of(0)) for text in texts)


def _holds(map_text: str, user: int) -> bool:
    """Whether the lines of a map (inside, outside, count) name the user."""
    ranges = [tuple(map(int, line.split())) for line in map_text.splitlines()]
    return any(first <= user < first + count for first, _, count in ranges)


def stack_bytes(run: Run, *, in_a_group: bool) -> int:
    """How far a program's stack may grow: as judges have it, through all of its memory. Where that is limited as address
    space only through a part, and not at all for virtual machines: each of their threads would reserve as much.
    """
    if run.stacks_mb:
        return _STACK
    memory = run.limits.memory_mb << 20
    return max(_STACK, min(memory if in_a_group else memory // 4, _MOST_STACK))


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
        self._quick: list[Slot] = []
        self._quick_free: list[Slot] = []
        self._waiting: list[_Turn] = []
        self._pairing = {False: asyncio.Lock(), True: asyncio.Lock()}
        self.tier: Tier = "X"

    def make(self, index: int, tier: Tier) -> Slot:
        raise NotImplementedError

    async def start(self) -> None:
        """Start the slots in the best tier that can be made and that holds what it should. Raises CannotJail."""
        why = [] if self._possible else [f"isolation level {self._at_least} at least is demanded"]
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
                why.append(f"isolation level {tier}: {error}")
                await self.aclose()
                continue
            log.info("jail", extra={"isolation_level": tier, "why_not_better": "; ".join(why)})
            self._free = self._slots[: self._count]
            self._spare = self._slots[1] if self._count == 1 else None
            # These start when they are first used.
            places = range(len(self._slots), len(self._slots) + max(2, self._count // 2))
            self._quick = [self.make(index, tier) for index in places]
            self._quick_free = list(self._quick)
            return
        raise CannotJail("; ".join(why))

    async def aclose(self) -> None:
        """End every slot and what runs in it; nothing is left behind."""
        for slot in (*self._slots, *self._quick):
            await slot.aclose()
        self._slots, self._free, self._quick, self._quick_free = [], [], [], []

    async def run(self, run: Run) -> Outcome:
        """Run a program to its end or to its limits. A system error is tried once more in another slot."""
        if not self._free and _may_be_quick(run) and (tried := await self._tried(run)):
            return tried
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

    async def _tried(self, run: Run) -> Outcome | None:
        """Its outcome where it ends within a moment, which a busy machine may need to give it more than once."""
        for _ in range(_TRIES):
            moment = _for_a_moment(run)
            slot = await self._take(None, is_quick=True)
            try:
                outcome = await slot.run(moment)
            finally:
                self._give_back(slot)
            if outcome.ending not in ("time_limit", "system_error"):
                return outcome
            if outcome.waited_ms < _STARVED * 1000 * moment.limits.wall_s:
                break
        return None

    async def run_pair(
        self, first: Run, second: Run, *, as_standard: bool = False, bound: int = TALK
    ) -> tuple[Outcome, Outcome]:
        """See Jail."""
        if len(self._free) < min(2, self._count) and _may_be_quick(first) and _may_be_quick(second):
            tried = _for_a_moment(first), _for_a_moment(second)
            one, two = await self._pair(*tried, as_standard, bound, is_quick=True)
            if {one.ending, two.ending}.isdisjoint(("time_limit", "system_error")):
                return one, two
        for _ in range(2):
            one, two = await self._pair(first, second, as_standard, bound)
            if "system_error" not in (one.ending, two.ending):
                break
        return one, two

    @contextlib.asynccontextmanager
    async def submission(self, limits: Limits) -> AsyncIterator[SlotJail]:
        yield self

    async def _pair(
        self, first: Run, second: Run, as_standard: bool, bound: int, *, is_quick: bool = False
    ) -> tuple[Outcome, Outcome]:
        spare = None if is_quick else self._spare
        slots: list[Slot] = []
        tasks: list[asyncio.Task[Outcome]] = []
        try:
            # One pair at a time gathers its slots: two that held one each would wait for ever.
            async with self._pairing[is_quick]:
                for _ in range(1 if spare else 2):
                    # Kept one by one, to be given back when cancelled.
                    slots.append(await self._take(None, is_quick=is_quick, is_pair=True))  # noqa: PERF401
                slots += [spare] if spare else []
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

    async def _take(self, avoided: Slot | None, *, is_quick: bool = False, is_pair: bool = False) -> Slot:
        """A free slot, another than `avoided` where there are several. is_pair: of the quick ones alone, since two pairs
        that held one each of both kinds would wait for ever.
        """
        avoided = avoided if self._count > 1 else None
        places = ([] if is_quick and is_pair else [self._free]) + ([self._quick_free] if is_quick else [])
        for free in places:
            for slot in free:
                if slot is not avoided:
                    free.remove(slot)
                    return slot
        turn = _Turn(asyncio.get_running_loop().create_future(), avoided, is_quick, is_pair)
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
        is_quick = slot in self._quick
        # Whole runs have the other slots first: all who wait for them have been tried before, or need not be.
        for turn in sorted(self._waiting, key=lambda turn: turn.is_quick):
            if turn.avoided is not slot and not turn.slot.done() and turn.may_have(is_quick):
                self._waiting.remove(turn)
                turn.slot.set_result(slot)
                return
        (self._quick_free if is_quick else self._free).append(slot)


def _may_be_quick(run: Run) -> bool:
    return run.limits.cpu_s < _SLOW_CPU_S


def _for_a_moment(run: Run) -> Run:
    """The same, to be ended soon."""
    times = 4 if run.stacks_mb else 1
    cpu_s, wall_s = min(run.limits.cpu_s, QUICK_CPU_S * times), min(run.limits.wall_s, QUICK_WALL_S * times)
    return replace(run, limits=run.limits.model_copy(update={"cpu_s": cpu_s, "wall_s": wall_s}))


@dataclass(slots=True, eq=False)
class _Turn:
    """A run that waits for a slot."""

    slot: asyncio.Future[Slot]
    avoided: Slot | None
    is_quick: bool
    is_pair: bool

    def may_have(self, is_quick_slot: bool) -> bool:
        return self.is_quick if is_quick_slot else not (self.is_quick and self.is_pair)
