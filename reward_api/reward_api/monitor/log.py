"""The monitor's log: one record a line, appended; at its size it is renamed, and the one before it is dropped."""

from __future__ import annotations

import logging
from logging.handlers import RotatingFileHandler
from pathlib import Path

from reward_api.monitor.observation import Record, line_of


class RecordLog:
    """Raises OSError when the file cannot be opened. A line that cannot be written is lost, and counted."""

    def __init__(self, path: Path, max_bytes: int) -> None:
        self.lost = 0
        self._handler = _Lines(path, max_bytes)

    def write(self, record: Record) -> None:
        text = line_of(record).decode().rstrip("\n")
        self._handler.failed = False
        self._handler.emit(logging.makeLogRecord({"msg": text}))
        self.lost += self._handler.failed

    def close(self) -> None:
        self._handler.close()


class _Lines(RotatingFileHandler):
    def __init__(self, path: Path, max_bytes: int) -> None:
        super().__init__(path, maxBytes=max_bytes // 2, backupCount=1, encoding="utf-8", errors="backslashreplace")
        self.failed = False

    def format(self, record: logging.LogRecord) -> str:
        return str(record.msg)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  # logging's own name
        self.failed = True
