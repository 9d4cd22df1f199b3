"""Length relative to the group: what a right answer cost, without a length to tune.

    ratio   right   shortest right length / length, at least `floor`              wrong   0
    kimi    right   0.5 - (length - shortest) / (longest - shortest)              wrong   the same, at most 0
    alp     all     -min(1, length / limit) * max(share of right answers, 1 / size of the group)

`ratio` rewards short answers only where the group solves the task: with fewer right answers than `gate`, each right one
scores 1. Without gate and floor, one lucky short answer takes the reward of its siblings, and the model learns not to think.
`kimi` is the length reward of Kimi k1.5 (arXiv:2501.12599, section 2.3.3). `alp` is the adaptive length penalty
(arXiv:2506.05256): the more often a prompt is solved, the more its length costs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from reward_verifiers.contract import FailureKind, Verdict
from reward_verifiers.shaping.length import CorrectOptions, correctness, length
from reward_verifiers.verifier import GroupVerifier, ReferenceModel, Sample, Unsupported


class LengthEfficiencyOptions(CorrectOptions):
    mode: Literal["ratio", "kimi", "alp"] = Field(default="ratio", description="The formula; see the page.")
    floor: float = Field(default=0.2, ge=0, le=1, description="`ratio`: the least score of a right answer.")
    gate: float = Field(
        default=0.5, ge=0, le=1, description="`ratio`: the share of right answers from which length matters."
    )
    limit: int = Field(default=32_768, ge=1, description="`alp`: the length from which the penalty is whole.")


class LengthEfficiencyVerifier(GroupVerifier[LengthEfficiencyOptions, ReferenceModel]):
    """Scores answers by their length relative to their siblings."""

    name = "length_efficiency"
    version = "2.0.0"
    options_model = LengthEfficiencyOptions
    score_range = (-1.0, 1.0)

    def verify_group(self, samples: Sequence[Sample[LengthEfficiencyOptions, ReferenceModel]]) -> list[Verdict]:
        try:
            lengths = [max(length(sample), 1) for sample in samples]
        except Unsupported as error:
            return [Verdict.failed(FailureKind.UNSUPPORTED, str(error))] * len(samples)
        rights = correctness(samples)
        formula = {"ratio": _ratio, "kimi": _kimi, "alp": _alp}[samples[0].options.mode]
        verdicts = formula(lengths, rights, samples[0].options)
        unknown = Verdict.failed(FailureKind.UNSUPPORTED, f"{samples[0].options.correct!r} gave no verdict")
        return [unknown if is_right is None else verdict for is_right, verdict in zip(rights, verdicts, strict=True)]


def _solve_rate(rights: Sequence[bool | None]) -> float:
    judged = [is_right for is_right in rights if is_right is not None]
    return sum(judged) / len(judged) if judged else 0.0


def _ratio(lengths: Sequence[int], rights: Sequence[bool | None], options: LengthEfficiencyOptions) -> list[Verdict]:
    shortest = min((size for size, is_right in zip(lengths, rights, strict=True) if is_right), default=1)
    rate = _solve_rate(rights)
    verdicts = []
    for size, is_right in zip(lengths, rights, strict=True):
        if not is_right:
            verdicts.append(Verdict.scored(0, "wrong answers have no length reward", length=size))
        elif rate < options.gate:
            reason = f"{rate:.0%} of the group are right, fewer than {options.gate:.0%}: length does not matter yet"
            verdicts.append(Verdict.scored(1, reason, length=size, solve_rate=round(rate, 4)))
        else:
            reason = f"{size} {options.unit}; the group's shortest right answer has {shortest}"
            score = max(options.floor, shortest / size)
            verdicts.append(Verdict.scored(score, reason, length=size, shortest=shortest))
    return verdicts


def _kimi(lengths: Sequence[int], rights: Sequence[bool | None], options: LengthEfficiencyOptions) -> list[Verdict]:
    shortest, longest = min(lengths), max(lengths)
    verdicts = []
    for size, is_right in zip(lengths, rights, strict=True):
        score = 0.5 - (size - shortest) / (longest - shortest) if longest > shortest else 0.0
        reason = f"{size} {options.unit}; the group has {shortest} to {longest}"
        verdicts.append(Verdict.scored(score if is_right else min(0.0, score), reason, length=size))
    return verdicts


def _alp(lengths: Sequence[int], rights: Sequence[bool | None], options: LengthEfficiencyOptions) -> list[Verdict]:
    rate = max(_solve_rate(rights), 1 / len(lengths))
    return [
        Verdict.scored(
            -min(1.0, size / options.limit) * rate,
            f"{size} {options.unit} of {options.limit}, times a solve rate of {rate:.0%}",
            length=size,
            solve_rate=round(rate, 4),
        )
        for size in lengths
    ]
