"""What a comparison of two texts comes to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel

from preference_model.outcome import ScoreFailure
from reward_verifiers.contract import Failure

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
    usage: dict[str, float] = {}


def by_guard(reasons: Sequence[str | None]) -> PairOutcome:
    """What is no answer loses to what may be one, without asking anybody."""
    one, other = reasons
    margin = 0.0 if one and other else -2.0 if one else 2.0
    evidence = {name: {"guard": reason} for name, reason in zip("ab", reasons, strict=True) if reason}
    return PairOutcome(preferred=name_of(margin), margin=margin, probability=(margin + 2) / 4, evidence=evidence)


def failed(
    error: ScoreFailure,
    scores: tuple[float | None, float | None] = (None, None),
    evidence: dict[str, Any] | None = None,
    usage: dict[str, float] | None = None,
) -> PairOutcome:
    failure = Failure(kind=error.kind, message=error.message)
    return PairOutcome(
        preferred=None,
        margin=None,
        probability=None,
        scores=scores,
        failure=failure,
        evidence=evidence or {},
        usage=usage or {},
    )


def name_of(margin: float) -> str:
    return "tie" if abs(margin) < CLEAR else "a" if margin > 0 else "b"
