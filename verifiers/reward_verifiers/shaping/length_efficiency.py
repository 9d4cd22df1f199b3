"""Length relative to the group's shortest right answer: what a right answer cost, without a length to tune.

    right   shortest right length / length        wrong   0

Kimi k1.5's length reward (arXiv:2501.12599, section 2.3.3) is group-relative too; this ratio needs no longest member, and
cannot be moved by padding wrong answers.
"""

from __future__ import annotations

from collections.abc import Sequence

from reward_verifiers.contract import FailureKind, Verdict
from reward_verifiers.shaping.length import CorrectOptions, correctness, length
from reward_verifiers.verifier import GroupVerifier, ReferenceModel, Sample, Unsupported


class LengthEfficiencyVerifier(GroupVerifier[CorrectOptions, ReferenceModel]):
    """Scores right answers by the group's shortest right length over their own."""

    name = "length_efficiency"
    version = "1.0.0"
    options_model = CorrectOptions

    def verify_group(self, samples: Sequence[Sample[CorrectOptions, ReferenceModel]]) -> list[Verdict]:
        try:
            lengths = [max(length(sample), 1) for sample in samples]
        except Unsupported as error:
            return [Verdict.failed(FailureKind.UNSUPPORTED, str(error))] * len(samples)
        rights = correctness(samples)
        shortest = min((size for size, is_right in zip(lengths, rights, strict=True) if is_right), default=None)
        return [
            self._judge(size, is_right, shortest, samples[0].options)
            for size, is_right in zip(lengths, rights, strict=True)
        ]

    @staticmethod
    def _judge(size: int, is_right: bool | None, shortest: int | None, options: CorrectOptions) -> Verdict:
        if is_right is None:
            return Verdict.failed(FailureKind.UNSUPPORTED, f"{options.correct!r} gave no verdict")
        if not is_right or shortest is None:
            return Verdict.scored(0, "wrong answers have no length reward", length=size)
        told = f"{size} {options.unit}; the group's shortest right answer has {shortest}"
        return Verdict.scored(shortest / size, told, length=size, shortest=shortest)
