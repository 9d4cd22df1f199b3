"""Comparisons: of two texts, and of every text of a group with its siblings. By a scoring model, or by a judge."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel

from preference_model.judge.client import DEFAULT_CALL, Call
from preference_model.judge.judge import Judge
from preference_model.model.engine import ModelEngine, item_or_reason
from preference_model.model.registry import ModelSpec, digest
from preference_model.model.relative import preferred
from preference_model.model.scale import strength
from preference_model.outcome import ScoreFailure, ScoreItem, ScoreOutcome
from reward_verifiers.contract import Failure, FailureKind

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
    usage: dict[str, int] = {}


class Pairs:
    """Compares by the engine's models, and keeps the judges."""

    def __init__(self, engine: ModelEngine, *, tested: bool = True) -> None:
        """`tested`: a judge that fails its test gives no verdict. Not so where the judge is what is measured."""
        self._engine, self._tested = engine, tested
        self._judges: dict[str, Judge] = {}

    def judge(self, spec: ModelSpec) -> Judge:
        key = digest(spec.model_dump(mode="json"))
        if key not in self._judges:
            self._judges[key] = Judge(spec, tested=self._tested)
        return self._judges[key]

    async def problem(self, spec: ModelSpec) -> str:
        """Why a judge cannot be used; "" where it can."""
        try:
            await self.judge(spec).canary.demand()
        except ScoreFailure as error:
            return error.message
        return ""

    async def compare(
        self,
        spec: ModelSpec,
        pairs: Sequence[tuple[ScoreItem, ScoreItem]],
        votes: int,
        swap: bool,
        call: Call = DEFAULT_CALL,
    ) -> list[PairOutcome]:
        """One outcome a pair, in order. Raises Overloaded."""
        if spec.is_judge:
            return list(await asyncio.gather(*(self._by_judge(spec, *pair, votes, swap, call) for pair in pairs)))
        flat = [item_or_reason(spec, item) for pair in pairs for item in pair]
        scored = await self._engine.score(spec, flat)
        return [_by_scores(spec, scored[at], scored[at + 1]) for at in range(0, len(scored), 2)]

    async def _by_judge(
        self, spec: ModelSpec, one: ScoreItem, other: ScoreItem, votes: int, swap: bool, call: Call
    ) -> PairOutcome:
        guards = [reason if isinstance(reason := item_or_reason(spec, item), str) else None for item in (one, other)]
        if any(guards):
            return _by_guard(guards)
        try:
            votes_cast = await self.judge(spec).compare(one, one.text, other.text, votes=votes, swap=swap, call=call)
        except ScoreFailure as error:
            return _failed(error)
        return PairOutcome(
            preferred=_name(votes_cast.score),
            margin=votes_cast.score,
            probability=(votes_cast.score + 2) / 4,
            votes=votes_cast.votes,
            consistency=votes_cast.consistency,
            first_position=votes_cast.first_position,
            usage=votes_cast.usage.evidence(),
        )

    async def group_outcomes(
        self, spec: ModelSpec, items: Sequence[ScoreItem | str], *, pairwise: bool, call: Call = DEFAULT_CALL
    ) -> list[ScoreOutcome]:
        """A judge's scores of a group: by the reference, or by pairs among siblings, 0 to 1."""
        if not pairwise:
            return list(await asyncio.gather(*(self._agrees(spec, item, call) for item in items)))
        duels = pairings(len(items))
        outcomes = await asyncio.gather(*(self._duel(spec, items[one], items[other], call) for one, other in duels))
        contests: list[list[tuple[PairOutcome, float]]] = [[] for _ in items]
        for (one, other), pair in zip(duels, outcomes, strict=True):
            chance = math.nan if pair.probability is None else pair.probability
            contests[one].append((pair, chance))
            contests[other].append((pair, 1 - chance))
        return [_standing(contests[at], items[at]) for at in range(len(items))]

    async def _agrees(self, spec: ModelSpec, item: ScoreItem | str, call: Call) -> ScoreOutcome:
        if isinstance(item, str):
            return ScoreOutcome(0.0, None, {"guard": item})
        try:
            outcome = await self.judge(spec).agrees(item, call)
            return ScoreOutcome(outcome.score, None, {"usage": outcome.usage.evidence()})
        except ScoreFailure as error:
            return ScoreOutcome(None, error)

    async def _duel(self, spec: ModelSpec, one: ScoreItem | str, other: ScoreItem | str, call: Call) -> PairOutcome:
        if isinstance(one, str) or isinstance(other, str):
            return _by_guard([item if isinstance(item, str) else None for item in (one, other)])
        if one.text == other.text:  # siblings repeat answers
            return PairOutcome(preferred="tie", margin=0.0, probability=0.5)
        return await self._by_judge(spec, one, other, votes=2, swap=True, call=call)

    async def aclose(self) -> None:
        for judge in self._judges.values():
            await judge.aclose()
        self._judges.clear()


def pairings(size: int) -> list[tuple[int, int]]:
    """Which of a group are compared: each with its next siblings in a circle, O(n log n) pairs; all where those are fewer.

    >>> pairings(3)
    [(0, 1), (0, 2), (1, 2)]
    >>> len(pairings(64))
    384
    """
    reach = max(math.ceil(math.log2(size)), 1)
    if 2 * reach >= size - 1:
        return [(one, other) for one in range(size) for other in range(one + 1, size)]
    return [(one, (one + step) % size) for one in range(size) for step in range(1, reach + 1)]


def _standing(contests: Sequence[tuple[PairOutcome, float]], item: ScoreItem | str) -> ScoreOutcome:
    """The mean over the comparisons that have a verdict. A failed one costs its own pair; half of them must be there."""
    won = [chance for pair, chance in contests if pair.failure is None]
    failures = [pair.failure for pair, _ in contests if pair.failure is not None]
    evidence: dict[str, Any] = {"guard": item} if isinstance(item, str) else {"siblings": len(won)}
    if usages := [pair.usage for pair, _ in contests if pair.usage]:
        evidence["usage"] = {name: sum(usage[name] for usage in usages) for name in usages[0]}
    if failures:
        evidence["failed_pairs"] = len(failures)
    if failures and len(won) * 2 < len(contests):
        return ScoreOutcome.failed(failures[0].kind, failures[0].message, **evidence)
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
