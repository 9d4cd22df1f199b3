"""Formulas between `$`, `\\(` and `\\[`."""

from __future__ import annotations

import re

from reward_verifiers.answer.extraction.guards import changed_after, changed_before
from reward_verifiers.answer.extraction.spans import (
    DENIED_AFTER,
    JOINER,
    MAX_CHAIN,
    TAIL,
    Extraction,
    Span,
    is_negated,
)

_DELIMITER = re.compile(r"\\.|\$\$?", re.S)

_CLOSED_BY = {"$$": "$$", "$": "$", "\\(": "\\)", "\\[": "\\]"}


def math_spans(text: str) -> list[Span]:
    """The formulas of a text in order: one pass over the delimiters, each paired with the next that closes it."""
    candidate: list[Span] = []
    opened: re.Match[str] | None = None
    for mark in _DELIMITER.finditer(text):
        sign = mark.group()
        if opened is not None and sign == _CLOSED_BY[opened.group()]:
            content = text[opened.end() : mark.start()].strip()
            broken = sign == "$" and "\n" in content  # a dollar of money, or one that was not closed
            if content and not broken:
                candidate.append(Span(opened.start(), mark.end(), content))
            opened = mark if broken else None
        elif sign in _CLOSED_BY:
            opened = mark
    return candidate


def joined_math(text: str, source: str, single: bool) -> Extraction | None:
    """The last formula of `text`, together with the formulas beside it."""
    spans = math_spans(text)
    if not spans:
        return None
    contents, first = [spans[-1].content], spans[-1]
    for span in reversed(spans[:-1][-MAX_CHAIN:]):
        if not single or not JOINER.fullmatch(text, span.end, first.start):
            break
        contents.append(span.content)
        first = span
    if single and is_negated(text[max(0, first.start - 60) : first.start]):
        return Extraction(None, source, "the answer is negated")
    if single and DENIED_AFTER.match(text, spans[-1].end):
        return Extraction(None, source, "the answer is taken back")
    changed = changed_before(text[: first.start]) or changed_after(text[spans[-1].end :]) if single else None
    if changed:
        return Extraction(None, source, f"{changed!r} makes it another value")
    distinct = list(dict.fromkeys(content.strip() for content in reversed(contents)))
    return Extraction(", ".join(distinct), source)


def last_math(text: str, single: bool = True) -> Extraction | None:
    """The last `$…$`, `\\(…\\)` or `\\[…\\]`."""
    return joined_math(text[-TAIL:], "last_math", single)
