"""A table again, with the rewards of its rows in columns `touchstone_*` behind its own."""

from __future__ import annotations

import os
import shutil
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from reward_api.cli.score.requests import COMPLETIONS, PREFIX
from reward_api.cli.score.rows import PARQUET, BadInput, Table
from reward_api.cli.score.summary import problem_text

if TYPE_CHECKING:
    import pyarrow as pa


def write(table: Table, journal: Path, output: Path, column: str | None = None) -> None:
    """Write the table with its rewards to `output`. column: of the completions.

    Raises BadInput when the journal is of another table.
    """
    from pyarrow.parquet import ParquetWriter

    partial = output.with_name(output.name + ".partial")
    names, is_single = _components(journal), _is_single(table, column)
    schema = _schema(table, names, is_single=is_single)
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
            writer.write_table(_joined(batch, replies, names, schema, is_single=is_single))
        if next(lines, None) is not None:
            raise BadInput(f"{journal} is not of this table: it has more lines than the table has rows")
    if output.suffix == PARQUET:
        os.replace(partial, output)
        return
    _as_dataset(partial, output)
    partial.unlink()


def _is_single(table: Table, column: str | None) -> bool:
    """Whether a row holds one completion: a string, or a list of messages."""
    import pyarrow.types as kinds

    name = column or next(name for name in COMPLETIONS if name in table.schema.names)
    if name not in table.schema.names:
        return True  # a field inside a column
    kind = table.schema.field(name).type
    is_list = kinds.is_list(kind) or kinds.is_large_list(kind)
    return not is_list or (kinds.is_struct(kind.value_type) and "role" in {field.name for field in kind.value_type})


def _components(journal: Path) -> list[str]:
    with journal.open("rb") as lines:
        replies = (orjson.loads(line) for line in lines)
        return list(
            dict.fromkeys(name for reply in replies for one in reply.get("results", ()) for name in one["components"])
        )


def _schema(table: Table, names: list[str], *, is_single: bool) -> pa.Schema:
    import pyarrow as pa

    kept = [field for field in table.schema if not field.name.startswith(PREFIX)]
    number, text = pa.float64(), pa.string()
    if not is_single:
        number, text = pa.list_(number), pa.list_(text)
    added = {"reward" if is_single else "rewards": number, "failure" if is_single else "failures": text}
    if names:
        added["components"] = pa.struct([pa.field(name, number) for name in names])
    added |= {"version": pa.string(), "error": pa.string()}
    return pa.schema([*kept, *(pa.field(PREFIX + name, kind) for name, kind in added.items())])


def _joined(batch: pa.Table, replies: list[Any], names: list[str], schema: pa.Schema, *, is_single: bool) -> pa.Table:
    import pyarrow as pa

    rows = [_added(reply, names, is_single=is_single) for reply in replies]
    columns = []
    for field in schema:
        if field.name.startswith(PREFIX):
            columns.append(pa.array([row[field.name.removeprefix(PREFIX)] for row in rows], field.type))
        else:
            columns.append(batch.column(field.name).cast(field.type))
    return pa.table(columns, schema=schema)


def _added(reply: dict[str, Any], names: list[str], *, is_single: bool) -> dict[str, Any]:
    """The added columns of one row; lists have one entry for each completion."""
    results = reply.get("results", [])
    rewards = [result["reward"] for result in results]
    failures = [(result["failure"] or {}).get("kind") for result in results]
    components = {name: [(result["components"].get(name) or {}).get("score") for result in results] for name in names}
    added = {"version": reply.get("version"), "error": None}
    if "error" in reply:
        added["error"] = problem_text(reply["error"])
    if not is_single:
        missing = "error" in reply
        return added | {
            "rewards": None if missing else rewards,
            "failures": None if missing else failures,
            "components": None if missing else components,
        }
    first = {name: scores[0] if scores else None for name, scores in components.items()}
    return added | {
        "reward": rewards[0] if rewards else None,
        "failure": failures[0] if failures else None,
        "components": first if results else None,
    }


def _as_dataset(parquet: Path, output: Path) -> None:
    import datasets

    saved, cache = (output.with_name(output.name + end) for end in (".saving", ".cache"))
    shutil.rmtree(saved, ignore_errors=True)
    datasets.Dataset.from_parquet(str(parquet), cache_dir=str(cache)).save_to_disk(str(saved))
    shutil.rmtree(output, ignore_errors=True)
    os.replace(saved, output)
    shutil.rmtree(cache, ignore_errors=True)
