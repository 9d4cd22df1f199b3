"""Which texts are read: all texts of a slow run, a share of those of a fast one.

To read a text costs eight times as much as all that is done with its numbers. A busy gateway reads few texts of many, and
what is said of texts comes later there, in completions and not in time; an idle one has the time to read all.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from reward_api.monitor.alarms import State

SHARE = 1 / 32
PER_S = 10.0
"""Texts that may be read beyond that share: 0.1 % of a core."""
MOST = 512.0
"""Texts that may be saved up for the next step of a run."""
NEIGHBOURS = 2
"""Fewer of one group show no copies."""


class Reading:
    """A balance of texts that may be read. clock: in seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._at = clock()
        self._balance = 0.0
        self._next = 0

    def places(self, size: int, state: State) -> frozenset[int]:
        """Of a group of `size` completions, those to read. Beyond state OK, all."""
        now = self._clock()
        self._balance = min(MOST, self._balance + (now - self._at) * PER_S + size * SHARE)
        self._at = now
        if state is not State.OK:
            return frozenset(range(size))
        count = min(size, int(self._balance))
        if count < min(size, NEIGHBOURS):
            return frozenset()
        self._balance -= count
        self._next += count  # no place of a group is always left out
        return frozenset((self._next + place) % size for place in range(count))
