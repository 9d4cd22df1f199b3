"""Files that are followed by what they hold.

Events of the file system miss what Kubernetes does to a ConfigMap, changes behind a symbolic link and network mounts. The
files that are followed here are few and small, so they are read every second.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterable
from pathlib import Path

READ_EVERY_S = 1.0

Content = bytes | OSError
"""What a file holds, or why it cannot be read: FileNotFoundError when it is gone."""

_FORGOTTEN = OSError("not looked at yet")


class FileChanges:
    """Which files hold something else than when they were last looked at. Its memory outlives a restart of `follow`."""

    def __init__(self, paths: Callable[[], Iterable[Path]]) -> None:
        self._paths = paths
        self._contents: dict[Path, Content] = {}
        self._due = asyncio.Event()

    def forget(self) -> None:
        """Have `follow` yield every file at once, changed or not; those that are gone meanwhile are seen as gone."""
        self._due.set()

    def look(self) -> dict[Path, Content]:
        """Each changed file and what it holds now."""
        now = {path: _content(path) for path in {*self._paths(), *self._contents}}
        changed = {path: content for path, content in now.items() if not _same(content, self._contents.get(path))}
        self._contents = {path: content for path, content in now.items() if not isinstance(content, FileNotFoundError)}
        return changed

    async def follow(self) -> AsyncIterator[dict[Path, Content]]:
        """The changes, as they are seen, until cancelled."""
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._due.wait(), READ_EVERY_S)
            if self._due.is_set():
                self._due.clear()
                self._contents = dict.fromkeys(self._contents, _FORGOTTEN)
            if changed := await asyncio.to_thread(self.look):
                yield changed


def _content(path: Path) -> Content:
    try:
        return path.read_bytes()
    except OSError as error:
        return error


def _same(one: Content, other: Content | None) -> bool:
    if isinstance(one, OSError) and isinstance(other, OSError):
        return one.errno == other.errno
    return one == other
