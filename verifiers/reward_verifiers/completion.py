"""Linear scanners over a completion: its tags, and what follows the thinking.

Every function here is one pass of `str.find` a tag over the text, never a backtracking regex: the text is hostile.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Tag:
    """One literal tag and where it stands."""

    start: int
    end: int
    text: str


def scan(text: str, tags: Sequence[str]) -> Iterator[Tag]:
    """Every occurrence of the tags, in order of place."""
    return heapq.merge(*(_each(text, tag) for tag in tags))


def _each(text: str, tag: str) -> Iterator[Tag]:
    start = text.find(tag)
    while start >= 0:
        yield Tag(start, start + len(tag), tag)
        start = text.find(tag, start + len(tag))


def after_think(text: str, prefix: str = "") -> str | None:
    """What follows the last closed think section; the whole text when there is none; None when one is still open.

    >>> after_think("<think>1+1</think> 2")
    ' 2'
    """
    text = prefix + text
    close = text.rfind("</think>")
    if text.rfind("<think>") > close:
        return None
    return text if close < 0 else text[close + len("</think>") :]
