"""Reads segments, of a store and of scored files alike: one connection to all of them, and time limits on what is asked."""

from __future__ import annotations

import contextlib
import queue
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from reward_api.store.segment import PATTERN, TABLES, files_of

MAX_SEGMENTS = 9
"""As many as SQLite attaches."""
QUERY_S = 8.0
POOL = 8
_OPCODES = 500
"""Between two looks at the clock: a row may take long, when a text is made to be searched slowly."""
_T = TypeVar("_T")
Signature = tuple[tuple[str, int], ...]


class TooSlow(RuntimeError):
    """A query took longer than it may."""


class View:
    """One connection, of one thread at a time. Its temporary views have the rows of all segments."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self.connection = sqlite3.connect(":memory:", check_same_thread=False, uri=True, isolation_level=None)
        self.connection.execute("PRAGMA temp_store = MEMORY")
        self.segments: list[str] = []
        self._held: dict[str, Any] = {}
        for number, path in enumerate(paths):
            self._attach(f"s{number}", path)
        for table in TABLES:
            rows = " UNION ALL ".join(f"SELECT * FROM {segment}.{table}" for segment in self.segments)
            self.connection.execute(f"CREATE TEMP VIEW {table} AS {rows}" if rows else _EMPTY[table])

    def _attach(self, name: str, path: Path) -> None:
        """A file that is gone, or holds no tables yet, is left out."""
        for mode in ("mode=ro", "immutable=1"):  # the second where nothing may be written beside it
            with contextlib.suppress(sqlite3.Error):
                self.connection.execute(f"ATTACH ? AS {name}", (f"{path.absolute().as_uri()}?{mode}",))
                try:
                    self.connection.execute(f"SELECT 1 FROM {name}.inputs LIMIT 1")
                except sqlite3.Error:
                    self.connection.execute(f"DETACH {name}")
                    continue
                self.segments.append(name)
                return

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Raises TooSlow."""
        try:
            return self.connection.execute(sql, values).fetchall()
        except sqlite3.OperationalError as error:
            if "interrupted" in str(error):
                raise TooSlow from None
            raise

    def each(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """The rows of every segment by itself; `{}` is its name. A join of views would copy them."""
        return [row for segment in self.segments for row in self.rows(sql.replace("{}", segment), values)]

    def must_fill(self, table: str, content: Any) -> bool:
        """Whether a temporary table is to be filled anew with this content; then it is dropped."""
        if self._held.get(table) == content:
            return False
        self.rows(f"DROP TABLE IF EXISTS temp.{table}")
        self._held[table] = content
        return True

    @contextmanager
    def limited(self) -> Iterator[None]:
        give_up = time.monotonic() + QUERY_S
        self.connection.set_progress_handler(lambda: time.monotonic() > give_up, _OPCODES)
        try:
            yield
        finally:
            self.connection.set_progress_handler(None, 0)


_EMPTY = {
    "series": "CREATE TEMP TABLE series (id, run, domain, version)",
    "groups": "CREATE TEMP TABLE groups (id, series, step, name, at, prompt, source)",
    "samples": "CREATE TEMP TABLE samples "
    "(id, grp, series, step, place, at, reward, failure, length, digest, flags, scores)",
    "texts": "CREATE TEMP TABLE texts (id, text, result)",
    "inputs": "CREATE TEMP TABLE inputs (grp, input)",
}


class Reader:
    """What a folder or single files hold, now. Any thread may ask."""

    def __init__(self, *places: Path) -> None:
        self.places = places
        self._pool: queue.LifoQueue[tuple[Signature, View]] = queue.LifoQueue(POOL)
        self._kept: dict[Any, tuple[Signature, Any]] = {}

    def paths(self) -> list[Path]:
        """The newest segments; more than can be read at once are left out."""
        of_place = [sorted(place.glob(PATTERN)) if place.is_dir() else [place] for place in self.places]
        return sorted((path for paths in of_place for path in paths), key=lambda path: path.name)[-MAX_SEGMENTS:]

    @contextmanager
    def view(self) -> Iterator[View]:
        """Raises TooSlow when what is asked takes too long."""
        paths = self.paths()
        signature = tuple((str(path), path.stat().st_ino) for path in paths if path.exists())
        view = self._free(signature) or View(paths)
        try:
            with view.limited():
                yield view
        except BaseException:
            view.connection.close()
            raise
        try:
            self._pool.put_nowait((signature, view))
        except queue.Full:
            view.connection.close()

    def _free(self, signature: Signature) -> View | None:
        with contextlib.suppress(queue.Empty):
            while True:
                its, view = self._pool.get_nowait()
                if its == signature and len(view.segments) == len(signature):
                    return view
                view.connection.close()
        return None

    def state(self) -> Signature:
        """Changes when something is written."""
        files = [file for path in self.paths() for file in files_of(path)[:2]]
        state = []
        for file in files:
            with contextlib.suppress(OSError):
                about = file.stat()
                if about.st_size:  # reading may put an empty log beside a file
                    state.append((f"{file}:{about.st_size}", about.st_mtime_ns))
        return tuple(state)

    def kept(self, name: Any, ask: Callable[[], _T]) -> _T:
        """The answer of an earlier call, as long as nothing was written since."""
        state = self.state()
        if name in self._kept and self._kept[name][0] == state:
            answer: _T = self._kept[name][1]
            return answer
        answer = ask()
        if len(self._kept) > 256:
            self._kept.clear()
        self._kept[name] = (state, answer)
        return answer
