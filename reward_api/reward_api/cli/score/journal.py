"""The scored lines: one for each row, with the row itself, so that a later run can tell whether they are its own.

{"line": 3, "id": "q7", "digest": "…", "input": {…}, "domain": "math", "version": "sha256:…", "results": […]}
{"line": 4, "digest": "…", "input": {…}, "error": {"title": "…"}}
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import orjson

from reward_api.cli.score.rejudge import failed_places
from reward_api.cli.score.rows import BadInput


@dataclass
class Journal:
    """The lines of an earlier run. digests: of its scored requests by line. versions: by domain.

    is_whole: no line was refused or cut off. failed: lines to score again, each as it stands, by their number.
    """

    path: Path
    is_whole: bool = True
    digests: dict[int, str] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    failed: dict[int, dict[str, Any]] = field(default_factory=dict)

    def drop_refused(self) -> None:
        """Remove the lines that are scored again."""
        if not self.is_whole:
            _replace(
                self.path, (line for line, one in _whole_lines(self.path) if line is not None and "error" not in one)
            )
            self.is_whole = True

    def check_versions(self, versions: Mapping[str, str]) -> None:
        """Raises BadInput when a domain is served in another version than the one that scored these lines."""
        for domain, version in self.versions.items():
            if versions.get(domain, version) != version:
                raise BadInput(
                    f"{self.path} was scored by {domain} {version[:15]}…, which is now {versions[domain][:15]}…: "
                    "give another -o, or --overwrite"
                )

    def check_request(self, number: int, digest: str, domain: str | None) -> None:
        """Raises BadInput when the line is of another request."""
        if self.digests[number] == digest:
            return
        others = [name for name in self.versions if name != domain]
        if domain is not None and others and domain not in self.versions:
            raise BadInput(
                f"{self.path} holds scores of {', '.join(others)}; you ask for {domain}: give another -o, or --overwrite"
            )
        raise BadInput(
            f"{self.path} holds another input, or other options: line {number} differs. Give another -o, or --overwrite"
        )

    def demand_no_others(self, numbers: set[int]) -> None:
        """Raises BadInput when the journal holds lines of other rows."""
        if others := len(self.digests.keys() - numbers):
            raise BadInput(f"{self.path} holds {others} lines of other rows: give another -o, or --overwrite")


def lines_of(path: Path) -> Iterator[dict[str, Any]]:
    """The scored lines. Raises BadInput for a file that holds something else."""
    try:
        with path.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                yield _scored_line(path, number, line)
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}") from None


def _scored_line(path: Path, number: int, line: bytes) -> dict[str, Any]:
    try:
        document = orjson.loads(line)
    except orjson.JSONDecodeError:
        document = None
    if not isinstance(document, dict) or not isinstance(document.get("line"), int) or not document.keys() & _ENDS:
        raise BadInput(f"{path}: line {number} was not written by touchstone score")
    return document


_ENDS = {"results", "error"}


def open_journal(path: Path, *, rejudge_failed: bool = False) -> Journal:
    """What an earlier run left: all but its refused lines, and a last line that was cut off. Nothing is written.

    rejudge_failed: its lines in which a component failed are to be scored again.

    Raises BadInput when the file is not one of ours.
    """
    journal = Journal(path)
    if not path.exists():
        return journal
    for line, document in _whole_lines(path):
        if line is None or "error" in document:
            journal.is_whole = False
        else:
            journal.digests[document["line"]] = str(document.get("digest"))
            journal.versions[str(document.get("domain"))] = str(document.get("version"))
            journal.failed.pop(document["line"], None)
            if rejudge_failed and failed_places(document):
                journal.failed[document["line"]] = document
    return journal


def _whole_lines(path: Path) -> Iterator[tuple[bytes | None, dict[str, Any]]]:
    """Each line and its document; None for a last line that was cut off. Raises BadInput."""
    with path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            yield (line, _scored_line(path, number, line)) if line.endswith(b"\n") else (None, {})


def sort(path: Path) -> None:
    """In the order of the rows, the last line of each: what was scored again stands at the end until now."""
    places: list[tuple[int, int, int]] = []
    with path.open("rb") as lines:
        at = 0
        for line in lines:
            places.append((orjson.loads(line)["line"], at, len(line)))
            at += len(line)
        last = sorted({number: (number, *place) for number, *place in places}.values())
        if places != last:
            _replace(path, (_read(lines, *place) for _, *place in last))


def _read(file: IO[bytes], at: int, size: int) -> bytes:
    file.seek(at)
    return file.read(size)


def _replace(path: Path, lines: Iterable[bytes]) -> None:
    partial = path.with_name(path.name + ".partial")
    with partial.open("wb") as out:
        out.writelines(lines)
    os.replace(partial, path)
