"""Rollouts in tables, Parquet files and Hugging Face datasets: read as lines of JSON.

    x.parquet      ─┐
    a saved folder ─┼─▶ requests: one ScoreRequest a row ──▶ batch ──▶ journal: every reply, with its evidence
    hf:NAME        ─┘                                                      └─▶ rewarded: the same rows, with `touchstone_*`

A row holds a list `completions`, or one `completion`. Columns that are fields of ScoreRequest are those; without a column
`reference` the others are the reference, as for trainers (compat.normal). Tables are read in batches.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from reward_api.cli.score.lines import BadInput
from reward_verifiers.contract import ScoreRequest
from trainer_client.dialect.labels import reference_of

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
