"""From a model's logits to the score that is reported: activation, calibration, clip, floor."""

from __future__ import annotations

import bisect
import math
from collections.abc import Sequence

from preference_model.model.registry import Calibration, Ensemble, ModelSpec
from preference_model.outcome import ScoreFailure, ScoreOutcome
from reward_verifiers.contract import FailureKind

LIMIT = 1e6
DECIMALS = 4
"""Scores are rounded to this many: far below what a model knows, and above what a batch's company changes."""


def activated(logits: Sequence[float], label: int, activation: str) -> float:
    """The chosen output after its activation. Raises ScoreFailure where it is not a number."""
    if not all(map(math.isfinite, logits)):
        raise ScoreFailure(FailureKind.VERIFIER_ERROR, "the model gave no finite number")
    if activation == "sigmoid":
        return sigmoid(logits[label])
    if activation == "softmax":
        top = max(logits)
        return math.exp(logits[label] - top) / sum(math.exp(logit - top) for logit in logits)
    return logits[label]


def logit(p: float) -> float:
    """The inverse of the sigmoid, finite at 0 and 1."""
    p = min(max(p, 1e-9), 1 - 1e-9)
    return math.log(p / (1 - p))


def strength(outcome: ScoreOutcome, spec: ModelSpec) -> float:
    """What Bradley-Terry compares: the model's own logit. A text that the guard filtered out loses to every other."""
    if outcome.raw is None:
        return -math.inf
    return outcome.raw if spec.activation == "raw" else logit(outcome.raw)


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))


def normalised(value: float, calibration: Calibration | None, how: str) -> float:
    if how == "raw" or calibration is None:
        return value
    if how == "z":
        return (value - calibration.mean) / calibration.std
    return percentile(value, calibration.quantiles)


def percentile(value: float, quantiles: Sequence[float]) -> float:
    """The share of the calibration set below the value, 0 to 1, linear between the quantiles.

    >>> percentile(1.5, [0.0, 1.0, 2.0])
    0.75
    """
    at = bisect.bisect_right(quantiles, value)
    if at == 0:
        return 0.0
    if at == len(quantiles):
        return 1.0
    low, high = quantiles[at - 1], quantiles[at]
    return (at - 1 + (value - low) / (high - low)) / (len(quantiles) - 1)


def combined(values: Sequence[float], how: Ensemble) -> tuple[float, float]:
    """An ensemble's score and its members' population standard deviation."""
    mean = sum(values) / len(values)
    std = math.sqrt(sum((value - mean) ** 2 for value in values) / len(values))
    score = {"mean": mean, "min": min(values), "mean_minus_k_std": mean - how.k * std}[how.combine]
    return score, std


def reported(value: float, spec: ModelSpec) -> float:
    """Normalised, clipped, not below the floor. Raises ScoreFailure for a number that cannot be meant, or an abstention."""
    if not math.isfinite(value):
        raise ScoreFailure(FailureKind.VERIFIER_ERROR, "the model gave no finite number")
    if spec.abstain_margin is not None and abs(value - 0.5) < spec.abstain_margin:
        raise ScoreFailure(FailureKind.UNSUPPORTED, f"the model abstains: {value:.3f} is too close to 0.5")
    score = normalised(value, spec.calibration, spec.normalisation)
    low, high = spec.clip
    if high is not None:
        score = min(score, high)
    if low is not None:
        score = max(score, low)
    if spec.guard and spec.lowest is not None:
        score = max(score, spec.lowest)  # so that nothing guarded outranks an answer
    if abs(score) > LIMIT:
        raise ScoreFailure(FailureKind.VERIFIER_ERROR, f"a score beyond ±{LIMIT:g} cannot be meant")
    return score
