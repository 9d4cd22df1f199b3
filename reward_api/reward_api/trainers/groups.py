"""Who is whose sibling, when a trainer sends a group's samples one by one and says nothing of the group.

Members of one group have one key (its id, or its prompt with its reference) and arrive within a window of time. What is
known of a group serves two ends: verifiers that look at all siblings, which need the group's size, and the number that a
trainer is given for a sample without a verdict: the mean of its scored siblings.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from enum import StrEnum
from fractions import Fraction
from itertools import count

from cachetools import TTLCache

Numbers = dict[str, float]
"""What is known of a sample as numbers: its reward, accuracy and scores by name."""
WINDOW_S = 600.0
MAX_GROUPS = 32_768

_serial = count()


class Source(StrEnum):
    """Where a sample's reward comes from."""

    VERDICT = "verdict"
    SIBLINGS = "siblings"
    DOMAIN = "domain"
    RANGE = "range"


class Mean:
    """The mean of each number over the samples that have it, exact but for the last rounding: their order is of no
    account, and equal numbers keep their value, as they must: a group of equal rewards has no advantages.
    """

    def __init__(self, rows: Iterable[Numbers] = ()) -> None:
        self._totals: dict[str, Fraction] = {}
        self._counts: Counter[str] = Counter()
        for row in rows:
            self.add(row)

    @property
    def numbers(self) -> Numbers:
        return {name: float(total / self._counts[name]) for name, total in self._totals.items()}

    def add(self, row: Numbers) -> None:
        for name, number in row.items():
            self._counts[name] += 1
            self._totals[name] = self._totals.get(name, Fraction()) + Fraction(number)


class Group:
    """One group as far as it has arrived. `size` is None where nobody said it."""

    def __init__(self, size: int | None) -> None:
        self.name = f"compat-{next(_serial)}"
        self.size = size
        self.scored = Mean()
        self.stand_in: tuple[Numbers, Source] | None = None
        self._seats = 0
        self._vacant: defaultdict[bytes, list[int]] = defaultdict(list)
        self._told: set[int] = set()
        self._changed = asyncio.Event()

    def has_room(self, sample: bytes) -> bool:
        return self.size is None or self._seats < self.size or bool(self._vacant.get(sample))

    def enter(self, sample: bytes) -> int:
        """The member's index. A sample whose client left and came again takes the place that it had."""
        if vacant := self._vacant.get(sample):
            return vacant.pop()
        self._seats += 1
        return self._seats - 1

    def leave(self, sample: bytes, seat: int) -> None:
        """The client left before the sample was judged."""
        self._vacant[sample].append(seat)
        self._change()

    def take_back(self, sample: bytes, seat: int) -> None:
        """The member was refused, and may come again."""
        self._told.discard(seat)
        self.leave(sample, seat)

    def tell(self, seat: int, numbers: Numbers | None) -> None:
        """What the member was judged to be; None for no verdict."""
        self._told.add(seat)
        if numbers is not None:
            self.scored.add(numbers)
        self._change()

    async def settled(self) -> None:
        """Wait until all members are judged, or, in a group of unknown size, one is scored and none is at work.

        Waits for ever: the caller has the deadline.
        """
        while not self._is_settled():
            await self._changed.wait()

    def _is_settled(self) -> bool:
        if self.size is not None:
            return len(self._told) >= self.size
        at_work = self._seats - len(self._told) - sum(map(len, self._vacant.values()))
        return bool(self.scored.numbers) and at_work == 0

    def _change(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()


class Groups:
    """At most MAX_GROUPS groups, each open to new members for `window_s` seconds from its first, or until it is full."""

    def __init__(self, window_s: float = WINDOW_S, timer: Callable[[], float] = time.monotonic) -> None:
        self._open: TTLCache[bytes, Group] = TTLCache(MAX_GROUPS, window_s, timer)

    def enter(self, key: bytes, size: int | None, sample: bytes) -> tuple[Group, int]:
        """The group that the sample belongs to, and its index there."""
        group = self._open.get(key)
        if group is None or not group.has_room(sample):
            group = self._open[key] = Group(size)
        return group, group.enter(sample)
