"""Rows of rollouts from a file, a table or standard input.

JSON lines, a JSON array, CSV; each also as .gz or .zst; - for standard input
x.parquet, a folder of Dataset.save_to_disk, hf:NAME of the hub: read in batches
"""

from __future__ import annotations

import csv
import gzip
import io
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

import jiter

if TYPE_CHECKING:
    import pyarrow as pa

BATCH_ROWS = 64
"""Rows of a table that are in memory at a time."""
STDIN = "-"
PARQUET = ".parquet"
HUB = "hf:"
COMPRESSED = (".gz", ".zst")


class BadInput(ValueError):
    """The input or output cannot be used; the message says why."""


@dataclass(frozen=True, slots=True)
class Row:
    """number: from 1; of the line for JSON lines. fault: why there is no data."""

    number: int
    data: dict[str, Any] | None
    fault: str = ""


@dataclass(frozen=True)
class Table:
    """An opened table. batches: of up to BATCH_ROWS rows each, from the first row on."""

    schema: pa.Schema
    count: int
    batches: Callable[[], Iterator[pa.Table]]

    def limited(self, limit: int) -> Table:
        def batches() -> Iterator[pa.Table]:
            left = limit
            for batch in self.batches():
                if left <= 0:
                    return
                yield batch.slice(0, left)
                left -= len(batch)

        return Table(self.schema, min(self.count, limit), batches)


@dataclass(frozen=True)
class Source:
    """Rows to score. count: None where it cannot be known beforehand. table: None for a source that is no table."""

    rows: Callable[[], Iterator[Row]]
    count: int | None
    table: Table | None = None


def open_source(source: str, split: str = "train", limit: int | None = None) -> Source:
    """Raises BadInput when there is no such file, or it cannot be read."""
    if source.endswith(PARQUET) or source.startswith(HUB) or Path(source).is_dir():
        table = _open_table(source, split)
        table = table if limit is None else table.limited(limit)
        return Source(lambda: _table_rows(table), table.count, table)
    if source == STDIN:
        return Source(lambda: islice(_file_rows(source), limit), None)
    if not Path(source).is_file():
        raise BadInput(f"{source}: no such file or folder; a data set on the hub is {HUB}NAME")
    count = sum(1 for _ in islice(_file_rows(source), limit))
    return Source(lambda: islice(_file_rows(source), limit), count)


# --- files ------------------------------------------------------------------------------------------------------------


def _file_rows(source: str) -> Iterator[Row]:
    name = source.lower()
    for ending in COMPRESSED:
        name = name.removesuffix(ending)
    try:
        with _opened(source) as file:
            yield from _csv_rows(file) if name.endswith(".csv") else _json_rows(source, file)
    except (OSError, EOFError, UnicodeDecodeError, csv.Error) as error:
        raise BadInput(f"{source} cannot be read: {error}") from None


@contextmanager
def _opened(source: str) -> Iterator[IO[bytes]]:
    if source == STDIN:
        yield sys.stdin.buffer
    elif source.lower().endswith(".gz"):
        with gzip.open(source, "rb") as file:
            yield cast(IO[bytes], file)
    elif source.lower().endswith(".zst"):
        with _needs_tables():
            import pyarrow as pa
        with pa.input_stream(source, compression="zstd") as stream:
            yield io.BufferedReader(stream)
    else:
        with open(source, "rb") as plain:
            yield plain


def _json_rows(source: str, file: IO[bytes]) -> Iterator[Row]:
    """JSON lines, or one JSON array. A line's number counts blank lines, too."""
    numbered = enumerate(file, 1)
    first = next(((number, line) for number, line in numbered if line.strip()), None)
    if first is None:
        return
    if first[1].lstrip(b"\xef\xbb\xbf \t").startswith(b"["):
        yield from _array_rows(source, first[1] + b"".join(line for _, line in numbered))
        return
    for number, line in chain([first], numbered):
        if line.strip():
            yield _row(number, line)


def _row(number: int, line: bytes) -> Row:
    try:
        return _checked(number, _loaded(line))
    except ValueError:
        return Row(number, None, "not JSON")


def _loaded(text: bytes) -> Any:
    """Integers keep all their digits, which orjson would make floats of beyond 64 bits. Raises ValueError."""
    return jiter.from_json(text.removeprefix(b"\xef\xbb\xbf"), allow_inf_nan=False, cache_mode="keys")


def _checked(number: int, data: Any) -> Row:
    return Row(number, data) if isinstance(data, dict) else Row(number, None, "not a JSON object")


def _array_rows(source: str, text: bytes) -> Iterator[Row]:
    try:
        items = _loaded(text)
    except ValueError as error:
        raise BadInput(f"{source}: begins like a JSON array, and is none: {error}") from None
    yield from (_checked(number, item) for number, item in enumerate(items, 1))


def _csv_rows(file: IO[bytes]) -> Iterator[Row]:
    """Values as they are written: an answer 007 stays 007. An empty value is none."""
    csv.field_size_limit(sys.maxsize)
    text = io.TextIOWrapper(file, "utf-8-sig", newline="")
    try:
        for number, line in enumerate(csv.DictReader(text), 1):
            if None in line:
                yield Row(number, None, "more values than the header has columns")
            else:
                yield Row(number, {name: value for name, value in line.items() if value not in ("", None)})
    finally:
        text.detach()  # who opened the file closes it


# --- tables -----------------------------------------------------------------------------------------------------------


@contextmanager
def _needs_tables() -> Iterator[None]:
    try:
        yield
    except ImportError as error:
        raise BadInput(f"{error.name} is not installed: pip install 'touchstone-rewards[tables]'") from None


def _open_table(source: str, split: str) -> Table:
    try:
        with _needs_tables():
            return _parquet(Path(source)) if source.endswith(PARQUET) else _dataset(source, split)
    except BadInput:
        raise
    except (OSError, ValueError) as error:  # of pyarrow and datasets: no such file, another format, no such name
        raise BadInput(f"{source} cannot be read: {error}") from None


def _parquet(path: Path) -> Table:
    from pyarrow import Table as Rows
    from pyarrow.parquet import ParquetFile

    def batches() -> Iterator[Rows]:
        with ParquetFile(path) as file:
            yield from (Rows.from_batches([batch]) for batch in file.iter_batches(batch_size=BATCH_ROWS))

    with ParquetFile(path) as file:
        return Table(file.schema_arrow, file.metadata.num_rows, batches)


def _dataset(source: str, split: str) -> Table:
    import datasets

    from_hub = source.startswith(HUB)
    dataset = datasets.load_dataset(source.removeprefix(HUB)) if from_hub else datasets.load_from_disk(source)
    if isinstance(dataset, datasets.DatasetDict):
        if split not in dataset:
            raise BadInput(f"{source}: no split {split!r}; --split one of {', '.join(dataset)}")
        dataset = dataset[split]
    arrow = dataset.with_format("arrow")
    return Table(dataset.features.arrow_schema, len(dataset), lambda: arrow.iter(batch_size=BATCH_ROWS))


def _table_rows(table: Table) -> Iterator[Row]:
    rows = (row for batch in table.batches() for row in batch.to_pylist())
    yield from (Row(number, row) for number, row in enumerate(rows, 1))
