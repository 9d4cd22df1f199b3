"""A group judged by comparisons: how often each answer is preferred over a sibling.

    answers ──▶ distinct answers ──▶ pairings, O(n log n) ──▶ each compared in both orders ──▶ share of siblings, 0 to 1

Equal answers are compared once, and count as often as they stand in the group.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from preference_model.judge.pair_outcome import PairOutcome
from preference_model.outcome import ScoreItem, ScoreOutcome
from reward_verifiers.contract import Failure

Compare = Callable[[ScoreItem, ScoreItem], Awaitable[PairOutcome]]
"""Compares two answers, in both orders."""


@dataclass(slots=True)
class _Contestant:
    """A distinct answer: its places in the group, and what came of its comparisons."""

    item: ScoreItem
    places: list[int] = field(default_factory=list)
    chances: list[tuple[float, int]] = field(default_factory=list)
    """(chance to be preferred, how often the opponent stands in the group)"""
    failures: list[Failure] = field(default_factory=list)
    usages: list[Mapping[str, float]] = field(default_factory=list)
    """Of the comparisons on its account. Each comparison is on the account of one of its two answers."""


async def judge_group(items: Sequence[ScoreItem | str], compare: Compare) -> list[ScoreOutcome]:
    """One outcome an item, in order. An item that is a string was guarded: it loses to every answer."""
    by_text: dict[str, _Contestant] = {}
    for place, item in enumerate(items):
        if isinstance(item, ScoreItem):
            by_text.setdefault(item.text, _Contestant(item)).places.append(place)
    contestants = list(by_text.values())
    pairs = pairings(len(contestants))
    outcomes = await asyncio.gather(*(compare(contestants[a].item, contestants[b].item) for a, b in pairs))
    for (a, b), outcome in zip(pairs, outcomes, strict=True):
        _count(contestants[a], contestants[b], outcome)
        contestants[a if (a + b) % 2 else b].usages.append(outcome.usage)
    guarded = len(items) - sum(len(one.places) for one in contestants)
    standings = {place: _standing(one, place, len(items), guarded) for one in contestants for place in one.places}
    return [
        ScoreOutcome((guarded - 1) / 2 / (len(items) - 1), None, {"guard": item})
        if isinstance(item, str)
        else standings[place]
        for place, item in enumerate(items)
    ]


def pairings(size: int) -> list[tuple[int, int]]:
    """Which of a group are compared: each with its next siblings in a circle, O(n log n) pairs; all where those are fewer.

    >>> pairings(3)
    [(0, 1), (0, 2), (1, 2)]
    >>> len(pairings(64))
    384
    """
    reach = max(math.ceil(math.log2(max(size, 1))), 1)
    if 2 * reach >= size - 1:
        return [(one, other) for one in range(size) for other in range(one + 1, size)]
    return [(one, (one + step) % size) for one in range(size) for step in range(1, reach + 1)]


def _count(one: _Contestant, other: _Contestant, outcome: PairOutcome) -> None:
    if outcome.failure is not None or outcome.probability is None:
        for side in (one, other):
            side.failures += [outcome.failure] if outcome.failure else []
        return
    one.chances.append((outcome.probability, len(other.places)))
    other.chances.append((1 - outcome.probability, len(one.places)))


def _standing(one: _Contestant, place: int, size: int, guarded: int) -> ScoreOutcome:
    """The mean over all siblings: equal ones tie, guarded ones lose, and the compared ones stand for all others.

    A failed comparison costs its own pair; half of them must have a verdict.
    """
    compared, failed = len(one.chances), len(one.failures)
    evidence: dict[str, Any] = {"siblings": size - 1, "compared": compared, "usage": _usage(one, place)}
    if failed:
        evidence["failed_pairs"] = failed
        if compared < failed:
            return ScoreOutcome.failed(one.failures[0].kind, one.failures[0].message, **evidence)
    equal = len(one.places) - 1
    others = size - 1 - equal - guarded
    weight = sum(count for _, count in one.chances)
    mean = sum(chance * count for chance, count in one.chances) / weight if weight else 0.0
    return ScoreOutcome((equal / 2 + guarded + others * mean) / (size - 1), None, evidence)


def _usage(one: _Contestant, place: int) -> dict[str, float]:
    """Of the first of equal answers: what its comparisons cost. Of the others: how many votes they share with it."""
    if place != one.places[0]:
        return {"calls": 0, "prompt_tokens": 0, "completion_tokens": 0, "cached": 2 * len(one.chances)}
    names = {"calls": 0, "prompt_tokens": 0, "completion_tokens": 0, "cached": 0} | {
        name: 0 for usage in one.usages for name in usage
    }
    return {name: sum(usage.get(name, 0) for usage in one.usages) for name in names}
