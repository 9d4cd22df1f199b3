"""The accuracy that trainers log and filter by: the score of a domain's first component with a weight, stretched to 0..1."""

from __future__ import annotations


def accuracy(score: float, score_range: tuple[float, float]) -> float:
    """Where `score` lies between the bounds of `score_range`: 0 at the lower, 1 at the upper; 0 where they are equal."""
    low, high = score_range
    return min(max((score - low) / (high - low), 0.0), 1.0) if high > low else 0.0
