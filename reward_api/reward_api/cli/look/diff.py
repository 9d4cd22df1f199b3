"""`touchstone diff`: two scored files of the same rollouts, by two versions, domains or options."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Group, RenderableType

from reward_api.cli.console import failure, output, printable
from reward_api.cli.look.page import write_page
from reward_api.cli.look.show import CompletionColumn, Component, Html, Scored, marked

if TYPE_CHECKING:
    from reward_api.cli.look.samples import Sample


def diff(
    before: Scored,
    after: Scored,
    component: Component = None,
    completion_column: CompletionColumn = None,
    limit: Annotated[int, typer.Option(min=0, help="How many flips to print with their texts.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="Print all flips as JSON.")] = False,
    html: Html = None,
) -> None:
    """Compare two scored files of the same rollouts: every flip of a verdict, with both reasons.

    Exit status: 0 if no verdict and no reward differs, 1 if one does, 2 if the files are not of the same rollouts.
    """
    from reward_api.cli.look.samples import component_of, samples_of
    from reward_api.cli.score.requests import Columns
    from reward_api.cli.score.rows import BadInput

    try:
        old, new = (list(samples_of(path, Columns(completion_column))) for path in (before, after))
        pairs = _pairs(before, old, after, new)
        names = component_of(old, component), component_of(new, component)
    except BadInput as error:
        raise failure(str(error), 2) from None
    flips = [(kind, one, two) for one, two in pairs if (kind := flip_of(one, two, *names)) is not None]
    page = Group(_counts(flips, len(pairs)), *(_panel(*flip, *names) for flip in flips[:limit]))
    if as_json:
        output.print_json(data=[_document(kind, one, two, *names) for kind, one, two in flips])
    else:
        output.print(page)
    if html is not None:
        write_page(html, f"{before.name} → {after.name}", page)
    if flips:
        raise typer.Exit(1)


def _pairs(before: Path, old: list[Sample], after: Path, new: list[Sample]) -> list[tuple[Sample, Sample]]:
    """The same completions. Raises BadInput."""
    from reward_api.cli.score.rows import BadInput

    by_place = {(sample.line, sample.index): sample for sample in new}
    for sample in old:
        other = by_place.get((sample.line, sample.index))
        if other is None or other.text != sample.text:
            raise BadInput(f"{before} and {after} are not of the same rollouts: line {sample.line} differs")
    if len(new) != len(old):
        raise BadInput(f"{before} and {after} are not of the same rollouts: {len(old)} and {len(new)} completions")
    return [(sample, by_place[sample.line, sample.index]) for sample in old]


def flip_of(old: Sample, new: Sample, old_name: str, new_name: str) -> str | None:
    """`right → wrong` and the like; `reward` where only the reward differs; None for no difference."""
    from reward_api.store.flips import flip

    return flip(old.score(old_name), new.score(new_name), old.reward, new.reward)


def _document(kind: str, old: Sample, new: Sample, old_name: str, new_name: str) -> dict[str, Any]:
    sides = {"before": (old, old_name), "after": (new, new_name)}
    document: dict[str, Any] = {"flip": kind, "line": old.line, "index": old.index, "text": old.text}
    for side, (one, name) in sides.items():
        document[side] = {"reward": one.reward, "score": one.score(name), "reason": _reason(one, name)}
    return document


def _reason(sample: Sample, component: str) -> str:
    return str(sample.result["components"].get(component, {}).get("reason", ""))


def _counts(flips: list[tuple[str, Sample, Sample]], count: int) -> RenderableType:
    from collections import Counter

    from rich.table import Table

    table = Table("flip", "completions", title=f"{len(flips)} of {count} completions differ")
    for kind, number in Counter(kind for kind, _, _ in flips).most_common():
        table.add_row(kind, str(number))
    return table


def _panel(kind: str, old: Sample, new: Sample, old_name: str, new_name: str) -> RenderableType:
    from rich.panel import Panel
    from rich.table import Table
    from rich.text import Text

    why = Table.grid(padding=(0, 2))
    for side, one, name in (("before", old, old_name), ("after", new, new_name)):
        reward = "null" if one.reward is None else f"{one.reward:g}"
        why.add_row(side, reward, Text(printable(f"{name}: {_reason(one, name)}")))
    title = f"line {old.line}, completion {old.index + 1}: {kind}"
    return Panel(Group(marked(new), "", why), title=title, title_align="left")
