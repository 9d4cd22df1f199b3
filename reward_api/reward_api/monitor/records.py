"""The record of a scored group, from what went over the wire."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reward_api.monitor.observation import GroupRecord, SampleRecord, prompt_digest, sample_record

WAYS = ("source", "rule")
"""Keys of the evidence that say how a verdict came about."""
MOST_WAY = 60


@dataclass(frozen=True, slots=True)
class Judging:
    """What says which completions are right: a component, its weight, and the score from which one is paid."""

    component: str
    weight: float
    paid_at: float


@dataclass(frozen=True, slots=True)
class Scored:
    """One completion as it was scored: its text, and the parts of its result that are remembered."""

    text: str
    reward: float | None
    failure: str | None
    scores: Mapping[str, float | None]
    evidence: Mapping[str, Any]
    tokens: int | None = None


def record(judging: Judging, index: int, one: Scored, *, with_features: bool = True) -> SampleRecord:
    """Where the judging component is missing, a positive reward is a payment."""
    score = one.scores.get(judging.component, one.reward)
    paid = None if score is None or one.reward is None else score >= judging.paid_at
    return sample_record(
        index, one.text, one.reward, one.failure, one.scores,
        paid=paid, path=way_of(judging.component, one.evidence), tokens=one.tokens, with_features=with_features,
    )  # fmt: skip


def way_of(component: str, evidence: Mapping[str, Any]) -> str:
    """How the verdict came about.

    >>> way_of("answer", {"rule": "rational", "extracted": "5/6"})
    'answer:rational'
    """
    way = ""
    for name in WAYS:
        if isinstance(value := evidence.get(name), str):
            way = f"{way or component}:{value[:MOST_WAY]}"
    return way


def group_record(
    judging: Judging, *, domain: str, version: str, run: str, step: int | None, group: str, prompt: str,
    samples: Sequence[SampleRecord],
) -> GroupRecord:  # fmt: skip
    return GroupRecord(
        domain,
        version,
        run,
        step,
        group,
        prompt_digest(prompt, group),
        judging.component,
        judging.weight,
        tuple(samples),
    )
