"""What `touchstone score` has to do: rows to score, the journal to go on behind, and the table to write at the end."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import IO, Self

import orjson

from reward_api.cli.score import journal as journals
from reward_api.cli.score.journal import Journal, lines_of, open_journal
from reward_api.cli.score.output_table import write
from reward_api.cli.score.requests import Columns, demand_completions
from reward_api.cli.score.rows import PARQUET, BadInput, Source, open_source
from reward_api.cli.score.summary import Summary, summary_of

STDOUT = "-"


class Job:
    """A context manager: the journal is opened with the first line, so that a run that cannot begin writes nothing.

    output: the table; None for lines.
    """

    def __init__(self, source: Source, journal: Journal, output: Path | None, columns: Columns) -> None:
        self.source = source
        self.journal = journal
        self.columns = columns
        self.done = 0
        self._output = output
        self._file: IO[bytes] | None = None
        self._printed = Summary()

    @property
    def is_stdout(self) -> bool:
        return str(self.journal.path) == STDOUT

    @property
    def progress(self) -> str:
        return f"{self.done:,}" + (f" of {self.source.count:,}" if self.source.count is not None else "")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None and not self.is_stdout:
            self._file.close()

    def put(self, line: bytes) -> None:
        """A scored line, in the order of the rows."""
        if self._file is None:
            self._file = sys.stdout.buffer if self.is_stdout else self._opened()
        self._file.write(line)
        self._file.flush()
        if self.is_stdout:
            self._printed.add(orjson.loads(line))

    def _opened(self) -> IO[bytes]:
        try:
            self.journal.drop_refused()
            return self.journal.path.open("ab" if self.journal.digests else "wb")
        except OSError as error:
            raise BadInput(f"{self.journal.path} cannot be written: {error.strerror}") from None

    def finish(self) -> Summary:
        """When all rows are scored: lines in order, and the table."""
        if self.is_stdout:
            return self._printed
        path = self.journal.path
        if self._file is None:
            self._file = self._opened()  # no row: an empty journal
        self._file.flush()
        journals.sort(path)
        if self._output is not None and self.source.table is not None:
            write(self.source.table, path, self._output, self.columns.completion)
        return summary_of(lines_of(path))


def job_of(
    source: str,
    output: str,
    columns: Columns,
    split: str = "train",
    limit: int | None = None,
    *,
    overwrite: bool = False,
    rejudge_failed: bool = False,
) -> Job:
    """Raises BadInput when the input cannot be read, or the output cannot be written or is not ours."""
    if output == STDOUT:
        return Job(open_source(source, split, limit), Journal(Path(STDOUT)), None, columns)
    path = Path(output)
    if not path.absolute().parent.is_dir():
        raise BadInput(f"-o {output}: there is no folder {path.parent}")
    rows = open_source(source, split, limit)
    if rows.table is not None:
        demand_completions(rows.table.schema.names, columns.completion)
    if rows.table is None or path.suffix == ".jsonl":
        if path.suffix == PARQUET:
            raise BadInput(f"{output}: JSON lines are scored into JSON lines; give a table to get one")
        return Job(rows, _journal(path, overwrite, rejudge_failed), None, columns)
    journal = path.with_name(path.name + ".jsonl")
    if path.exists() and not journal.exists():
        raise BadInput(f"{output} exists, and was not written by this command ({journal.name} is not beside it)")
    return Job(rows, _journal(journal, overwrite, rejudge_failed), path, columns)


def _journal(path: Path, overwrite: bool, rejudge_failed: bool) -> Journal:
    try:
        # Also before overwriting: a file that is not ours is never touched.
        journal = open_journal(path, rejudge_failed=rejudge_failed)
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}") from None
    if not os.access(path if path.exists() else path.absolute().parent, os.W_OK):
        raise BadInput(f"{path} cannot be written: permission denied")
    return Journal(path) if overwrite else journal
