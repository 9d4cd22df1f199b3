"""`touchstone convert`: rows of a public data set as rows to train with."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from importlib.metadata import entry_points
from pathlib import Path
from typing import Annotated, Any

import typer

from reward_api.cli.console import failure, say

BACKENDS = "touchstone.backends"
READS = "code"
SHOWN = 5
"""Rows that are not understood, each with its reason."""


def convert(
    source: Annotated[
        str,
        typer.Argument(help="JSON lines, CSV, Parquet, a saved data set, hf:NAME on the hub, or - for standard input."),
    ],
    output: Annotated[
        Path, typer.Argument(help="The file of JSON lines to write, with prompt, reference and solution.")
    ],
    dataset: Annotated[
        str, typer.Option(help="The data set's name, as in docs/sandbox.md. Default: recognised by each row's fields.")
    ] = "",
    split: Annotated[str, typer.Option(help="Which split of a data set to convert.")] = "train",
    limit: Annotated[int | None, typer.Option(min=1, help="Convert only so many rows.")] = None,
) -> None:
    """Convert public data sets of programming problems to rows that the verifier `code` can score."""
    from reward_api.cli.score.rows import BadInput, open_source

    reasons: Counter[str] = Counter()
    count = 0
    try:
        with output.open("xb") as file:
            for row in _converted(open_source(source, split, limit).rows(), dataset, reasons):
                # Not orjson, which has no integers of more than 64 bits.
                file.write(json.dumps(row, ensure_ascii=False).encode("utf-8", "surrogatepass") + b"\n")
                count += 1
    except FileExistsError:
        raise failure(f"{output} exists already: remove it, or name another file", 2) from None
    except (OSError, BadInput) as error:
        raise failure(str(error), 2) from None
    for reason, times in reasons.most_common(SHOWN):
        say(f"{times} × {reason}")
    say(f"{count} rows converted, {reasons.total()} not understood")
    if reasons:
        raise typer.Exit(1)


def _converted(rows: Iterator[Any], dataset: str, reasons: Counter[str]) -> Iterator[dict[str, Any]]:
    """Those that are understood; of the others only the reasons."""
    read: Callable[[dict[str, Any], str], dict[str, Any]] = entry_points(group=BACKENDS)[READS].load().converted
    for row in rows:
        if row.data is None:
            reasons[row.fault] += 1
            continue
        try:
            yield read(row.data, dataset)
        except ValueError as error:
            reasons[str(error)] += 1
