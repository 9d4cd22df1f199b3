"""Metrics of an update, summed over tokens and steps."""

from __future__ import annotations

import math
from collections import defaultdict

import torch
from torch import Tensor


class UpdateMetrics:
    """Gathers an update's numbers over tokens and steps, so that no cut into micro-batches changes them."""

    def __init__(self) -> None:
        self._values: dict[str, float] = {"skipped_steps": 0}
        self._sums: defaultdict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])

    def mean(self, name: str, values: Tensor | float) -> None:
        """Over all tokens, or all steps."""
        values = torch.as_tensor(values, dtype=torch.float64)
        total, count = self._sums[name]
        self._sums[name] = [total + float(values.sum()), count + values.numel()]

    def least(self, name: str, values: Tensor) -> None:
        self._values[name] = min(self._values.get(name, math.inf), float(values.min()))

    def most(self, name: str, values: Tensor) -> None:
        self._values[name] = max(self._values.get(name, -math.inf), float(values.max()))

    def last(self, name: str, value: float) -> None:
        self._values[name] = value

    def skip(self) -> None:
        self._values["skipped_steps"] += 1

    def metrics(self) -> dict[str, float]:
        return self._values | {name: total / count for name, (total, count) in self._sums.items()}
