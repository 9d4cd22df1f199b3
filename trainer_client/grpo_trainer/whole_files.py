"""Files and folders that are whole or not there, whatever stops a run: a signal, a full disk, a machine without power."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def write_whole(path: Path, text: str) -> None:
    """A text file, in UTF-8. Who reads meanwhile gets the old one or the new one."""
    draft = path.with_name(f".{path.name}.draft")
    draft.write_text(text, "utf-8")
    publish(draft, path)


def publish(draft: Path, target: Path) -> None:
    """A file or a folder takes the name `target`; a file that has it is replaced.

    Without the flush the new name may reach the disk before the content does.
    """
    flush(draft)
    draft.replace(target)
    _flush(target.parent)


def flush(path: Path) -> None:
    """Returns when a file, or a folder with all that is in it, is on the disk and no longer in memory alone."""
    for inner in path.rglob("*"):
        _flush(inner)
    _flush(path)


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Around the reading of what a run has left. Raises ValueError where it is damaged: a library's error names no mend."""
    try:
        yield
    except (OSError, MemoryError):
        raise  # the file may be whole
    except Exception as error:
        raise ValueError(
            f"{path}: damaged ({type(error).__name__}: {error}); without it the run goes on from what it had before"
        ) from error


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # some file systems know no flush of a folder
            raise
    finally:
        os.close(descriptor)
