"""The number for a sample without a verdict, for trainers whose only word for a reward is a number.

It neither punishes nor rewards:

1. the mean of the scored siblings
2. without any, the mean of the domain's last rewards: the same number for all of the group, so that a group of which nothing
   is known has no advantages
3. with hardly a reward in the domain yet, the middle of its range, likewise; only where the range is known
"""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Iterable
from fractions import Fraction
from typing import Literal

from trainer_client.dialect.waiting import Changes

Numbers = dict[str, float]
"""What is known of a sample as numbers: its `reward`, and its scores under `score/<component>`."""
Source = Literal["verdict", "siblings", "domain", "range"]
"""Where a sample's reward comes from."""
RECENT, ENOUGH = 512, 16
"""Rewards of a domain that are remembered, and the least whose mean says something."""
DATA_SET_FAILURES = frozenset({"bad_reference", "unsupported", "refused"})
"""Failures that the data set causes. Every sibling has them: nothing is gained by waiting for one."""


class Mean:
    """The mean of each number over the samples that have it, exact but for the last rounding.

    So the order of the samples does not count, and equal numbers keep their value: a group of equal rewards has no
    advantages.
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


class RecentRewards:
    """The last rewards of one domain, of its newest version. Any thread may call."""

    def __init__(self) -> None:
        self.changes = Changes()
        self._version: str | None = None
        self._rows: deque[Numbers] = deque(maxlen=RECENT)
        self._lock = threading.Lock()

    def add(self, row: Numbers, version: str | None = None) -> None:
        """version: the domain's. Rewards of another are forgotten."""
        with self._lock:
            if version != self._version:
                self._version = version
                self._rows.clear()
            self._rows.append(row)
        self.changes.announce()

    def is_enough(self) -> bool:
        return len(self._rows) >= ENOUGH

    def mean(self) -> Numbers:
        """Empty below ENOUGH."""
        with self._lock:
            rows = list(self._rows) if self.is_enough() else []
        return Mean(rows).numbers
