"""Comparisons: of two texts, and of every text of a group with its siblings. By a scoring model, or by a judge."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel

from preference_model.judge.judge import Judge
from preference_model.model.engine import ModelEngine, item_or_reason
from preference_model.model.registry import ModelSpec, digest
from preference_model.model.relative import preferred
from preference_model.model.scale import strength
from preference_model.outcome import ScoreFailure, ScoreItem, ScoreOutcome
from reward_verifiers.contract import Failure, FailureKind

OPPONENTS = 8
"""Siblings that a judge compares each text with; all of them in smaller groups."""
CLEAR = 1e-4


class PairOutcome(BaseModel):
    """The outcome of one pair. `preferred` is null exactly when there is a failure."""

    preferred: str | None  # "a", "b", "tie"
    margin: float | None  # above 0 for a: a scoring model's difference, or a judge's mean over the votes, -2 to 2
    probability: float | None  # that a is preferred
    scores: tuple[float | None, float | None] = (None, None)
    votes: list[float] = []
    consistency: float | None = None
    first_position: float | None = None
    failure: Failure | None = None
    evidence: dict[str, Any] = {}


class Pairs:
    """Compares by the engine's models, and keeps the judges."""

    def __init__(self, engine: ModelEngine) -> None:
        self._engine = engine
        self._judges: dict[str, Judge] = {}

    def judge(self, spec: ModelSpec) -> Judge:
        key = digest(spec.model_dump(mode="json"))
        if key not in self._judges:
            self._judges[key] = Judge(spec)
        return self._judges[key]

    async def compare(
        self, spec: ModelSpec, pairs: Sequence[tuple[ScoreItem, ScoreItem]], votes: int, swap: bool
    ) -> list[PairOutcome]:
        """One outcome a pair, in order. Raises Overloaded."""
        if spec.is_judge:
            return list(await asyncio.gather(*(self._by_judge(spec, *pair, votes, swap) for pair in pairs)))
        flat = [item_or_reason(spec, item) for pair in pairs for item in pair]
        scored = await self._engine.score(spec, flat)
        return [_by_scores(spec, scored[at], scored[at + 1]) for at in range(0, len(scored), 2)]

    async def _by_judge(self, spec: ModelSpec, one: ScoreItem, other: ScoreItem, votes: int, swap: bool) -> PairOutcome:
        guards = [reason if isinstance(reason := item_or_reason(spec, item), str) else None for item in (one, other)]
        if any(guards):
            return _by_guard(guards)
        try:
            votes_cast = await self.judge(spec).compare(one, one.text, other.text, votes=votes, swap=swap)
        except ScoreFailure as error:
            return _failed(error)
        return PairOutcome(
            preferred=_name(votes_cast.score),
            margin=votes_cast.score,
            probability=(votes_cast.score + 2) / 4,
            votes=votes_cast.votes,
            consistency=votes_cast.consistency,
            first_position=votes_cast.first_position,
        )

    async def group_outcomes(
        self, spec: ModelSpec, items: Sequence[ScoreItem | str], *, pairwise: bool
    ) -> list[ScoreOutcome]:
        """A judge's scores of a group: by the reference, or by pairs among siblings, 0 to 1."""
        if not pairwise:
            return list(await asyncio.gather(*(self._agrees(spec, item) for item in items)))
        size = len(items)
        half = min(size - 1, OPPONENTS) // 2 if size > 2 * OPPONENTS else None
        duels = [
            (one, other)
            for one in range(size)
            for other in range(one + 1, size)
            if half is None or other - one <= half or size - other + one <= half
        ]
        outcomes = await asyncio.gather(*(self._duel(spec, items[one], items[other]) for one, other in duels))
        won: list[list[float]] = [[] for _ in items]
        lost: dict[int, Failure] = {}
        for (one, other), pair in zip(duels, outcomes, strict=True):
            if pair.probability is None:
                failure = pair.failure or Failure(kind=FailureKind.VERIFIER_ERROR, message="no verdict")
                lost |= {one: failure, other: failure}
                continue
            won[one].append(pair.probability)
            won[other].append(1 - pair.probability)
        return [_standing(won[at], lost.get(at), items[at]) for at in range(size)]

    async def _agrees(self, spec: ModelSpec, item: ScoreItem | str) -> ScoreOutcome:
        if isinstance(item, str):
            return ScoreOutcome(0.0, None, {"guard": item})
        try:
            return ScoreOutcome(await self.judge(spec).agrees(item))
        except ScoreFailure as error:
            return ScoreOutcome(None, error)

    async def _duel(self, spec: ModelSpec, one: ScoreItem | str, other: ScoreItem | str) -> PairOutcome:
        if isinstance(one, str) or isinstance(other, str):
            return _by_guard([item if isinstance(item, str) else None for item in (one, other)])
        return await self._by_judge(spec, one, other, votes=2, swap=True)

    async def aclose(self) -> None:
        for judge in self._judges.values():
            await judge.aclose()
        self._judges.clear()


def _standing(won: list[float], failure: Failure | None, item: ScoreItem | str) -> ScoreOutcome:
    """The mean over the siblings. One comparison that failed is the text's failure: what is left is another contest."""
    evidence = {"guard": item} if isinstance(item, str) else {"siblings": len(won)}
    if failure is not None:
        return ScoreOutcome.failed(failure.kind, failure.message, **evidence)
    return ScoreOutcome(sum(won) / len(won), None, evidence)


def _by_scores(spec: ModelSpec, one: ScoreOutcome, other: ScoreOutcome) -> PairOutcome:
    evidence = {"a": one.evidence, "b": other.evidence}
    for side in (one, other):
        if side.value is None:
            failure = side.failure or ScoreFailure(FailureKind.VERIFIER_ERROR, "no score")
            return _failed(failure, (one.value, other.value), evidence)
    assert one.value is not None  # noqa: S101
    assert other.value is not None  # noqa: S101
    strengths = strength(one, spec), strength(other, spec)
    margin = one.value - other.value if -math.inf in strengths else strengths[0] - strengths[1]
    return PairOutcome(
        preferred=_name(margin),
        margin=margin,
        probability=preferred(*strengths),
        scores=(one.value, other.value),
        evidence=evidence,
    )


def _by_guard(reasons: Sequence[str | None]) -> PairOutcome:
    """What is no answer loses to what may be one, without asking anybody."""
    one, other = reasons
    margin = 0.0 if one and other else -2.0 if one else 2.0
    evidence = {name: {"guard": reason} for name, reason in zip("ab", reasons, strict=True) if reason}
    return PairOutcome(preferred=_name(margin), margin=margin, probability=(margin + 2) / 4, evidence=evidence)


def _failed(
    error: ScoreFailure,
    scores: tuple[float | None, float | None] = (None, None),
    evidence: dict[str, Any] | None = None,
) -> PairOutcome:
    failure = Failure(kind=error.kind, message=error.message)
    return PairOutcome(
        preferred=None, margin=None, probability=None, scores=scores, failure=failure, evidence=evidence or {}
    )


def _name(margin: float) -> str:
    return "tie" if abs(margin) < CLEAR else "a" if margin > 0 else "b"
