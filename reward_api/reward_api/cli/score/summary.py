"""What a file of scored lines says as a whole: pass rate, means, failures and refused lines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from rich.table import Table

from reward_api.cli.console import printable


@dataclass(slots=True)
class Tally:
    """The scores of one component, or the rewards."""

    scores: list[float] = field(default_factory=list)
    failures: Counter[str] = field(default_factory=Counter)

    def add(self, score: float | None, failure: dict[str, Any] | None) -> None:
        if score is None:
            self.failures[(failure or {}).get("kind", "unknown")] += 1
        else:
            self.scores.append(score)

    @property
    def count(self) -> int:
        return len(self.scores) + self.failures.total()

    def figures(self) -> dict[str, Any]:
        scored = len(self.scores)
        return {
            "scored": scored,
            "of": self.count,
            "mean": sum(self.scores) / scored if scored else None,
            "pass_rate": sum(score >= 1 for score in self.scores) / scored if scored else None,
            "failures": dict(self.failures.most_common()),
        }


@dataclass
class Summary:
    """refused: lines that were not scored, by their reason."""

    lines: int = 0
    reward: Tally = field(default_factory=Tally)
    components: dict[str, Tally] = field(default_factory=dict)
    refused: Counter[str] = field(default_factory=Counter)

    @property
    def exit_code(self) -> int:
        """0 when every line has all its verdicts, 1 when nothing has one, else 3."""
        if not self.refused and not self.reward.failures:
            return 0
        return 3 if self.reward.scores else 1

    def add(self, line: dict[str, Any]) -> None:
        self.lines += 1
        if "error" in line:
            self.refused[problem_text(line["error"])] += 1
        for result in line.get("results", ()):
            self.reward.add(result["reward"], result["failure"])
            for name, component in result["components"].items():
                self.components.setdefault(name, Tally()).add(component["score"], component["failure"])

    def document(self) -> dict[str, Any]:
        """For --json."""
        return {
            "lines": self.lines,
            "refused": {"lines": self.refused.total(), "reasons": dict(self.refused.most_common())},
            "components": {name: tally.figures() for name, tally in self.components.items()},
            "reward": self.reward.figures(),
        }

    def table(self, title: str) -> Table:
        # Rates are of the lines that were scored.
        scored = f": {self.lines - self.refused.total()} of {self.lines} lines" if self.refused else ""
        table = Table(title=title + scored)
        for heading in ("", "scored", "mean", "pass rate", "no verdict"):
            table.add_column(heading)
        for name, tally in self.components.items():
            table.add_row(name, *_cells(tally, has_rate=True))
        table.add_row("reward", *_cells(self.reward, has_rate=False), end_section=True)
        if self.refused:
            reason, count = self.refused.most_common(1)[0]
            others = f", and {len(self.refused) - 1} other reasons" if len(self.refused) > 1 else ""
            table.add_row(
                "refused lines",
                f"{self.refused.total()} of {self.lines}",
                "",
                "",
                f"{count} × {printable(reason)}{others}",
            )
        return table


def _cells(tally: Tally, *, has_rate: bool) -> tuple[str, str, str, str]:
    figures = tally.figures()
    scored, mean, rate = figures["scored"], figures["mean"], figures["pass_rate"]
    return (
        str(scored) if scored == tally.count else f"{scored} of {tally.count}",
        "-" if mean is None else f"{mean:.4f}",
        "" if not has_rate else "-" if rate is None else f"{rate:.2%}",
        ", ".join(f"{count} {kind}" for kind, count in tally.failures.most_common()) or "none",
    )


def summary_of(lines: Iterable[dict[str, Any]]) -> Summary:
    summary = Summary()
    for line in lines:
        summary.add(line)
    return summary


def problem_text(error: dict[str, Any]) -> str:
    """Problem details as one line."""
    faults = "; ".join(f"{one['path']}: {one['reason']}" for one in error.get("errors") or [])
    return ": ".join(part for part in (error.get("title"), faults or error.get("detail")) if part)
