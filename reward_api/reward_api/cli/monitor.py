"""`touchstone monitor`: run the monitor over what was scored earlier."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from reward_api.cli.console import failure, output, printable, say

if TYPE_CHECKING:
    pass

app = typer.Typer(no_args_is_help=True, help="Look for reward hacking in files that were scored earlier.")


@app.callback()
def _group() -> None:
    """Commands of the monitor."""


@app.command()
def replay(
    files: Annotated[
        list[Path],
        typer.Argument(
            help="The monitor's log, what `touchstone score` wrote, or rollouts.jsonl.zst of a run; in order of time.",
            exists=True,
            dir_okay=False,
        ),
    ],
    limits: Annotated[
        Path | None,
        typer.Option(
            help="YAML file with other limits, written as under `monitor` in a domain file.",
            exists=True,
            dir_okay=False,
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the result as JSON, in the form of GET /monitor.")
    ] = False,
) -> None:
    """Run the monitor over files. Print what it would have reported, and at which step. This grades nothing again."""
    from reward_api.cli.score.rows import BadInput
    from reward_api.monitor.replay import NoRecord, records
    from reward_api.monitor.spec import MonitorSpec
    from reward_api.monitor.watcher import Watcher
    from reward_verifiers.yaml_file import BadFile, read_yaml

    try:
        spec = read_yaml(limits, MonitorSpec) if limits else MonitorSpec()
        watcher, skipped = Watcher(lambda _: spec.limits), Counter[str]()
        for path in files:
            for record in records(_lines(path, skipped), spec):
                watcher.observe(record)
    except (BadInput, NoRecord, BadFile, OSError) as error:
        raise failure(str(error), 2) from None
    for why, count in skipped.items():
        say(f"{count} lines left out: {why}")
    document = watcher.document()
    if as_json:
        output.print_json(data=document)
        return
    _print(document)


def _lines(path: Path, skipped: Counter[str]) -> Iterator[dict[str, Any]]:
    from reward_api.cli.score.rows import open_source

    for row in open_source(str(path)).rows():
        if row.data is None:
            skipped[row.fault or "no object"] += 1
        else:
            yield row.data


def _print(document: dict[str, Any]) -> None:
    from rich.table import Table

    table = Table("domain", "run", "completions", "state", "changes")
    for domain, runs in document.items():
        for name, run in runs.items():
            changes = "\n".join(
                f"step {one['step']}: {one['to']} ({', '.join(one['alarms'])})" for one in run["changes"]
            )
            table.add_row(domain, printable(name), str(run["completions"]), run["state"], changes)
    output.print(table)
    for runs in document.values():
        for run in runs.values():
            for alarm in run["alarms"]:
                _print_alarm(alarm)


def _print_alarm(alarm: dict[str, Any]) -> None:
    output.print(f"\n{alarm['state']}  {alarm['name']}, from step {alarm['onset_step']}: {printable(alarm['text'])}")
    for one in alarm["examples"]:
        where = f"step {one['step']}, group {one['group']}, completion {one['index']}"
        output.print(f"    {printable(where)}: {printable(repr(one['quote']))} {printable(one['why'])}".rstrip())
