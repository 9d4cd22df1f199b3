"""DAPO's soft overlong punishment (arXiv:2503.14476, eq. 13).

0                            length ≤ limit - margin
(limit - margin - length) / margin   up to the limit
-1                           beyond it
"""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from reward_verifiers.contract import Verdict
from reward_verifiers.shaping.length import LengthOptions, length
from reward_verifiers.verifier import ReferenceModel, Sample, Verifier


class OverlongOptions(LengthOptions):
    limit: int = Field(default=32_768, ge=1, description="Length from which the punishment is whole.")
    margin: int = Field(default=4_096, ge=1, description="How long before the limit it sets in.")

    @model_validator(mode="after")
    def _margin_fits(self) -> Self:
        if self.margin > self.limit:
            raise ValueError("margin must not be above limit")
        return self


class OverlongVerifier(Verifier[OverlongOptions, ReferenceModel]):
    """Scores 0 up to a length, falls to -1 at the limit, and stays there."""

    name = "overlong"
    version = "1.0.0"
    options_model = OverlongOptions
    score_range = (-1.0, 0.0)

    def verify(self, sample: Sample[OverlongOptions, ReferenceModel]) -> Verdict:
        options, size = sample.options, length(sample)
        free = options.limit - options.margin
        score = max(-1.0, min(0.0, (free - size) / options.margin))
        reason = f"{size} {options.unit}, free up to {free}, limit {options.limit}"
        return Verdict.scored(score, reason, length=size)
