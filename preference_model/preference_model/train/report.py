"""A report on a reward model: lines of a table, and where its scores lie."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import fmean, pstdev

import yaml

from preference_model.train import metrics


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: a share with its interval, or a plain number."""

    name: str
    value: float
    low: float | None = None
    high: float | None = None
    note: str = ""

    def text(self) -> str:
        spread = f" ({self.low:.3f} to {self.high:.3f})" if self.low is not None and self.high is not None else ""
        return f"{self.value:.3f}{spread}"


@dataclass(frozen=True, slots=True)
class Report:
    """All lines, how many records there were, how many had no score, and where the scores lie."""

    kind: str
    count: int
    failed: int
    rows: list[Row]
    scores: list[float] = field(default_factory=list)

    def value(self, name: str) -> float:
        return next(row.value for row in self.rows if row.name == name)


def share(name: str, margins: Sequence[float], weights: Sequence[float] | None = None, note: str = "") -> Row:
    """The share of margins above 0, with its interval; 0 counts half."""
    value = metrics.accuracy(margins, weights)
    return Row(name, value, *metrics.interval(value, metrics.effective(weights) if weights else len(margins)), note)


def share_of(name: str, outcomes: Sequence[bool], note: str = "") -> Row:
    """The share of outcomes that are true, with its interval."""
    return share(name, [1.0 if outcome else -1.0 for outcome in outcomes], note=note)


def calibration_yaml(texts: str, reports: Sequence[Report]) -> str:
    """Where the scores of these texts lie, as a line of a registry's entry."""
    scores = [score for report in reports for score in report.scores]
    value = {
        "set": texts,
        "mean": round(fmean(scores), 4),
        "std": round(pstdev(scores), 4),
        "quantiles": [round(value, 4) for value in metrics.quantiles(scores)],
    }
    return "calibration: " + yaml.safe_dump(value, sort_keys=False, default_flow_style=True, width=math.inf).strip()
