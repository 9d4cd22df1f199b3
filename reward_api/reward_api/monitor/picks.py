"""Which completions are graded again: a random share of the paid ones, so that the rates are rates of all.

The first ones of a run are all graded again: a hole that the first policy already uses shows at once. Then the share falls
with the root of what was paid, down to the one that is set: it takes so many second verdicts to show a rate, in a small
run as in a large one.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator

from cachetools import LRUCache

from reward_api.monitor.alarms import State
from reward_api.monitor.failures import CAUSED
from reward_api.monitor.observation import Check, GroupRecord
from reward_api.monitor.spec import MonitorSpec

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
        spec, raised = self._spec, self._spec.raised_share if state is not State.OK else 0.0
        before = self._paid.get(group.run, 0)
        second_share = max(spec.second_share, raised, _share_of_early(before)) if spec.second_share else raised
        again_share = max(spec.null_share, raised, float(before < FIRST))
        paid = [place for place, sample in enumerate(group.samples) if sample.paid]
        self._paid[group.run] = before + len(paid)
        if spec.second is not None:
            drawn = [place for place in paid if self._random.random() < second_share]
            for place in self._random.sample(drawn, min(len(drawn), MOST)):
                yield Check.SECOND, place
        if spec.null_share and paid and self._random.random() < again_share:
            yield Check.NULL, self._random.choice(paid)
        failed = [place for place, sample in enumerate(group.samples) if sample.failure in CAUSED]
        if failed and len(failed) < len(group.samples) and self._random.random() < again_share:
            yield Check.UNSCORABLE, self._random.choice(failed)


def _share_of_early(paid: int) -> float:
    return math.sqrt(FIRST / max(FIRST, paid))
