"""What scoring one text comes to: a number, or why there is none. Never both, never neither."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from reward_verifiers.contract import FailureKind, Text

INSTALL = (
    "reward models need PyTorch and transformers: `make install`, or install touchstone-rewards[preference] "
    "with the build of PyTorch for this machine"
)


class ScoreFailure(Exception):
    """No number, and why. Raised inside a source, caught at its edge."""

    def __init__(self, kind: FailureKind, message: str) -> None:
        super().__init__(message)
        self.kind, self.message = kind, message


@dataclass(frozen=True, slots=True)
class ScoreItem:
    """One text to score: what it answers, and what is known to be right."""

    prompt: Text | None
    text: str
    reference: str | None = None


@dataclass(frozen=True, slots=True)
class ScoreOutcome:
    """A number, or a failure. `evidence` goes along either way."""

    value: float | None
    failure: ScoreFailure | None = None
    evidence: dict[str, Any] = field(default_factory=dict)
    raw: float | None = None
    """The model's own number, before normalisation, clip and floor."""

    @classmethod
    def failed(cls, kind: FailureKind, message: str, **evidence: Any) -> ScoreOutcome:
        return cls(None, ScoreFailure(kind, message), evidence)
