"""Judging one text by a rubric: votes that stop when nothing can change any more, and an optional second reading."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from preference_model.judge.client import Call, JudgeClient, Unreadable
from preference_model.outcome import ScoreFailure
from preference_model.rubric.items import Rubric, rubric_of
from preference_model.rubric.reading import Reading, items_question, second_question, writing_question
from preference_model.rubric.store import RubricStore
from reward_verifiers.contract import FailureKind
from reward_verifiers.verifier import BadReference


@dataclass(frozen=True, slots=True)
class Judgement:
    """The verdict on every item, and how many votes it took."""

    reading: Reading
    votes: int

    @property
    def met(self) -> Mapping[int, bool]:
        return {at: verdict.met for at, verdict in self.reading.items()}


class RubricJudge:
    """Asks a judge about rubrics. Raises ScoreFailure, and nothing else."""

    def __init__(self, client: JudgeClient, store: RubricStore, name: str) -> None:
        self._client, self._store, self._name = client, store, name

    async def judge(self, prompt: str, text: str, rubric: Rubric, votes: int, second: bool, call: Call) -> Judgement:
        """The majority of the votes on every item. They are asked one after another, as long as one can change."""
        needed = votes // 2 + 1
        readings: list[Reading] = []
        failure = None
        for number in range(votes):
            try:
                readings.append(await self._vote(prompt, text, rubric, number, call))
            except ScoreFailure as error:
                failure = error
                continue
            if (majority := _majority(readings, rubric, needed)) is not None:
                if second:
                    await self._second(prompt, text, rubric, majority, call)
                return Judgement(majority, len(readings))
        raise failure or Unreadable("the votes give no majority")

    async def _vote(self, prompt: str, text: str, rubric: Rubric, number: int, call: Call) -> Reading:
        key = None if call.run is None else ("rubric", number, rubric.version, prompt, text)
        reading: Reading = await self._client.ask(
            key, lambda: items_question(prompt, text, rubric.items, number % 2 == 1), call
        )
        return reading

    async def _second(self, prompt: str, text: str, rubric: Rubric, reading: Reading, call: Call) -> None:
        """Raises ScoreFailure where a second reading rejects a verdict."""
        verdicts = [[one.met, one.quote] for one in reading.values()]
        key = None if call.run is None else ("second reading", rubric.version, prompt, text, verdicts)
        wrong = await self._client.ask(key, lambda: second_question(prompt, text, rubric.items, reading), call)
        if wrong:
            message = f"a second reading rejects the verdict on {', '.join(wrong)}"
            raise ScoreFailure(FailureKind.VERIFIER_ERROR, message)

    async def rubric_for(self, prompt: str, call: Call) -> Rubric:
        """The frozen rubric of a prompt; the judge writes it when there is none."""
        if (rubric := self._store.get(prompt)) is not None:
            return rubric
        items = await self._client.ask(("write a rubric", prompt), lambda: writing_question(prompt), call)
        try:
            rubric = rubric_of(items)
        except BadReference as error:
            raise ScoreFailure(FailureKind.VERIFIER_ERROR, f"the judge wrote no usable rubric: {error}") from None
        return await asyncio.to_thread(self._store.freeze, prompt, rubric, self._name)


def _majority(readings: list[Reading], rubric: Rubric, needed: int) -> Reading | None:
    """The verdicts that further votes cannot change; None while one can."""
    decided: Reading = {}
    for at in range(len(rubric.items)):
        for met in (True, False):
            votes = [reading[at] for reading in readings if reading[at].met is met]
            if len(votes) >= needed:
                decided[at] = votes[0]
    return decided if len(decided) == len(rubric.items) else None
