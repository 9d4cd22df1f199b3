"""The program in a completion: the last complete fenced block of the language, after the thinking.

A labelled block goes before one without a label, which is often sample output; and where a function is asked for, the last
block that defines it goes before one that only uses it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from reward_sandbox.languages.table import Language
from reward_verifiers.completion import after_think, tagged_answer, without_end

_MARKER = re.compile(r"(?:[-*+]|\d{1,3}[.)])[ \t]+")
_WORD = re.compile(r"[^\s:{}.,;=]{1,40}")
_TAGS = 8
_WITHOUT_BACKTICKS = frozenset(("python", "py", "c", "cpp", "c++", "cxx", "cc", "java", "rust", "rs"))
_QUOTES = ('"""', "'''")


@dataclass(frozen=True, slots=True)
class Block:
    word: str
    """The language that it names, or nothing."""
    text: str
    info: str = ""
    """All that stands behind its first fence."""
    before: str = ""
    """The last line before it that has something."""


@dataclass(frozen=True, slots=True)
class _Fence:
    column: int
    mark: str
    count: int
    rest: str

    @property
    def word(self) -> str:
        word = _WORD.search(self.rest)
        return word[0].lower() if word else ""

    @property
    def is_diff(self) -> bool:
        return self.word in ("diff", "patch", "udiff")

    @property
    def closes_only(self) -> bool:
        """Behind it stands nothing but tags, such as </answer>."""
        rest = self.rest.strip()
        return not rest or rest.startswith("<")


def program(completion: str, language: Language, prefix: str = "", entry: str = "") -> str | None:
    """The code, or None when there is no complete block of the language. entry: the function that is asked for."""
    text = after_think(completion, prefix)
    if text is None:
        return None
    names = {"", language.name, *language.aliases}
    filled = (block for block in blocks(text) if block.text.strip())
    candidates = [block for block in filled if block.word in names or block.word.rstrip("0123456789") in names - {""}]
    if not candidates and language.is_query:
        tagged = tagged_answer(text)
        return tagged if tagged is not None and tagged.strip() and "```" not in tagged else None
    chosen = [block for block in candidates if block.word] or candidates
    defining = [block for block in chosen if _defines(block.text, entry)] or chosen
    return without_end(defining[-1].text) if defining else None


def blocks(text: str) -> Iterator[Block]:
    """The complete blocks, in their order. A fence is closed by one of the same mark that is at least as long; one that
    stands in a string of the program closes nothing.
    """
    opened: _Fence | None = None
    body, first_end, before, last = _Body(), None, "", ""
    for line in text.split("\n"):
        fence = _fence(line)
        if opened is None:
            fence = fence or _fence_behind_text(line)
            if fence is not None:
                opened, body, first_end, before = fence, _Body(), None, last
            last = line.strip() or last
            continue
        last = ""
        if fence is not None and _closes(fence, opened):
            if opened.is_diff or not body.is_in_string:
                yield Block(opened.word, body.text(), opened.rest, before)
                opened = None
                continue
            first_end = first_end or len(body.lines)
        code = line if fence is not None else _without_end(line, opened)
        body.add(_dedented(code, opened.column))
        if code != line and not body.is_in_string:
            yield Block(opened.word, body.text(), opened.rest, before)
            opened = None
    if opened is not None and first_end is not None:  # what looked like a string had no end
        yield Block(opened.word, body.text(first_end), opened.rest, before)


class _Body:
    """The lines of an open block."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._quotes = dict.fromkeys(_QUOTES, 0)

    @property
    def is_in_string(self) -> bool:
        """Whether a text of three quotes is open at the end of the lines."""
        return any(count % 2 for count in self._quotes.values())

    def add(self, line: str) -> None:
        self.lines.append(line)
        for quotes in _QUOTES:
            self._quotes[quotes] += line.count(quotes)

    def text(self, count: int | None = None) -> str:
        return "".join(f"{line}\n" for line in self.lines[:count])


def _closes(fence: _Fence, opened: _Fence) -> bool:
    if opened.is_diff and fence.column > opened.column:  # a line of the files that it is about
        return False
    return fence.mark == opened.mark and fence.count >= opened.count and fence.closes_only


def _without_end(line: str, opened: _Fence) -> str:
    """The line without a closing fence that stands behind its code, where no program has such a mark."""
    if opened.word.rstrip("0123456789") not in _WITHOUT_BACKTICKS or "```" not in line:
        return line
    rest = line.rstrip()
    while rest.endswith(">") and (start := rest.rfind("<", len(rest) - 40)) >= 0:
        rest = rest[:start].rstrip()
    return rest.rstrip("`") if rest.endswith(opened.mark * opened.count) else line


def _fence_behind_text(line: str) -> _Fence | None:
    """One that names a language and stands at the end of a line of prose."""
    before, mark, word = line.rstrip().rpartition("```")
    if (
        not mark
        or "`" in before
        or before.startswith(">")
        or not word.strip().isascii()
        or len(word.split()) != 1
        or not word[0].isalpha()
    ):
        return None
    return _Fence(0, "`", 3, word)


def _fence(line: str) -> _Fence | None:
    """Behind indentation, the mark of a list, and tags such as <answer>."""
    rest = line.lstrip(" \t")
    marker = _MARKER.match(rest)
    rest = rest[marker.end() :] if marker else rest
    column = len(line) - len(rest)
    for _ in range(_TAGS):
        if not rest.startswith("<") or (end := rest.find(">", 0, 40)) < 0:
            break
        rest, column = rest[end + 1 :].lstrip(" \t"), 0
    mark = rest[:1]
    if mark not in ("`", "~") or not rest.startswith(mark * 3):
        return None
    behind = rest.lstrip(mark)
    if mark == "`" and "`" in behind:
        return None
    return _Fence(column, mark, len(rest) - len(behind), behind)


def _dedented(line: str, column: int) -> str:
    blank = len(line) - len(line.lstrip(" \t"))
    return line[min(blank, column) :]


def _defines(text: str, entry: str) -> bool:
    name = entry.replace("()", "").split(".")
    return any(
        re.search(rf"^[ \t]*(?:async +)?(?:def|class) +{re.escape(word)}\b|^{re.escape(word)} *=[^=]", text, re.M)
        for word in name
        if word
    )
