"""Whether a reward depends on the completion alone: alone or among others, in either order, sent once more.

Also what a completion does to others: a missing verdict of its own, and one that takes its siblings' verdicts away.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from reward_api.audit.items import Item
from reward_api.audit.scorer import Outcome, Right, Scorer

REPEATS = 3
NEAR = 1e-6
OURS = frozenset({"verifier_unreachable", "overloaded", "cancelled"})
"""Kinds of failure that no completion causes."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One completion, and its rewards under two ways of asking."""

    item: Item
    way: str
    outcome: Outcome
    other: Outcome

    def text(self) -> str:
        rewards = [_shown(self.outcome), _shown(self.other)]
        return f"{self.way}: {rewards[0]} and {rewards[1]}"


async def differences(scorer: Scorer, item: Item, texts: Sequence[str], first: Sequence[Outcome]) -> list[Difference]:
    """first: the outcomes of the texts, sent together in this order."""
    ways = {"in the other order": (await scorer.score(item, list(reversed(texts))))[::-1]}
    for number in range(2, REPEATS + 1):
        ways[f"sent time {number}"] = await scorer.score(item, texts)
    if not scorer.domain.needs_group:
        ways["alone"] = [(await scorer.score(item, [text]))[0] for text in texts]
    return [
        Difference(item, way, before, after)
        for way, outcomes in ways.items()
        for before, after in zip(first, outcomes, strict=True)
        if not _alike(before, after)
    ]


def _alike(one: Outcome, other: Outcome) -> bool:
    if one.reward is None or other.reward is None:
        kinds = [(outcome.failure or {}).get("kind") for outcome in (one, other)]
        return kinds[0] == kinds[1] or bool(OURS & set(kinds))
    return math.isclose(one.reward, other.reward, abs_tol=NEAR)


def _shown(outcome: Outcome) -> str:
    return "null" if outcome.reward is None else f"{outcome.reward:g}"


def is_caused(outcome: Outcome) -> bool:
    """Whether the completion may be the cause of the missing verdict."""
    return outcome.failure is not None and outcome.failure["kind"] not in OURS


async def culprits(
    scorer: Scorer, item: Item, right: Right, nulls: Sequence[Outcome]
) -> tuple[list[Outcome], list[Outcome]]:
    """Of completions without a verdict: those that have none when asked again, and those that take the right one's away."""
    lone: list[Outcome] = []
    poisonous: list[Outcome] = []
    for outcome in nulls:
        beside, own = await scorer.score(item, [right.text, outcome.text])
        if own.correctness is None and is_caused(own):
            (poisonous if beside.correctness is None else lone).append(own)
    return lone, poisonous
