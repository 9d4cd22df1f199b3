"""A language model as judge, behind an OpenAI-compatible chat.

    pairs       R1's five labels [[A>>B]] … [[B>>A]] (arXiv 2501.12948v2, supplement B.2): 2, 1, 0, -1, -2 for A
    reference   does the answer agree with the reference: correct 1, incorrect 0 (B, listing 4)

A judge whose verdict cannot be read is a failure, and so is one that fails its canary.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field

from preference_model.judge import prompts
from preference_model.judge.canary import Canary, check_pairs, check_reference
from preference_model.judge.client import DEFAULT_CALL, Call, release, shared_client
from preference_model.model.registry import ModelSpec
from preference_model.model.upstream import joined
from preference_model.outcome import ScoreFailure, ScoreItem
from reward_verifiers.contract import FailureKind


@dataclass(frozen=True, slots=True)
class PairVotes:
    """Votes on a pair: each the score of the first text, -2 to 2, beside whether it stood first before the judge."""

    votes: list[float] = field(default_factory=list)
    first: list[bool] = field(default_factory=list)

    @property
    def score(self) -> float:
        return sum(self.votes) / len(self.votes)

    @property
    def consistency(self) -> float | None:
        """The share of votes that say what most of the other order's say; None without both orders."""
        ahead = [_sign(vote) for vote, first in zip(self.votes, self.first, strict=True) if first]
        behind = [_sign(vote) for vote, first in zip(self.votes, self.first, strict=True) if not first]
        if not ahead or not behind:
            return None
        return sum(one == other for one in ahead for other in behind) / (len(ahead) * len(behind))

    @property
    def first_position(self) -> float | None:
        """The share of decided votes that went to whichever stood first: 0.5 for a judge without a bias."""
        decided = [(vote > 0) == first for vote, first in zip(self.votes, self.first, strict=True) if vote]
        return sum(decided) / len(decided) if decided else None


def _sign(vote: float) -> int:
    return (vote > 0) - (vote < 0)


async def _all(votes: Sequence[Awaitable[float]]) -> list[float]:
    """All votes. Raises the first failure once none is under way any more."""
    outcomes = await asyncio.gather(*votes, return_exceptions=True)
    answers = []
    for outcome in outcomes:
        if isinstance(outcome, BaseException):
            raise outcome
        answers.append(outcome)
    return answers


class Judge:
    """One judge model. Raises ScoreFailure, and nothing else."""

    def __init__(self, spec: ModelSpec, *, tested: bool = True) -> None:
        assert spec.upstream is not None  # noqa: S101
        self._tested = tested
        self.client = shared_client(spec.upstream)
        check = check_pairs if spec.upstream.kind == "judge_pairs" else check_reference
        self.canary = Canary(lambda: check(self), spec.upstream.canary_minutes * 60)

    async def compare(
        self, prompt: ScoreItem, one: str, other: str, *, votes: int, swap: bool, call: Call = DEFAULT_CALL
    ) -> PairVotes:
        """`votes` judgements; with `swap`, half of them (at least one each) in either order, else in a random one."""
        await self._demand()
        return await self.compare_unchecked(prompt, one, other, votes=votes, swap=swap, call=call)

    async def compare_unchecked(
        self, prompt: ScoreItem, one: str, other: str, *, votes: int, swap: bool, call: Call
    ) -> PairVotes:
        orders = [at % 2 == 0 for at in range(max(votes, 2))] if swap else [random.random() < 0.5 for _ in range(votes)]  # noqa: S311
        question = joined(prompt)[0]
        cast = [
            self._vote(question, one, other, first, orders[:at].count(first), call) for at, first in enumerate(orders)
        ]
        return PairVotes(await _all(cast), orders)

    async def _demand(self) -> None:
        if self._tested:
            await self.canary.demand()

    async def agrees(self, item: ScoreItem, call: Call = DEFAULT_CALL) -> float:
        """1 when the text agrees with the reference, else 0."""
        if not item.reference:
            message = "reference.answer: this judge compares with it, and there is none"
            raise ScoreFailure(FailureKind.BAD_REFERENCE, message)
        await self._demand()
        return await self.agrees_unchecked(item, call)

    async def agrees_unchecked(self, item: ScoreItem, call: Call) -> float:
        question, answer = joined(item)
        parts = {"question": question, "reference": item.reference or "", "answer": answer}
        key = None if call.run is None else ("reference", *parts.values())
        label = await self.client.ask(
            key, lambda: prompts.question(prompts.REFERENCE, parts, tuple(prompts.AGREEMENT)), call
        )
        return prompts.AGREEMENT[label]

    async def _vote(self, question: str, one: str, other: str, first: bool, number: int, call: Call) -> float:
        shown = (one, other) if first else (other, one)
        parts = {"question": question, "answer A": shown[0], "answer B": shown[1]}
        key = None if call.run is None else ("pairs", number, *parts.values())
        label = await self.client.ask(key, lambda: prompts.question(prompts.PAIRS, parts, tuple(prompts.SCALE)), call)
        return prompts.SCALE[label] if first else -prompts.SCALE[label]

    async def aclose(self) -> None:
        await self.canary.aclose()
        await release(self.client)
