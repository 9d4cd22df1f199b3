"""`touchstone show`: what a scored file says, and its worst completions."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Group, RenderableType

from reward_api.cli.console import failure, output, printable
from reward_api.cli.look.page import write_page

if TYPE_CHECKING:
    from reward_api.cli.look.samples import Sample

MOST_REASONS = 10

Scored = Annotated[Path, typer.Argument(help="A file that `touchstone score` wrote.", exists=True, dir_okay=False)]
CompletionColumn = Annotated[str | None, typer.Option(help="Column of the completions, as for `touchstone score`.")]
Component = Annotated[
    str | None, typer.Option(help="The component whose score of 1 means right. Default: answer, else the first.")
]
Html = Annotated[Path | None, typer.Option(help="Also write the output as one HTML file.", dir_okay=False)]


def show(
    scored: Scored,
    worst: Annotated[int, typer.Option(min=0, help="How many of the lowest rewards to print with their texts.")] = 5,
    where: Annotated[
        list[str] | None,
        typer.Option(help="Show only these completions: answer=0, reward<1, failure=timeout, source=x. Repeatable."),
    ] = None,
    by: Annotated[str | None, typer.Option(help="Also print a table by the values of this input column.")] = None,
    component: Component = None,
    completion_column: CompletionColumn = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print figures and completions as JSON.")] = False,
    html: Html = None,
) -> None:
    """Show pass rates, reasons and the worst completions of a scored file. Each text has its extracted answer marked."""
    from reward_api.cli.look.samples import component_of, filter_of, samples_of
    from reward_api.cli.score.journal import lines_of
    from reward_api.cli.score.requests import Columns
    from reward_api.cli.score.rows import BadInput
    from reward_api.cli.score.summary import summary_of

    try:
        filters = [filter_of(text) for text in where or []]
        samples = list(samples_of(scored, Columns(completion_column)))
        right = component_of(samples, component)
        samples = [sample for sample in samples if all(holds(sample) for holds in filters)]
        summary = summary_of(lines_of(scored))
    except BadInput as error:
        raise failure(str(error), 2) from None
    lowest = sorted(samples, key=lambda sample: math.inf if sample.reward is None else sample.reward)[:worst]
    if as_json:
        output.print_json(data=_document(summary.document(), samples, lowest, right, by))
    parts = [summary.table(scored.name), *_tables(samples, right, by), *(_panel(sample) for sample in lowest)]
    if not as_json:
        output.print(Group(*parts))
    if html is not None:
        write_page(html, scored.name, Group(*parts))


def _document(
    summary: dict[str, Any], samples: list[Sample], lowest: list[Sample], right: str, by: str | None
) -> dict[str, Any]:
    from reward_api.cli.look.samples import estimates, reasons

    most = reasons(samples).most_common(MOST_REASONS)
    document = summary | {
        "completions": len(samples),
        "estimates": {name: value for name, (value, _) in estimates(samples, right).items()},
        "reasons": [{"component": name, "reason": text, "count": count} for (name, text), count in most],
        "worst": [{"line": one.line, "index": one.index, "text": one.text, **one.result} for one in lowest],
    }
    if by is not None:
        document["by"] = {value: _rates(part, right) for value, part in _parts(samples, by).items()}
    return document


def _parts(samples: list[Sample], by: str) -> dict[str, list[Sample]]:
    parts: dict[str, list[Sample]] = {}
    for sample in samples:
        parts.setdefault(str(sample.value(by)), []).append(sample)
    return parts


def _rates(samples: list[Sample], right: str) -> dict[str, Any]:
    scores = [score for sample in samples if (score := sample.score(right)) is not None]
    rewards = [reward for sample in samples if (reward := sample.reward) is not None]
    return {
        "completions": len(samples),
        "pass_rate": sum(score >= 1 for score in scores) / len(scores) if scores else None,
        "mean_reward": sum(rewards) / len(rewards) if rewards else None,
    }


def _tables(samples: list[Sample], right: str, by: str | None) -> list[RenderableType]:
    from rich.table import Table
    from rich.text import Text

    from reward_api.cli.look.samples import estimates, reasons

    figures = Table("estimate", "", "95 %", title=f"{len(samples)} completions, right by {right}")
    for name, (value, half) in estimates(samples, right).items():
        figures.add_row(name, f"{value:.2%}", "-" if math.isnan(half) else f"± {half:.2%}")
    most = Table("component", "reason", "completions", title="reasons")
    for (name, text), count in reasons(samples).most_common(MOST_REASONS):
        most.add_row(name, Text(printable(text)), str(count))
    tables: list[RenderableType] = [figures, most]
    if by is not None:
        table = Table(by, "completions", "pass rate", "mean reward")
        for place, part in sorted(_parts(samples, by).items()):
            rates = _rates(part, right)
            cells = [("-" if one is None else form.format(one)) for one, form in _formats(rates)]
            table.add_row(Text(printable(place)), str(rates["completions"]), *cells)
        tables.append(table)
    return tables


def _formats(rates: dict[str, Any]) -> list[tuple[float | None, str]]:
    return [(rates["pass_rate"], "{:.2%}"), (rates["mean_reward"], "{:.4f}")]


def _panel(sample: Sample) -> RenderableType:
    """One completion with its reasons."""
    from rich.panel import Panel
    from rich.table import Table
    from rich.text import Text

    why = Table.grid(padding=(0, 2))
    for name, part in sample.result["components"].items():
        why.add_row(name, "null" if part["score"] is None else f"{part['score']:g}", Text(printable(part["reason"])))
    reward = "null" if sample.reward is None else f"{sample.reward:g}"
    title = f"line {sample.line}, completion {sample.index + 1}: reward {reward}"
    if sample.failure:
        title += f" ({sample.failure})"
    return Panel(Group(marked(sample), "", why), title=title, title_align="left")


def marked(sample: Sample) -> Any:
    """The completion, with what was extracted from it marked where it stands last."""
    from rich.text import Text

    extracted = sample.evidence("extracted")
    before, mark, after = sample.text.rpartition(extracted) if extracted else ("", "", sample.text)
    return Text.assemble(printable(before), (printable(mark), "reverse bold"), printable(after))
