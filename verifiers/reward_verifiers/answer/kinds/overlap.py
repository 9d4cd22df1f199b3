"""Sets that may differ in part: `match: containment` and `match: f1`.

reference ["Rome", "Paris"]     answer "Paris, Rome, Oslo"     containment 1     f1 2 * (2/3 * 1) / (2/3 + 1) = 0.8
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from reward_verifiers.answer.judged import Judged, clipped
from reward_verifiers.words import f1

Same = Callable[[Any, Any], bool]

MAX_COMPARED = 64
"""Items of an answer; one that has more is a list of guesses."""


def judge(reference: list[Any], ways: list[list[Any]], same: Same, *, by_f1: bool) -> Judged:
    """How much of the reference is in the answer, and for f1 how much of the answer in the reference.

    ways: the items of the answer, once for each way to read it.
    """
    wanted = _distinct(reference, same)
    shared, items = max(
        ((_shared(wanted, way, same), way) for way in (_distinct(way, same) for way in ways)),
        key=lambda pair: (pair[0], -len(pair[1])),
    )
    score = _f1(shared, len(wanted), len(items)) if by_f1 else float(shared == len(wanted))
    rule = f"{shared} of the reference's {len(wanted)} items, among {len(items)}"
    return Judged(score == 1.0, rule, "first", _shown(items), _shown(wanted), score)


def _shown(items: list[Any]) -> str:
    return clipped(", ".join(map(str, items)))


def _distinct(items: list[Any], same: Same) -> list[Any]:
    """Without repetitions, which would count twice."""
    kept: list[Any] = []
    for item in items[: MAX_COMPARED + 1]:
        if not any(same(other, item) for other in kept):
            kept.append(item)
    return kept


def _shared(wanted: list[Any], items: list[Any], same: Same) -> int:
    if len(items) > MAX_COMPARED:
        return 0
    return sum(any(same(one, item) for item in items) for one in wanted)


def _f1(shared: int, wanted: int, items: int) -> float:
    if not wanted or not items:
        return float(wanted == items)
    return f1(shared, items, wanted)
