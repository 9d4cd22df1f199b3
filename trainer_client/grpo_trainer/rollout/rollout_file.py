"""rollouts.jsonl.zst: what the policy wrote, one JSON object a completion, compressed; read it with `zstdcat`.

A rollout is appended as a frame of its own: a run that is killed while it writes loses that rollout and no other.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import zstandard

from grpo_trainer.whole_files import publish

ROLLOUTS = "rollouts.jsonl.zst"


def append_rows(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    with path.open("ab") as file:
        file.write(zstandard.ZstdCompressor().compress(text.encode("utf-8", "replace")))


def read_rows(path: Path) -> Iterator[dict[str, Any]]:
    """Whole lines; none when there is no file. What follows a broken frame is not read."""
    if not path.is_file():
        return
    with path.open("rb") as file:
        reader = zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True)
        for line in _whole_lines(reader):
            yield json.loads(line)


def drop_rows_after(path: Path, step: int) -> None:
    """Before a run resumes: what it will write again."""
    if not path.is_file():
        return
    draft = path.with_suffix(".draft")
    draft.unlink(missing_ok=True)
    draft.touch()
    append_rows(draft, (row for row in read_rows(path) if row["step"] <= step))
    publish(draft, path)


def _whole_lines(reader: Any) -> Iterator[str]:
    """The last line may be cut off, by a run that writes it at this moment or was killed while it did."""
    try:
        for line in io.BufferedReader(reader):
            if line.endswith(b"\n"):
                yield line.decode("utf-8")
    except zstandard.ZstdError:
        return
