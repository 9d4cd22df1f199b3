"""Folders that end with their service, and what a service that was killed has left: the next one to start removes it."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
import tempfile
import time
from pathlib import Path

PREFIX = "touchstone-sandbox-"
_YOUNG_S = 60.0
_GROUP = re.compile(r"touchstone-(?:bwrap-)?(\d+)-\d+")
_GROUPS = Path("/sys/fs/cgroup")


class OwnFolder:
    """A temporary folder, locked for as long as this process lives, so that nobody takes it for a leftover."""

    def __init__(self) -> None:
        self.path = tempfile.mkdtemp(prefix=PREFIX)
        self._lock = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        with contextlib.suppress(PermissionError):  # in a disposable container, which is swept as a whole
            fcntl.flock(self._lock, fcntl.LOCK_EX)

    def remove(self) -> None:
        """A second time does nothing."""
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1
            shutil.rmtree(self.path, ignore_errors=True)


def sweep() -> None:
    """Remove the folders and control groups of services that are gone."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):
            if _is_abandoned(folder):
                shutil.rmtree(folder, ignore_errors=True)
    for group in _GROUPS.glob("**/touchstone-*"):
        match = _GROUP.fullmatch(group.name)
        if match and not os.path.exists(f"/proc/{match[1]}"):
            with contextlib.suppress(OSError):  # it is not empty: somebody's, after all
                group.rmdir()


def _is_abandoned(folder: Path) -> bool:
    """Raises OSError."""
    if time.time() - folder.stat().st_mtime < _YOUNG_S:  # it may not be locked yet
        return False
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(fd)
    return True
