"""Against over-optimisation: what to look at while a policy climbs a learnt reward.

gold_probe   over a window of groups, the model's mean rises while the rule reward falls: the policy is climbing the model
             and not the task (R1, supplement B.5). A flag is raised; nothing is changed.
budget       a model may count in certain steps only (R1: the last 400 of 1,700).
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from statistics import fmean, pvariance

from cachetools import LRUCache

FLAG = "over_optimisation"
RUNS = 1024
SIGMA = 2.0
"""How many standard errors both trends must have."""


class GoldProbe:
    """Windows of (model's mean, rule reward's mean) a group, by run and model."""

    def __init__(self, window: int) -> None:
        self._window = window
        self._seen: LRUCache[tuple[str, str], deque[tuple[float, float]]] = LRUCache(RUNS)

    def add(self, run: str, model: str, learnt: Sequence[float], rule: Sequence[float]) -> bool:
        """Count a group in. Whether the two have parted over the window."""
        seen = self._seen.setdefault((run, model), deque(maxlen=self._window))
        seen.append((fmean(learnt), fmean(rule)))
        if len(seen) < self._window:
            return False
        return _trend([one for one, _ in seen]) > SIGMA and _trend([other for _, other in seen]) < -SIGMA


def _trend(values: Sequence[float]) -> float:
    """Welch's t between the later half and the earlier one."""
    half = len(values) // 2
    early, late = values[:half], values[-half:]
    error = math.sqrt((pvariance(early) + pvariance(late)) / half)
    rise = fmean(late) - fmean(early)
    return rise / error if error > 1e-12 else math.copysign(math.inf, rise) if abs(rise) > 1e-12 else 0.0
