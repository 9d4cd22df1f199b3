"""Cosine length reward (Yeo et al., arXiv:2502.03373, section 3.2): a short right answer earns more than a long one.

    right   long + (short - long) * (1 + cos(pi * min(length, limit) / limit)) / 2
    wrong   0, or with `wrong: true` the mirror image below zero: a long wrong try costs less than a short one

The length is clamped at the limit: the cosine does not turn back up beyond it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from pydantic import Field

from reward_verifiers.contract import FailureKind, Verdict
from reward_verifiers.shaping.length import CorrectOptions, correctness, length
from reward_verifiers.verifier import GroupVerifier, ReferenceModel, Sample, Unsupported


class CosineLengthOptions(CorrectOptions):
    limit: int = Field(default=32_768, ge=1, description="Length at which the reward is that of a long answer.")
    short: float = Field(default=1.0, ge=-1, le=1, description="Score of a right answer of length 0.")
    long: float = Field(default=0.0, ge=-1, le=1, description="Score of a right answer at the limit and beyond.")
    wrong: bool = Field(default=False, description="Wrong answers score too: -short at length 0, rising to -long.")


class CosineLengthVerifier(GroupVerifier[CosineLengthOptions, ReferenceModel]):
    """Scores right answers by a cosine of their length."""

    name = "cosine_length"
    version = "1.0.0"
    options_model = CosineLengthOptions
    score_range = (-1.0, 1.0)
    # It looks at the scores of this very request, but at no sibling: no need to wait for them, and nothing to remember.
    whole_group = False
    pure = False

    def verify_group(self, samples: Sequence[Sample[CosineLengthOptions, ReferenceModel]]) -> list[Verdict]:
        return [_judge(sample, is_right) for sample, is_right in zip(samples, correctness(samples), strict=True)]


def _judge(sample: Sample[CosineLengthOptions, ReferenceModel], is_right: bool | None) -> Verdict:
    options = sample.options
    if is_right is None:
        return Verdict.failed(FailureKind.UNSUPPORTED, f"{options.correct!r} gave no verdict")
    try:
        size = length(sample)
    except Unsupported as error:
        return Verdict.failed(FailureKind.UNSUPPORTED, str(error))
    if not is_right and not options.wrong:
        return Verdict.scored(0, "wrong answers have no length reward", length=size)
    share = (1 + math.cos(math.pi * min(size, options.limit) / options.limit)) / 2
    score = options.long + (options.short - options.long) * share
    reason = f"{'right' if is_right else 'wrong'}, {size} {options.unit} of {options.limit}"
    return Verdict.scored(score if is_right else -score, reason, length=size)
