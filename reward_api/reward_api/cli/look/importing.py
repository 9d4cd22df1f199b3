"""Scored files for the page: their lines go into a segment that lasts as long as the page, and what is added follows."""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import orjson

from reward_api.cli.look.samples import text_of
from reward_api.cli.score.requests import Columns, request_of
from reward_api.cli.score.rows import BadInput, Row
from reward_api.store.record import StoredGroup, StoredSample, digest
from reward_api.store.segment import Segment
from reward_api.ui.labels import FILE as LABELS
from reward_verifiers.contract import ScoreRequest, prompt_text

log = logging.getLogger(__name__)

PATTERN = "*.jsonl"
BATCH = 256
LOOK_EVERY_S = 1.0
_LINE_BITS, _PLACE_BITS = 26, 12


@dataclass
class _Progress:
    """How far a file was read. identity: another one is another file."""

    identity: tuple[int, int]
    offset: int = 0


def scored_files(path: Path) -> list[Path]:
    """The file, or those of a folder that `touchstone score` wrote, as far as their first lines say."""
    files = [path] if path.is_file() else sorted(file for file in path.rglob(PATTERN) if file.name != LABELS)
    return [file for file in files if _is_scored(file)]


def _is_scored(path: Path) -> bool:
    try:
        with path.open("rb") as lines:
            return _is_line(orjson.loads(lines.readline()))
    except (OSError, orjson.JSONDecodeError):
        return False


def _is_line(document: Any) -> bool:
    return (
        isinstance(document, dict)
        and isinstance(document.get("line"), int)
        and bool({"results", "error"} & document.keys())
    )


class Importer:
    """A thread that reads the files of a place, and goes on as they grow. Use as `with importer:`."""

    def __init__(self, place: Path, segment: Path, columns: Columns) -> None:
        self._place = place
        self._segment = Segment(segment)
        self._columns = columns
        self._read: dict[Path, _Progress] = {}
        self._sizes: dict[Path, int] = {}
        self._refused: set[Path] = set()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, name="importer", daemon=True)

    def progress(self) -> tuple[int, int]:
        """Bytes that are read, and that there are."""
        return sum(one.offset for one in list(self._read.values())), sum(list(self._sizes.values()))

    def __enter__(self) -> Importer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()
        self._segment.close()

    def _run(self) -> None:
        while not self._end.is_set():
            for path in scored_files(self._place):
                if path not in self._refused:
                    self._follow(path)
            self._end.wait(LOOK_EVERY_S)

    def _follow(self, path: Path) -> None:
        """Read what is new of a file. One that is not as expected is left, and said once."""
        try:
            about = path.stat()
            progress = self._read.get(path)
            self._sizes[path] = about.st_size
            if progress is None or progress.identity != (about.st_dev, about.st_ino) or about.st_size < progress.offset:
                self._segment.forget(str(path))
                progress = self._read[path] = _Progress((about.st_dev, about.st_ino))
            if about.st_size > progress.offset:
                with path.open("rb") as file:
                    self._add(path, file, progress, about.st_mtime)
        except (OSError, ValueError, KeyError, TypeError, AttributeError, sqlite3.Error) as error:
            self._refused.add(path)
            log.error("%s is left out: %s", path, error)

    def _add(self, path: Path, file: IO[bytes], progress: _Progress, at: float) -> None:
        file.seek(progress.offset)
        run = path.relative_to(self._place).with_suffix("").as_posix() if self._place.is_dir() else path.stem
        groups: list[StoredGroup] = []
        size = 0
        for line in _whole_lines(file):
            size += len(line)
            document = orjson.loads(line)
            if not _is_line(document):
                raise ValueError("a line was not written by touchstone score")
            if "results" in document:
                groups.append(_group_of(document, path, run, self._columns, at))
            if len(groups) == BATCH:
                self._segment.add(groups, str(path))
                progress.offset += size
                groups, size = [], 0
            if self._end.is_set():
                return
        self._segment.add(groups, str(path))
        progress.offset += size


def _whole_lines(file: IO[bytes]) -> Iterator[bytes]:
    """But the last one, while it is being written."""
    for line in file:
        if not line.endswith(b"\n"):
            return
        yield line


def _group_of(line: dict[str, Any], path: Path, run: str, columns: Columns, at: float) -> StoredGroup:
    row = line.get("input") or {}
    try:
        request = request_of(Row(line["line"], row), columns)
    except BadInput:
        request = {"completions": []}
    texts: Sequence[Any] = request["completions"]
    step = request.get("step")
    # The same in every session, so that an address of a completion lasts.
    first = digest(path.name, run) >> (_LINE_BITS + _PLACE_BITS) << _LINE_BITS | line["line"] % (1 << _LINE_BITS)
    padded = [*map(text_of, texts), *[""] * len(line["results"])]
    samples = [
        _sample_of(first << _PLACE_BITS | place % (1 << _PLACE_BITS), place, text, result)
        for place, (text, result) in enumerate(zip(padded, line["results"], strict=False))
    ]
    return StoredGroup(
        id=first,
        run=str(request.get("run") or run),
        step=step if type(step) is int else None,
        name=str(line.get("id") or f"line {line['line']}"),
        domain=str(line["domain"]),
        version=str(line["version"]),
        at=at,
        prompt=_prompt_of(request),
        samples=samples,
        input={name: request[name] for name in ScoreRequest.model_fields if name in request},
    )


def _sample_of(number: int, place: int, text: str, result: dict[str, Any]) -> StoredSample:
    return StoredSample(
        id=number,
        place=place,
        text=text,
        result=orjson.dumps(result),
        reward=result["reward"],
        failure=result["failure"] and str(result["failure"]["kind"]),
        flags=result.get("flags") or [],
        scores={name: part["score"] for name, part in result["components"].items()},
    )


def _prompt_of(request: dict[str, Any]) -> str:
    prompt = request.get("prompt")
    if prompt is None or isinstance(prompt, str):
        return prompt or ""
    try:
        return prompt_text(ScoreRequest.model_validate({"prompt": prompt, "completions": [""]}).prompt)
    except ValueError:
        return orjson.dumps(prompt, default=str).decode()
