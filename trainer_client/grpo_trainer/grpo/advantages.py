"""Advantages: how much better than its siblings a completion is.

Group mean and std      A_i = (r_i - mean(r)) / (std(r) + eps)     DeepSeekMath (arXiv:2402.03300), R1 supplement eq. 13
Without std             A_i = r_i - mean(r)                        Dr. GRPO (arXiv:2503.20783)
Std of the whole batch  A_i = (r_i - mean(r)) / (std(batch) + eps) Lite PPO (arXiv:2508.08221)
Leave-one-out           A_i = r_i - mean(r without r_i)            RLOO (arXiv:2402.14740)

A sample without a verdict (reward None) leaves every mean and std, and its advantage is exactly 0. A group with fewer than
two verdicts, or whose rewards are all equal, has nothing to say: it is not alive. Nor is one whose accuracies are all equal,
where groups are filtered by accuracy, as DAPO (arXiv:2503.14476) does: four wrong answers, two of them in format, would be
trained on for their format alone.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Baseline = Literal["mean", "leave_one_out"]
Scale = Literal["group", "batch", "none"]
State = Literal["alive", "too_few", "zero_std", "filtered"]


@dataclass(frozen=True, kw_only=True)
class AdvantageConfig:
    """Defaults are R1's; of the std R1 says nothing more, so `ddof` and `epsilon` are TRL's.

    ddof: 1 divides by n - 1 (TRL, verl, OpenRLHF), 0 by n (TRL's asynchronous trainer).
    epsilon: added to the std, so that two almost equal rewards are not blown up to -1 and 1.
    """

    baseline: Baseline = "mean"
    scale: Scale = "group"
    ddof: int = 1
    epsilon: float = 1e-4

    def __post_init__(self) -> None:
        if self.baseline not in ("mean", "leave_one_out"):
            raise ValueError(f"advantage.baseline: {self.baseline!r} is neither 'mean' nor 'leave_one_out'")
        if self.scale not in ("group", "batch", "none"):
            raise ValueError(f"advantage.scale: {self.scale!r} is none of 'group', 'batch', 'none'")
        if self.ddof not in (0, 1):
            raise ValueError(f"advantage.ddof: must be 0 or 1, not {self.ddof}")
        if not self.epsilon >= 0:
            raise ValueError(f"advantage.epsilon: must be at least 0, not {self.epsilon}")


@dataclass(frozen=True)
class GroupAdvantages:
    """values: one a sample, in order; all 0 unless the group is alive. mean, std: over the verdicts; None without any."""

    values: tuple[float, ...]
    state: State
    mean: float | None
    std: float | None

    @property
    def alive(self) -> bool:
        return self.state == "alive"


def advantages(groups: Sequence[Sequence[float | None]], config: AdvantageConfig) -> list[GroupAdvantages]:
    """The advantages of every group of a batch, in order.

    Raises ValueError for a reward that is not finite: a number that is no number must not reach the mean.
    """
    for group in groups:
        if any(reward is not None and not math.isfinite(reward) for reward in group):
            raise ValueError("a reward is NaN or infinite; a sample without a verdict has the reward None")
    verdicts = [reward for group in groups for reward in group if reward is not None]
    batch_std = _std(verdicts, config.ddof)
    return [_of_group(group, config, batch_std) for group in groups]


def filtered(judged: GroupAdvantages, scores: Sequence[float | None]) -> GroupAdvantages:
    """The group as it is, or not alive where all `scores` of one of its components are equal. None is no score."""
    if not judged.alive or len({score for score in scores if score is not None}) > 1:
        return judged
    return GroupAdvantages((0.0,) * len(judged.values), "filtered", judged.mean, judged.std)


def _of_group(group: Sequence[float | None], config: AdvantageConfig, batch_std: float) -> GroupAdvantages:
    verdicts = [reward for reward in group if reward is not None]
    mean = statistics.fmean(verdicts) if verdicts else None
    std = _std(verdicts, config.ddof) if verdicts else None
    state = _state(verdicts)
    if state != "alive" or mean is None or std is None:
        return GroupAdvantages((0.0,) * len(group), state, mean, std)
    # Leaving r_i out of the mean is the same as n / (n - 1) times the distance from the whole mean.
    factor = len(verdicts) / (len(verdicts) - 1) if config.baseline == "leave_one_out" else 1.0
    if config.scale != "none":
        factor /= (std if config.scale == "group" else batch_std) + config.epsilon
    return GroupAdvantages(
        tuple(0.0 if reward is None else (reward - mean) * factor for reward in group), state, mean, std
    )


def _state(verdicts: Sequence[float]) -> State:
    if len(verdicts) < 2:
        return "too_few"
    return "zero_std" if min(verdicts) == max(verdicts) else "alive"


def _std(values: Sequence[float], ddof: int) -> float:
    """0 where it is not defined, or where all are equal (exactly, which a rounded mean would spoil)."""
    if len(values) <= ddof or min(values) == max(values):
        return 0.0
    mean = statistics.fmean(values)
    return math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (len(values) - ddof))
