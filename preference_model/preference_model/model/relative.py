"""Scores relative to the group: R1's helpful reward is one, RM(Response_A, Response_B).

group      (s - mean) / std over the siblings that have a score        (population std; 0 where all are equal)
pairwise   mean over the siblings of P(this one is preferred), by Bradley-Terry: sigmoid(s_i - s_j), on raw scores
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from preference_model.model.scale import sigmoid


def group_z(scores: Sequence[float]) -> list[float]:
    """
    >>> group_z([1.0, 3.0])
    [-1.0, 1.0]
    """
    mean = sum(scores) / len(scores)
    std = math.sqrt(sum((score - mean) ** 2 for score in scores) / len(scores))
    return [(score - mean) / std if std > 1e-9 else 0.0 for score in scores]


def preferred(one: float, other: float) -> float:
    """The chance that the first of two strengths is preferred (Bradley-Terry); 0.5 for equals, also where both are -inf.

    >>> preferred(2.0, 2.0), preferred(float("-inf"), 0.0)
    (0.5, 0.0)
    """
    return 0.5 if one == other else sigmoid(one - other) if math.isfinite(one - other) else float(one > other)


def win_rates(scores: Sequence[float]) -> list[float]:
    """The chance to be preferred over a sibling, 0 to 1; 0.5 for equals.

    >>> win_rates([2.0, 2.0])
    [0.5, 0.5]
    """
    return [
        sum(preferred(one, other) for at, other in enumerate(scores) if at != place) / (len(scores) - 1)
        for place, one in enumerate(scores)
    ]


def ranks(scores: Sequence[float | None]) -> list[int | None]:
    """1 for the best; equals share the better rank; None where there is no score.

    >>> ranks([0.5, 2.0, None, 2.0])
    [3, 1, None, 1]
    """
    values = [score for score in scores if score is not None]
    return [None if score is None else 1 + sum(other > score for other in values) for score in scores]
