"""What `touchstone score` has to do, whatever its input and output are: lines to score, and what to make of the replies."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from reward_api.cli.score.lines import BadInput, groups_of
from reward_api.cli.score.output_table import write
from reward_api.cli.score.tables import HUB, PARQUET, is_table, open_table


@dataclass(frozen=True)
class Job:
    """What `touchstone score` is to do."""

    count: int
    lines: Iterator[tuple[int, bytes]]
    replies: Path
    """JSON lines, one a scored line; a run goes on behind the last of them."""
    finish: Callable[[], None]
    """Once all lines are scored."""


def job_of(source: str, output: Path, split: str) -> Job:
    """Raises BadInput when there is no such file, or the output's kind does not fit."""
    if not is_table(source):
        path = Path(source)
        if not path.is_file():
            raise BadInput(f"{source}: no such file or folder; a data set on the hub is {HUB}NAME")
        if output.suffix == PARQUET:
            raise BadInput(f"{output}: JSON lines are scored into JSON lines; give a table to get one")
        return Job(sum(1 for _ in groups_of(path)), groups_of(path), output, lambda: None)
    table = open_table(source, split)
    if output.suffix == ".jsonl":
        return Job(table.count, table.requests(), output, lambda: None)
    journal = _journal_of(output)
    return Job(table.count, table.requests(), journal, lambda: write(table, journal, output))


def _journal_of(output: Path) -> Path:
    """Where the replies go while they come. Raises BadInput when a table is there already without its journal."""
    journal = output.with_name(output.name + ".jsonl")
    if output.exists() and not journal.exists():
        raise BadInput(f"{output} exists, and was not written by this command ({journal.name} is not beside it)")
    return journal
