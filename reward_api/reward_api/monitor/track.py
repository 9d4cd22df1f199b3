"""Blocks of a run, one after another, and for how many of them a signal has lasted.

Statistics of numbers have a block of all completions, those of texts one of the completions that were read.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from reward_api.monitor.observation import GroupRecord
from reward_api.monitor.shape import Block, Signal, Statistic, Usual, signals
from reward_api.monitor.spec import Limits

BLOCK = 200
"""Completions at least."""
USUAL_BLOCKS = 2
FEW_PAID = 8
"""Fewer say nothing of what is usual in paid completions."""


@dataclass(slots=True)
class Streak:
    """A signal in blocks one after another. seen: how many blocks; onset: where the first one began."""

    signal: Signal
    seen: int
    onset: int


class Track:
    """`add` groups; where that closes a block, `close` it with what else is known of it.

    least_paid: so many completions of the first blocks must be paid and read; before, nothing is usual.
    """

    def __init__(self, statistics: Sequence[Statistic], least_paid: int = 0) -> None:
        self.blocks = 0
        self.streaks: dict[str, Streak] = {}
        self._statistics = statistics
        self._block = Block()
        self._size = 0
        self._least_paid = least_paid
        self._first: deque[Block] = deque(maxlen=USUAL_BLOCKS)
        self._usual: Usual | None = None

    def add(self, group: GroupRecord, size: int) -> Block | None:
        """size: of the group's completions, how many count. The block that became full by it."""
        if not size:
            return None
        self._block.groups.append(group)
        self._size += size
        if self._size < BLOCK:
            return None
        block, self._block, self._size = self._block, Block(), 0
        self.blocks += 1
        if self._usual is None:
            self._first.append(block)
            if len(self._first) == USUAL_BLOCKS and sum(len(one.read_paid) for one in self._first) >= self._least_paid:
                self._usual = Usual.of(self._first)
                self._first.clear()
        return block

    def usual(self, block: Block) -> Usual:
        """Of the first blocks; of this one where it is among them."""
        return self._usual or Usual.of([block])

    def close(self, block: Block, limits: Limits, more: Iterable[Signal] = ()) -> None:
        """The signals of the block, and `more`, become streaks or make them longer."""
        now = {one.name: one for one in (*signals(self._statistics, block, self.usual(block), limits), *more)}
        begin = next((group.step for group in block.groups if group.step is not None), self.blocks)
        self.streaks = {name: self._streak(signal, _first_step(signal, begin)) for name, signal in now.items()}

    def _streak(self, signal: Signal, onset: int) -> Streak:
        before = self.streaks.get(signal.name)
        return Streak(signal, before.seen + 1, before.onset) if before else Streak(signal, 1, onset)


def _first_step(signal: Signal, otherwise: int) -> int:
    """Of what the signal counts; the beginning of the block where it counts nothing."""
    steps = [one.step for one in signal.examples if one.step is not None]
    return min(steps) if signal.rate is not None and steps else otherwise
