"""Length in preference data: people and judges prefer longer answers, and a model that learns that is no reward model.

R1 kept chosen and rejected answers of comparable length over the whole set. Here each pair has a weight, so that in every
class of length difference the longer and the shorter answer win with the same total weight.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from preference_model.train.data import PreferencePair

CLASSES = 4


def length_gap(pair: PreferencePair) -> float:
    """log of chosen length over rejected length, in characters."""
    return math.log((len(pair.chosen) + 1) / (len(pair.rejected) + 1))


def weights(pairs: Sequence[PreferencePair]) -> list[float]:
    """One weight a pair, of mean 1 over those that count; 0 where a class has only one kind, and for equal lengths."""
    gaps = [length_gap(pair) for pair in pairs]
    order = sorted(abs(gap) for gap in gaps)
    bounds = [order[len(order) * part // CLASSES] for part in range(1, CLASSES)] if order else []
    kinds = [(sum(abs(gap) >= bound for bound in bounds), gap > 0) for gap in gaps]
    counts = Counter(kind for kind, gap in zip(kinds, gaps, strict=True) if gap)
    raw = [
        1 / counts[kind] * min(counts[kind], counts[kind[0], not kind[1]])
        if gap and counts[kind[0], not kind[1]]
        else 0.0
        for kind, gap in zip(kinds, gaps, strict=True)
    ]
    total = sum(raw)
    return [weight * sum(one > 0 for one in raw) / total for weight in raw] if total else raw
