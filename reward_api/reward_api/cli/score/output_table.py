"""A table again, with the rewards of its rows in columns `touchstone_*` behind its own."""

from __future__ import annotations

import os
import shutil
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from reward_api.cli.score.lines import BadInput
from reward_api.cli.score.tables import PARQUET, PREFIX, Table

if TYPE_CHECKING:
    import pyarrow as pa


def write(table: Table, journal: Path, output: Path) -> None:
    """The table with its rewards; it stands at `output` when it is whole. Raises BadInput when the journal is another's."""
    from pyarrow.parquet import ParquetWriter

    partial = output.with_name(output.name + ".partial")
    names = _components(journal)
    schema = _schema(table, names)
    done = 0
    with ParquetWriter(partial, schema) as writer, journal.open("rb") as lines:
        for batch in table.batches():
            replies = [orjson.loads(line) for line in islice(lines, len(batch))]
            numbers = list(range(done + 1, done + 1 + len(batch)))
            if [reply["line"] for reply in replies] != numbers:
                raise BadInput(
                    f"{journal} is not of this table: its line {done + 1} and those that follow are of other rows"
                )
            done += len(batch)
            writer.write_table(_joined(batch, replies, table.is_single, names, schema))
        if next(lines, None) is not None:
            raise BadInput(f"{journal} is not of this table: it has more lines than the table has rows")
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
