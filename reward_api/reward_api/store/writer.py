"""Writes scored groups from one thread, behind a bounded queue: what finds no room is dropped and counted, and no request
waits for it.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import queue
import sqlite3
import threading
import time
from collections import Counter
from pathlib import Path

from reward_api.store.record import group_of, ids, size_of
from reward_api.store.segment import PATTERN, Segment, bytes_of, files_of
from reward_verifiers.contract import ScoreReply, ScoreRequest

log = logging.getLogger(__name__)

SEGMENTS = 8
"""Files that a store is made of: the oldest goes at a time."""
_SHARES = SEGMENTS + 2
"""Of its bytes, one for each file: a file ends a batch after it is full, and SQLite's log takes room beside it."""
MAX_GROUPS = 1024
MAX_CHARACTERS = 64 << 20
"""What may wait to be written."""
BATCH = 64
LOG_EVERY_S = 60.0
_Waiting = tuple[ScoreRequest, ScoreReply, float, int]


class StoreWriter:
    """Use as `with writer:`. outcomes: groups written, dropped for want of room, and failed."""

    def __init__(self, folder: Path, max_bytes: int) -> None:
        self.folder = folder
        self.outcomes: Counter[str] = Counter(written=0, dropped=0, failed=0)
        self._segment_bytes = max_bytes // _SHARES
        self._queue: queue.Queue[_Waiting | None] = queue.Queue(MAX_GROUPS)
        self._characters = 0
        self._lock = threading.Lock()
        self._ids = ids()
        self._segment: Segment | None = None
        self._thread = threading.Thread(target=self._run, name="store", daemon=True)
        self._logged = -LOG_EVERY_S

    def __enter__(self) -> StoreWriter:
        """Raises ValueError when there cannot be such a folder."""
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise ValueError(f"TOUCHSTONE_STORE: {self.folder} cannot be written: {error.strerror}") from None
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """What waits is written."""
        self._queue.put(None)
        self._thread.join()

    def record(self, request: ScoreRequest, reply: ScoreReply) -> None:
        """Takes no time of the event loop: a full queue drops the group."""
        size = size_of(request)
        if self._characters + size > MAX_CHARACTERS or size > self._segment_bytes // 2:
            self.outcomes["dropped"] += 1
            return
        try:
            self._queue.put_nowait((request, reply, time.time(), size))
        except queue.Full:
            self.outcomes["dropped"] += 1
            return
        with self._lock:
            self._characters += size

    def bytes(self) -> int:
        """Of all files of the store."""
        return sum(bytes_of(path) for path in self.folder.glob(PATTERN))

    # --- the thread ---------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        while self._write_next():
            pass
        if self._segment is not None:
            self._segment.close()

    def _write_next(self) -> bool:
        """Write all that waits, up to a batch. False at the end."""
        one = self._queue.get()
        batch = []
        with contextlib.suppress(queue.Empty):
            while one is not None:
                batch.append(one)
                if len(batch) == BATCH or sum(size for *_, size in batch) > self._segment_bytes // 4:
                    break
                one = self._queue.get_nowait()
        if not self._write(batch) and len(batch) > 1:
            self.outcomes["failed"] -= len(batch)
            for alone in batch:  # one that cannot be written does not take the others with it
                self._write([alone])
        with self._lock:
            self._characters -= sum(size for *_, size in batch)
        return one is not None

    def _write(self, batch: list[_Waiting]) -> bool:
        """All in one transaction. Whether they are written."""
        try:
            if batch:
                self._segment = self._current()
                self._segment.add([group_of(request, reply, at, self._ids) for request, reply, at, _ in batch])
                self.outcomes["written"] += len(batch)
        except Exception as error:
            self.outcomes["failed"] += len(batch)
            self._segment = None
            self._log(error)
            return False
        return True

    def _current(self) -> Segment:
        """The newest file; a new one when that is full, and then the oldest go."""
        self.folder.mkdir(parents=True, exist_ok=True)
        paths = sorted(self.folder.glob(PATTERN))
        newest = paths[-1] if paths else None
        if newest is not None and bytes_of(newest) < self._segment_bytes:
            return self._opened(newest)
        number = int(newest.stem.rpartition("-")[2]) + 1 if newest else 1
        segment = self._opened(self.folder / f"touchstone-{number:06}.sqlite")
        for path in itertools.chain.from_iterable(map(files_of, paths[: -SEGMENTS + 1])):
            path.unlink(missing_ok=True)
        return segment

    def _opened(self, path: Path) -> Segment:
        if self._segment is not None and self._segment.path == path and path.exists():
            return self._segment
        if self._segment is not None:
            self._segment.close()
        return Segment(path)

    def _log(self, error: Exception) -> None:
        """Once in a while: a full disk fails every group."""
        if time.monotonic() - self._logged < LOG_EVERY_S:
            return
        self._logged = time.monotonic()
        if isinstance(error, sqlite3.Error | OSError):
            log.error("scored groups cannot be stored", extra={"folder": str(self.folder), "cause": str(error)})
        else:
            log.exception("scored groups cannot be stored", exc_info=error)
