"""Rollouts in tables, Parquet files and Hugging Face datasets: read as lines of JSON, written again with their rewards.

    x.parquet      ─┐
    a saved folder ─┼─▶ requests: one ScoreRequest a row ──▶ batch ──▶ journal: every reply, with its evidence
    hf:NAME        ─┘                                                      └─▶ write: the same rows, with `touchstone_*`

A row holds a list `completions`, or one `completion`. Columns that are fields of ScoreRequest are those; without a column
`reference` the others are the reference, as for trainers (compat.normal). Tables are read and written in batches.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from reward_api.batch import BadInput, groups_of
from reward_api.compat.normal import reference_of
from reward_verifiers.contract import ScoreRequest

if TYPE_CHECKING:
    import pyarrow as pa

ROWS = 64
"""Rows that are in memory at a time."""
PREFIX = "touchstone_"
PARQUET = ".parquet"
HUB = "hf:"


def is_table(source: str) -> bool:
    """A Parquet file, a folder, or hf:NAME of a data set on the hub."""
    return source.endswith(PARQUET) or source.startswith(HUB) or Path(source).is_dir()


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
    journal = journal_of(output)
    return Job(table.count, table.requests(), journal, lambda: write(table, journal, output))


@dataclass(frozen=True)
class Table:
    """An opened table."""

    schema: pa.Schema
    count: int
    batches: Callable[[], Iterator[pa.Table]]
    """Of up to ROWS rows each, from the first row on."""

    @property
    def is_single(self) -> bool:
        return "completions" not in self.schema.names

    def requests(self) -> Iterator[tuple[int, bytes]]:
        """(row from 1, JSON of its ScoreRequest)."""
        rows = (row for batch in self.batches() for row in batch.to_pylist())
        yield from ((number, _request(row)) for number, row in enumerate(rows, 1))


def open_table(source: str, split: str) -> Table:
    """Raises BadInput when it cannot be read, or holds no completions."""
    try:
        table = _parquet(Path(source)) if source.endswith(PARQUET) else _dataset(source, split)
    except ImportError as error:
        raise BadInput(f"{error.name} is not installed: pip install 'touchstone-rewards[tables]'") from None
    except (OSError, ValueError) as error:  # of pyarrow and datasets: no such file, another format, no such name
        raise BadInput(f"{source} cannot be read: {error}") from None
    if not {"completions", "completion"} & set(table.schema.names):
        raise BadInput(f"{source}: no column `completions` (a list a row) or `completion`; {table.schema.names}")
    return table


def _parquet(path: Path) -> Table:
    from pyarrow import Table as Rows
    from pyarrow.parquet import ParquetFile

    def batches() -> Iterator[Rows]:
        with ParquetFile(path) as file:
            yield from (Rows.from_batches([batch]) for batch in file.iter_batches(batch_size=ROWS))

    with ParquetFile(path) as file:
        return Table(file.schema_arrow, file.metadata.num_rows, batches)


def _dataset(source: str, split: str) -> Table:
    import datasets

    from_hub = source.startswith(HUB)
    found = datasets.load_dataset(source.removeprefix(HUB)) if from_hub else datasets.load_from_disk(source)
    if isinstance(found, datasets.DatasetDict):
        if split not in found:
            raise BadInput(f"{source}: no split {split!r}; --split one of {', '.join(found)}")
        found = found[split]
    arrow = found.with_format("arrow")
    return Table(found.features.arrow_schema, len(found), lambda: arrow.iter(batch_size=ROWS))


def _request(row: dict[str, Any]) -> bytes:
    """The row's ScoreRequest. What JSON cannot carry (an image's bytes) is null."""
    given = {name: value for name, value in row.items() if value is not None and not name.startswith(PREFIX)}
    request = {name: given.pop(name) for name in ScoreRequest.model_fields if name in given}
    if "completion" in given and "completions" not in request:
        request["completions"] = [given.pop("completion")]
    reference = reference_of(request.get("reference", given))
    request["reference"] = {name: value for name, value in reference.items() if value is not None}
    if "id" in request:
        request["id"] = str(request["id"])
    return orjson.dumps(request, default=lambda _: None, option=orjson.OPT_NON_STR_KEYS)


# --- what is written --------------------------------------------------------------------------------------------------


def journal_of(output: Path) -> Path:
    """Where the replies go while they come. Raises BadInput when a table is there already without its journal."""
    journal = output.with_name(output.name + ".jsonl")
    if output.exists() and not journal.exists():
        raise BadInput(f"{output} exists, and was not written by this command ({journal.name} is not beside it)")
    return journal


def write(table: Table, journal: Path, output: Path) -> None:
    """The table with its rewards; it stands at `output` when it is whole. Raises BadInput when the journal is another's."""
    from pyarrow.parquet import ParquetWriter

    partial = output.with_name(output.name + ".partial")
    names = _components(journal)
    schema = _schema(table, names)
    with ParquetWriter(partial, schema) as writer, journal.open("rb") as lines:
        for batch in table.batches():
            replies = [orjson.loads(line) for line in islice(lines, len(batch))]
            if len(replies) != len(batch):
                raise BadInput(f"{journal} has fewer lines than the table has rows")
            writer.write_table(_joined(batch, replies, table.is_single, names, schema))
    if output.suffix == PARQUET:
        os.replace(partial, output)
        return
    _as_dataset(partial, output)
    partial.unlink()


def _components(journal: Path) -> list[str]:
    with journal.open("rb") as lines:
        replies = (orjson.loads(line) for line in lines)
        return list(
            dict.fromkeys(name for reply in replies for one in reply.get("results", ()) for name in one["components"])
        )


def _schema(table: Table, names: list[str]) -> pa.Schema:
    import pyarrow as pa

    kept = [field for field in table.schema if not field.name.startswith(PREFIX)]
    number, text = pa.float64(), pa.string()
    if not table.is_single:
        number, text = pa.list_(number), pa.list_(text)
    added = {"reward" if table.is_single else "rewards": number, "failure" if table.is_single else "failures": text}
    if names:
        added["components"] = pa.struct([pa.field(name, number) for name in names])
    added |= {"version": pa.string(), "error": pa.string()}
    return pa.schema([*kept, *(pa.field(PREFIX + name, kind) for name, kind in added.items())])


def _joined(batch: pa.Table, replies: list[Any], is_single: bool, names: list[str], schema: pa.Schema) -> pa.Table:
    import pyarrow as pa

    told = [_told(reply, is_single, names) for reply in replies]
    columns = []
    for field in schema:
        if field.name.startswith(PREFIX):
            columns.append(pa.array([row[field.name.removeprefix(PREFIX)] for row in told], field.type))
        else:
            columns.append(batch.column(field.name).cast(field.type))
    return pa.table(columns, schema=schema)


def _told(reply: dict[str, Any], is_single: bool, names: list[str]) -> dict[str, Any]:
    """The columns of one row; lists have one entry a completion."""
    results = reply.get("results", [])
    rewards = [result["reward"] for result in results]
    failures = [(result["failure"] or {}).get("kind") for result in results]
    components = {name: [(result["components"].get(name) or {}).get("score") for result in results] for name in names}
    told = {"version": reply.get("version"), "error": None}
    if "error" in reply:
        told["error"] = _problem(reply["error"])
    if not is_single:
        missing = "error" in reply
        return told | {
            "rewards": None if missing else rewards,
            "failures": None if missing else failures,
            "components": None if missing else components,
        }
    first = {name: scores[0] if scores else None for name, scores in components.items()}
    return told | {
        "reward": rewards[0] if rewards else None,
        "failure": failures[0] if failures else None,
        "components": first if results else None,
    }


def _problem(error: dict[str, Any]) -> str:
    faults = "; ".join(f"{one['path']}: {one['reason']}" for one in error.get("errors") or [])
    return ": ".join(part for part in (error.get("title"), faults or error.get("detail")) if part)


def _as_dataset(parquet: Path, output: Path) -> None:
    import datasets

    made, cache = (output.with_name(output.name + end) for end in (".saving", ".cache"))
    shutil.rmtree(made, ignore_errors=True)
    datasets.Dataset.from_parquet(str(parquet), cache_dir=str(cache)).save_to_disk(str(made))
    shutil.rmtree(output, ignore_errors=True)
    os.replace(made, output)
    shutil.rmtree(cache, ignore_errors=True)
