"""A report on a reward model: lines of a table, and where its scores lie."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from preference_model import metrics


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
    found = metrics.accuracy(margins, weights)
    return Row(name, found, *metrics.interval(found, metrics.effective(weights) if weights else len(margins)), note)


def share_of(name: str, outcomes: Sequence[bool], note: str = "") -> Row:
    """The share of outcomes that are true, with its interval."""
    return share(name, [1.0 if outcome else -1.0 for outcome in outcomes], note=note)
