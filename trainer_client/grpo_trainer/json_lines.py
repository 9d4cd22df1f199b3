"""JSON lines end at a line feed alone: text in JSON may hold what `str.splitlines` takes for an end, such as U+2028."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def numbered_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Lines that are not blank, with their numbers from 1."""
    with path.open(encoding="utf-8") as file:
        yield from ((number, line) for number, line in enumerate(file, 1) if line.strip())


def whole_lines(path: Path) -> list[str]:
    """Without their ends, and without the last one if a run was killed while it wrote it; none when there is no file."""
    return path.read_text("utf-8").split("\n")[:-1] if path.is_file() else []


def whole_rows(path: Path) -> list[dict[str, Any]]:
    """The objects of the whole lines."""
    return [json.loads(line) for line in whole_lines(path)]
