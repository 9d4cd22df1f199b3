"""Which completions are graded again: a random share of the paid ones, so that the rates are rates of all.

The first ones of a run are all graded again: a hole that the first policy already uses shows at once.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

from cachetools import LRUCache

from reward_api.monitor.alarms import State
from reward_api.monitor.observation import Check, GroupRecord
from reward_api.monitor.spec import MonitorSpec
from reward_api.monitor.stream import CAUSED

MOST = 4
"""Completions of one group: those of one prompt stand or fall together."""
FIRST = 200
"""So many paid completions of a run."""
RUNS = 64
Pick = tuple[Check, int]
"""The check, and the completion's place in its record."""


class Picker:
    """Draws from its own generator, so that nobody outside can foresee what is graded again."""

    def __init__(self, spec: MonitorSpec, seed: int | None = None) -> None:
        self._spec = spec
        self._random = random.Random(seed)  # noqa: S311
        self._paid: LRUCache[str, int] = LRUCache(RUNS)

    def picks(self, group: GroupRecord, state: State) -> Iterator[Pick]:
        spec = self._spec
        second_share, null_share = spec.second_share, spec.null_share
        if state is not State.OK:
            second_share, null_share = max(second_share, spec.raised_share), max(null_share, spec.raised_share)
        before = self._paid.get(group.run, 0)
        if before < FIRST:
            second_share, null_share = 1.0 if second_share else 0.0, 1.0 if null_share else 0.0
        paid = [place for place, sample in enumerate(group.samples) if sample.paid]
        self._paid[group.run] = before + len(paid)
        if spec.second is not None:
            drawn = [place for place in paid if self._random.random() < second_share]
            for place in self._random.sample(drawn, min(len(drawn), MOST)):
                yield Check.SECOND, place
        if paid and self._random.random() < null_share:
            yield Check.NULL, self._random.choice(paid)
        failed = [place for place, sample in enumerate(group.samples) if sample.failure in CAUSED]
        if failed and len(failed) < len(group.samples) and self._random.random() < null_share:
            yield Check.UNSCORABLE, self._random.choice(failed)
