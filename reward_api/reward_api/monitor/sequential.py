"""A test that may be looked at after every observation: bets against `the share is at most the limit`.

An observation is the share of one prompt's completions. A bet of a fraction f of one's wealth multiplies that wealth by
1 + f (share / limit - 1): by no more than 1 on average as long as the mean share is at most the limit, however much the
completions of one prompt hang together (Waudby-Smith and Ramdas 2024, arXiv 2010.09686). With every observation a new bet
of wealth 1 begins, so that a change late in a run shows as one at its beginning does; the sum over all is what is told
(the e-detector of Shin, Ramdas and Rinaldo 2024, arXiv 2203.03532). At the limit itself, the sum reaches A after A
observations or more, on average: that is the whole price of looking again and again.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from reward_api.rates import Rate

FRACTIONS = (0.02, 0.04, 0.08, 0.16, 0.32, 0.64)
"""Small ones see a share just above the limit, large ones one far above it. Their mean counts."""
_LEFT = tuple(1 - part for part in FRACTIONS)
LEAST_LIMIT = 1e-3
LIKELY, SURE = 300.0, 3000.0
"""Worth a look, and enough to accuse."""
MOST = 10 * SURE
"""The sum is held here, so that it comes down again once the share does."""


def times(share: float, limit: float) -> float:
    """The share as a multiple of the limit."""
    return share / max(limit, LEAST_LIMIT)


class Bets:
    """Against shares of at most their limit, told in `times` of it. A limit may be another one each time."""

    def __init__(self) -> None:
        self._wealth = [0.0] * len(FRACTIONS)

    def add(self, observed: float) -> None:
        self._wealth = _after(self._wealth, observed)

    def value(self, more: Iterable[float] = ()) -> float:
        """In observations: at the limit, so much is seen once in so many of them. more: as if these were added."""
        wealth = self._wealth
        for observed in more:
            wealth = _after(wealth, observed)
        return sum(wealth) / len(wealth)


def _after(wealth: list[float], observed: float) -> list[float]:
    if not observed:  # nearly always
        return [(one + 1) * left for one, left in zip(wealth, _LEFT, strict=True)]
    gain = observed - 1
    wealth = [(one + 1) * (1 + part * gain) for one, part in zip(wealth, FRACTIONS, strict=True)]
    mean = sum(wealth) / len(wealth)
    return wealth if mean <= MOST else [one * MOST / mean for one in wealth]


def change(rates: Sequence[Rate]) -> int:
    """The place at which a rate most likely rose: the one that explains what was before it and after it best."""
    hits, total = sum(one.hits for one in rates), sum(one.total for one in rates)
    best, highest = -1, -math.inf
    before, passed = 0, 0
    for place, one in enumerate(rates):
        if one.hits:
            first, then = Rate(before, passed), Rate(hits - before, total - passed)
            likelihood = _log_likelihood(first) + _log_likelihood(then)
            if (best < 0 or first.share < then.share) and likelihood > highest:
                best, highest = place, likelihood
        before, passed = before + one.hits, passed + one.total
    return max(best, 0)


def _log_likelihood(rate: Rate) -> float:
    """Of so many hits, at their own rate."""
    counts = (rate.hits, rate.total - rate.hits)
    return sum(count * math.log(count / rate.total) for count in counts if count)
