"""The sample groups that come with domains."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson


@dataclass(frozen=True, slots=True)
class SampleGroup:
    """A bundled group: what is sent to /score, and the rewards that it must get (None: no verdict). calls: for each
    completion the calls of its episode, which the tools make first; None where there is no session.
    """

    note: str
    group: dict[str, Any]
    expected: list[float | None]
    calls: list[list[dict[str, Any]] | None] | None = None


def sample_groups(folder: Path, domain: str) -> list[SampleGroup]:
    """The sample groups of a domain, from `samples/<domain>.jsonl` in the domains folder; none when it has no file."""
    path = folder / "samples" / f"{domain}.jsonl"
    if not path.exists():
        return []
    return [SampleGroup(**orjson.loads(line)) for line in path.read_bytes().splitlines() if line.strip()]
