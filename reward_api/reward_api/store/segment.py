"""One file of the store: SQLite in WAL mode, so that it is read while it is written.

What is filtered by is in narrow rows; texts and whole results lie apart, so that a filter does not read past them.
"""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import orjson

from reward_api.store.record import StoredGroup, StoredSample, digest

PATTERN = "touchstone-*.sqlite"
TABLES = ("series", "groups", "samples", "texts", "inputs")
_SCHEMA = """
PRAGMA application_id = 1414483795;
CREATE TABLE IF NOT EXISTS series (id INTEGER PRIMARY KEY, run TEXT, domain TEXT, version TEXT);
CREATE TABLE IF NOT EXISTS groups (
    id INTEGER PRIMARY KEY, series INTEGER, step INTEGER, name TEXT, at REAL, prompt TEXT, source TEXT);
CREATE TABLE IF NOT EXISTS samples (
    id INTEGER PRIMARY KEY, grp INTEGER, series INTEGER, step INTEGER, place INTEGER, at REAL, reward REAL, failure TEXT,
    length INTEGER, digest INTEGER, flags TEXT, scores TEXT);
CREATE TABLE IF NOT EXISTS texts (id INTEGER PRIMARY KEY, text TEXT, result BLOB);
CREATE TABLE IF NOT EXISTS inputs (grp INTEGER PRIMARY KEY, input BLOB);
CREATE INDEX IF NOT EXISTS samples_by_group ON samples (grp);
CREATE INDEX IF NOT EXISTS samples_by_step ON samples (series, step, reward);
CREATE INDEX IF NOT EXISTS groups_by_step ON groups (series, step);
"""


class Segment:
    """One file, open for writing by one thread. Raises sqlite3.Error when it cannot be written."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._connection = sqlite3.connect(path, timeout=10.0, check_same_thread=False, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = NORMAL")
        self._connection.executescript(_SCHEMA)

    def add(self, groups: Iterable[StoredGroup], source: str = "") -> None:
        """All of them, or none. source: the file that they were read from."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            for group in groups:
                self._add(group, source)
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    def _add(self, group: StoredGroup, source: str) -> None:
        run = self._connection.execute
        series = digest(group.run, group.domain, group.version)
        run("INSERT OR IGNORE INTO series VALUES (?, ?, ?, ?)", (series, group.run, group.domain, group.version))
        run(
            "INSERT OR IGNORE INTO groups VALUES (?, ?, ?, ?, ?, ?, ?)",
            (group.id, series, group.step, group.name, group.at, group.prompt, source),
        )
        if group.input is not None:
            body = zlib.compress(orjson.dumps(group.input, default=lambda _: None, option=orjson.OPT_NON_STR_KEYS), 1)
            run("INSERT OR REPLACE INTO inputs VALUES (?, ?)", (group.id, body))
        many = self._connection.executemany
        many(
            "INSERT OR REPLACE INTO samples VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [_row(group, series, sample) for sample in group.samples],
        )
        many(
            "INSERT OR REPLACE INTO texts VALUES (?, ?, ?)",
            [(one.id, one.text, zlib.compress(one.result, 1)) for one in group.samples],
        )

    def forget(self, source: str) -> None:
        """Take out what was read from a file that has changed."""
        of_source = "SELECT id FROM groups WHERE source = ?"
        run = self._connection.execute
        run("BEGIN IMMEDIATE")
        run(f"DELETE FROM texts WHERE id IN (SELECT id FROM samples WHERE grp IN ({of_source}))", (source,))
        for table, column in (("samples", "grp"), ("inputs", "grp"), ("groups", "id")):
            run(f"DELETE FROM {table} WHERE {column} IN ({of_source})", (source,))
        run("DELETE FROM series WHERE id NOT IN (SELECT series FROM groups)")
        run("COMMIT")

    def bytes(self) -> int:
        """Of the file and its log."""
        return bytes_of(self.path)

    def close(self) -> None:
        self._connection.close()


def bytes_of(path: Path) -> int:
    """Of a segment and what SQLite keeps beside it."""
    return sum(file.stat().st_size for file in files_of(path) if file.exists())


def files_of(path: Path) -> list[Path]:
    return [path, path.with_name(path.name + "-wal"), path.with_name(path.name + "-shm")]


def _row(group: StoredGroup, series: int, sample: StoredSample) -> tuple[Any, ...]:
    return (
        sample.id,
        group.id,
        series,
        group.step,
        sample.place,
        group.at,
        sample.reward,
        sample.failure,
        len(sample.text),
        digest(group.prompt, sample.text),
        orjson.dumps(sample.flags).decode() if sample.flags else None,
        orjson.dumps(sample.scores).decode(),
    )


def result_of(blob: bytes) -> dict[str, Any]:
    """A SampleResult as it was stored."""
    result: dict[str, Any] = orjson.loads(zlib.decompress(blob))
    return result
