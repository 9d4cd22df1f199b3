"""Takes the unified diff out of a text, so that `patch` sees nothing else: in an ed script it would run commands.

Numbers of lines in a hunk's header that do not fit the hunk are mended; where the hunk ends is then seen from its lines.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_HUNK = re.compile(r"@@ -(\d{1,9})(?:,(\d{1,9}))? \+(\d{1,9})(?:,(\d{1,9}))? @@")
_HEADERS = (
    "diff --git ", "new file mode ", "deleted file mode ", "old mode ", "new mode ", "similarity index ",
    "rename from ", "rename to ", "copy from ", "copy to ", "--- ", "+++ ", "index ",
)  # fmt: skip
_BINARY = ("GIT binary patch", "Binary files ")


class NoDiff(ValueError):
    """The text has no unified diff; the message says what is wrong."""


def cleaned(text: str) -> str:
    """Its headers and hunks. Raises NoDiff."""
    lines = text.replace("\r\n", "\n").split("\n") if "\r\n" in text and "\n@@" in text else text.split("\n")
    kept = [*_kept(lines)]
    if not any(line.startswith(("@@ ", "diff --git ")) for line in kept):
        raise NoDiff("it has no hunk of a unified diff")
    return "".join(f"{line}\n" for line in kept)


def _kept(lines: list[str]) -> Iterator[str]:
    place = 0
    while place < len(lines):
        line = lines[place]
        place += 1
        hunk = _HUNK.match(line)
        if hunk:
            old, new = (int(hunk[group] or 1) if hunk[group] != "0" else 0 for group in (2, 4))
            body = _body(lines, place, old, new)
            place += len(body)
            yield _header(hunk, line, body)
            yield from (one or " " for one in body)
        elif line.startswith(_HEADERS):
            yield line
        elif line.startswith(_BINARY):
            raise NoDiff("it changes a binary file")


def _body(lines: list[str], place: int, old: int, new: int) -> list[str]:
    """The lines of a hunk, from `place` on."""
    body: list[str] = []
    for at in range(place, len(lines)):
        line = lines[at]
        is_full = old <= 0 and new <= 0
        if not line.startswith((" ", "+", "-", "\\")) and (line or is_full):
            break
        if is_full and (not line.strip() or _is_header(lines, at)):
            break
        if not is_full and _is_header(lines, at) and _HUNK.match(lines[at + 2]):
            break
        body.append(line)
        old -= line[:1] in ("", " ", "-")
        new -= line[:1] in ("", " ", "+")
    while (old > 0 or new > 0) and body and not body[-1]:  # blank lines behind a hunk that is shorter than it says
        body.pop()
    return body


def _is_header(lines: list[str], at: int) -> bool:
    return at + 2 < len(lines) and lines[at].startswith("--- ") and lines[at + 1].startswith("+++ ")


def _header(hunk: re.Match[str], line: str, body: list[str]) -> str:
    old = sum(one[:1] in ("", " ", "-") for one in body)
    new = sum(one[:1] in ("", " ", "+") for one in body)
    return f"@@ -{hunk[1]},{old} +{hunk[3]},{new} @@{line[hunk.end() :]}"
