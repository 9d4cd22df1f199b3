"""One query on one database, which lives in memory: its rows go out through descriptor 3, a line each. No expected row is
here, ever.

{"engine": "sqlite", "database": "CREATE TABLE …", "query": "SELECT …"}  ──▶  an empty line; [number of columns]; [row] …

The database's script may do what it likes. The query may only read: it is one statement, and what that may call is closed.
Exit 0: all rows are out; 1: the query is refused or fails; 3: the script fails; 4: there is no such engine here.
"""

from __future__ import annotations

import datetime
import decimal
import json
import os
import sys
from collections.abc import Callable, Iterator
from typing import Any

Rows = tuple[int, Iterator[Any]]
_AT_ONCE = 1000
_NO_SCRIPT, _NO_ENGINE = 3, 4
_ONE = "the query must be one statement"
_WRITES = "the query may only read"


def main() -> None:
    with open(0, "rb", closefd=False) as stream:
        job = json.loads(stream.read())
    sys.setrecursionlimit(5000)
    run = _attempt(_NO_ENGINE, {"sqlite": _sqlite, "duckdb": _duckdb}[job["engine"]])
    query = _attempt(_NO_SCRIPT, lambda: run(job["database"]))
    with open(3, "wb", closefd=False) as out:
        out.write(b"\n")
        out.flush()
        _attempt(1, lambda: _write(out, query(job["query"].rstrip(" \t\r\n;"))))


def _attempt(status: int, step: Callable[[], Any]) -> Any:
    try:
        return step()
    except MemoryError:
        raise
    except Exception as error:  # whatever an engine raises
        sys.stderr.write(f"{error}"[:2000].partition("\n")[0] + "\n")
        sys.stderr.flush()
        os._exit(status)


def _write(out: Any, rows: Rows) -> None:
    columns, content = rows
    encode = json.JSONEncoder(default=_plain, check_circular=False).encode
    out.write(encode([columns]).encode() + b"\n")
    for row in content:
        out.write(encode(row).encode() + b"\n")


def _plain(value: Any) -> Any:
    """Of what JSON has not: dates and the like as texts, bytes as a tag, decimals as numbers."""
    if isinstance(value, decimal.Decimal):
        return int(value) if value.is_finite() and value == value.to_integral_value() else float(value)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return {"__bytes__": bytes(value).hex()}
    if isinstance(value, datetime.timedelta):
        return {"__seconds__": value.total_seconds()}
    return str(value)


# --- SQLite ---------------------------------------------------------------------------------------------------------------


def _sqlite() -> Callable[[str], Callable[[str], Rows]]:
    import sqlite3

    allowed = (sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE)

    def may(action: int, first: str | None, second: str | None, database: str | None, source: str | None) -> int:
        loads = action == sqlite3.SQLITE_FUNCTION and (second or "").lower() in ("load_extension", "fts3_tokenizer")
        return sqlite3.SQLITE_OK if action in allowed and not loads else sqlite3.SQLITE_DENY

    def load(script: str) -> Callable[[str], Rows]:
        connection = sqlite3.connect(":memory:", isolation_level=None)
        connection.text_factory = lambda text: text.decode("utf-8", "surrogateescape")
        connection.executescript(script)
        if connection.in_transaction:
            connection.commit()
        connection.execute("PRAGMA query_only = ON")
        connection.set_authorizer(may)

        def query(text: str) -> Rows:
            try:
                cursor = connection.execute(text)
            except sqlite3.ProgrammingError:
                raise ValueError(_ONE) from None
            except sqlite3.DatabaseError as error:
                is_refused = "not authorized" in str(error) or "prohibited" in str(error)
                raise ValueError(_WRITES if is_refused else str(error)) from None
            if cursor.description is None:
                raise ValueError(_ONE)
            return len(cursor.description), cursor

        return query

    return load


# --- DuckDB ---------------------------------------------------------------------------------------------------------------


def _duckdb() -> Callable[[str], Callable[[str], Rows]]:
    sys.path.append(os.environ["SQL_ENGINES"])
    import duckdb

    reads = (duckdb.StatementType.SELECT, duckdb.StatementType.MULTI)  # the second: PIVOT

    connection = duckdb.connect(
        ":memory:",
        config={
            "threads": 1,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "python_enable_replacements": False,
            "enable_external_access": False,
        },
    )
    connection.execute("SET TimeZone = 'UTC'")

    def load(script: str) -> Callable[[str], Rows]:
        if script.strip():
            connection.execute(script)
        connection.execute("SET lock_configuration = true")

        def query(text: str) -> Rows:
            statements = connection.extract_statements(text)
            if len(statements) != 1:
                raise ValueError(_ONE)
            if statements[0].type not in reads:
                raise ValueError(_WRITES)
            result = connection.execute(statements[0])
            if result is None or result.description is None:
                raise ValueError(_ONE)
            return len(result.description), _fetched(result)

        return query

    return load


def _fetched(result: Any) -> Iterator[Any]:
    while rows := result.fetchmany(_AT_ONCE):
        yield from rows


main()
