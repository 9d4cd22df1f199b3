"""The model card that training writes: what it was made of, and what it is worth."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from preference_model.train.config import TrainConfig
from preference_model.train.report import Report, calibration_yaml
from preference_model.train.training import Progress


@dataclass(frozen=True, slots=True)
class TrainingRecord:
    """What a training is made of. `judged`: the options by which a judge said what is preferred. `about`: Markdown."""

    config: TrainConfig
    data: Sequence[str]
    systems: frozenset[str] = frozenset()
    labelled_by: Sequence[str] = ()
    about: str = ""

    def command(self) -> str:
        """The command that makes it again, an option a line; every option is written out, since defaults may change."""
        options = [f"--data {shlex.quote(name)}" for name in self.data]
        options += [f"--hold-out-system {shlex.quote(name)}" for name in sorted(self.systems)]
        options += [*self.labelled_by, *(_option(name, value) for name, value in self.config.model_dump().items())]
        return " \\\n    ".join(["touchstone preference train -o FOLDER", *options])


def _option(name: str, value: object) -> str:
    if name == "frozen":
        return "--frozen" if value else "--unfrozen"
    flag = name.replace("_", "-")
    if isinstance(value, bool):
        return f"--{flag}" if value else f"--no-{flag}"
    return f"--{flag} {shlex.quote(str(value))}"


def card(record: TrainingRecord, best: Progress, counts: tuple[int, int], reports: Sequence[tuple[str, Report]]) -> str:
    """Markdown. `counts`: records that were trained on, and that stopped the training."""
    lines = [
        record.about.strip() or "# A reward model",
        "",
        f"{_kind(record.config)}, trained by `touchstone preference train` on {', '.join(record.data)}:",
        f"{counts[0]} records and {counts[1]} for validation; best epoch {best.epoch + 1}, validation loss "
        f"{best.validation_loss:.4f}.",
        *([f"Held out of training altogether: {', '.join(sorted(record.systems))}."] if record.systems else []),
        "",
        *(part for title, report in reports for part in _section(title, report)),
        *_calibration(record, reports),
        "## TrainingRecord with",
        "",
        "```bash",
        record.command(),
        "```",
        "",
    ]
    return "\n".join(lines)


def _calibration(record: TrainingRecord, reports: Sequence[tuple[str, Report]]) -> list[str]:
    """Where the scores on the held-out prompts lie: a line for a registry."""
    held_out = [report for _, report in reports[:1] if report.scores]
    if not held_out:
        return []
    line = calibration_yaml(f"held-out prompts of {', '.join(record.data)}", held_out)
    return ["## Its scores there, for a registry", "", "```yaml", line, "```", ""]


def _kind(config: TrainConfig) -> str:
    if not config.frozen:
        return f"{config.backbone}, all weights"
    return f"A linear head ({config.features} features) on {config.backbone}, frozen"


def _section(title: str, report: Report) -> list[str]:
    failed = f"; {report.failed} have no score" if report.failed else ""
    rows = [f"| {row.name} | {row.text()} | {row.note} |" for row in report.rows]
    return [
        f"## On {title}: {report.count} {report.kind}{failed}",
        "",
        "| | value (95 % interval) | |",
        "|---|---|---|",
        *rows,
        "",
        _verdict(report),
        "",
    ]


def _verdict(report: Report) -> str:
    """In a sentence, whether it beats what costs nothing."""
    names = {row.name for row in report.rows}
    if "AUROC" in names:
        best = max(
            report.value("baseline: longer is better, AUROC"), report.value("baseline: shorter is better, AUROC")
        )
        return f"AUROC {report.value('AUROC'):.3f}; the better of the two length baselines has {best:.3f}."
    if "length-balanced accuracy" not in names:
        return ""
    on_all = _beats(report, "accuracy", "baseline: longer wins")
    on_balanced = _beats(report, "length-balanced accuracy", "length-balanced: longer wins")
    return f"It {on_all} both length baselines on all pairs, and {on_balanced} them on length-balanced ones."


def _beats(report: Report, mine: str, longer: str) -> str:
    """Whether even the lower end of the interval is above the longer and the shorter answer's share."""
    low = next(row.low for row in report.rows if row.name == mine) or 0.0
    share = report.value(longer)
    return "beats" if low > max(share, 1 - share) else "does **not** clearly beat"
