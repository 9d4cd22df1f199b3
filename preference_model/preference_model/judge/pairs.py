"""Comparisons: of two texts, and of every text of a group with its siblings. By a scoring model, or by a judge."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence

from preference_model.judge.client import DEFAULT_CALL, Call
from preference_model.judge.group import judge_group
from preference_model.judge.judge import Judge
from preference_model.judge.pair_outcome import PairOutcome, by_guard, failed, name_of
from preference_model.judge.usage import Usage
from preference_model.model.engine import ModelEngine, item_or_reason
from preference_model.model.registry import ModelSpec, digest
from preference_model.model.relative import preferred
from preference_model.model.scale import strength
from preference_model.outcome import ScoreFailure, ScoreItem, ScoreOutcome
from reward_verifiers.contract import FailureKind


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
            return by_guard(guards)
        call = call.own()
        try:
            votes_cast = await self.judge(spec).compare(one, one.text, other.text, votes=votes, swap=swap, call=call)
        except ScoreFailure as error:
            return failed(error, usage=call.ledger.usage.evidence())
        return PairOutcome(
            preferred=name_of(votes_cast.score),
            margin=votes_cast.score,
            probability=(votes_cast.score + 2) / 4,
            votes=votes_cast.votes,
            consistency=votes_cast.consistency,
            first_position=votes_cast.first_position,
            usage=call.ledger.usage.evidence(),
        )

    async def group_outcomes(
        self, spec: ModelSpec, items: Sequence[ScoreItem | str], *, pairwise: bool, call: Call = DEFAULT_CALL
    ) -> list[ScoreOutcome]:
        """A judge's scores of a group: by the reference, or by pairs among siblings, 0 to 1."""
        if not pairwise:
            return list(await asyncio.gather(*(self._agrees(spec, item, call) for item in items)))
        return await judge_group(
            items, lambda one, other: self._by_judge(spec, one, other, votes=2, swap=True, call=call)
        )

    async def _agrees(self, spec: ModelSpec, item: ScoreItem | str, call: Call) -> ScoreOutcome:
        if isinstance(item, str):
            return ScoreOutcome(0.0, None, {"guard": item})
        call = call.own()
        try:
            score, failure = await self.judge(spec).agrees(item, call), None
        except ScoreFailure as error:
            score, failure = None, error
        return ScoreOutcome(score, failure, {"usage": call.ledger.usage.evidence()})

    def usage(self) -> Usage:
        """What all judges of this backend have cost. Judges of one server share a client, which counts once."""
        clients = {id(judge.client): judge.client for judge in self._judges.values()}
        return sum((client.total for client in clients.values()), Usage())

    async def aclose(self) -> None:
        for judge in self._judges.values():
            await judge.aclose()
        self._judges.clear()


def _by_scores(spec: ModelSpec, one: ScoreOutcome, other: ScoreOutcome) -> PairOutcome:
    evidence = {"a": one.evidence, "b": other.evidence}
    for side in (one, other):
        if side.value is None:
            failure = side.failure or ScoreFailure(FailureKind.VERIFIER_ERROR, "no score")
            return failed(failure, (one.value, other.value), evidence)
    assert one.value is not None  # noqa: S101
    assert other.value is not None  # noqa: S101
    strengths = strength(one, spec), strength(other, spec)
    margin = one.value - other.value if -math.inf in strengths else strengths[0] - strengths[1]
    return PairOutcome(
        preferred=name_of(margin),
        margin=margin,
        probability=preferred(*strengths),
        scores=(one.value, other.value),
        evidence=evidence,
    )
