"""A digest of the code that a class stands on: the files of its package, or its one file."""

from __future__ import annotations

import hashlib
import sys
from functools import cache
from pathlib import Path


def code_digest(kind: type) -> str:
    """Equal for equal code. Of a class whose source is not on disk: the name of its module."""
    return _digest(kind.__module__.partition(".")[0])


@cache
def _digest(root: str) -> str:
    digest = hashlib.sha256(root.encode())
    for path in _sources(root):
        digest.update(path.name.encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _sources(root: str) -> list[Path]:
    module = sys.modules.get(root)
    if module is None:
        return []
    folders = [Path(folder) for folder in getattr(module, "__path__", ())]
    if folders:
        return sorted(path for folder in folders for path in folder.rglob("*.py"))
    file = getattr(module, "__file__", None)
    return [Path(file)] if file and Path(file).is_file() else []
