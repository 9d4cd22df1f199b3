"""A completion as HTML: its sections, what was extracted from it, and every mark that nobody would see."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from markupsafe import Markup, escape

from reward_verifiers.completion import Section, Tag, scan, section, thinking_marks

HEAD, TAIL = 12_000, 6_000
"""Characters of a long text that are shown until somebody asks for all of it."""
MAX_MARKS = 2_000
"""Invisible marks that get an element of their own; more are written without one, for the browser's sake."""
MAX_SPANS = 200
MAX_TAGS = 200
_QUOTES = ("extracted", "matched", "match", "quote")
"""What verifiers call the part of a text that decided, in their evidence."""
_KEPT = "\n\t\u200c\u200d"


@dataclass(frozen=True, slots=True)
class Span:
    """text[start:end], and how it is shown. title: why."""

    start: int
    end: int
    kind: str
    title: str = ""


def is_hidden(letter: str) -> bool:
    """Whether a browser would obey it, or show nothing for it. Joiners stay: emoji and scripts are written with them."""
    return letter not in _KEPT and (
        unicodedata.category(letter) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp") or letter in _BLANKS
    )


def _is_plain(text: str) -> bool:
    return text.isascii() and text.replace("\n", "").replace("\t", "").isprintable()


_BLANKS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")


def visible(text: object) -> Markup:
    """The text, escaped; its hidden marks are written out."""
    return Markup("").join(_visible(str(text), [MAX_MARKS]))


def _visible(text: str, left: list[int]) -> Iterator[Markup]:
    """left: how many marks may still get an element."""
    if _is_plain(text):
        yield escape(text)
        return
    start = 0
    while start < len(text):
        end = start + 1
        hidden = is_hidden(text[start])
        while end < len(text) and is_hidden(text[end]) == hidden:
            end += 1
        part, start = text[start:end], end
        if not hidden:
            yield escape(part)
        elif left[0] > 0:
            left[0] -= 1
            yield Markup('<i class="hid" title="{}">{}</i>').format(_names(part), _codes(part))
        else:
            yield escape(_codes(part))


def _codes(part: str) -> str:
    """A run of one mark is written once, with how often."""
    if len(part) > 3 and len(set(part)) == 1:
        return f"{_code(part[0])}×{len(part)}"
    return "".join(map(_code, part))


def _code(letter: str) -> str:
    return f"U+{ord(letter):04X}"


def _names(part: str) -> str:
    return ", ".join(dict.fromkeys(unicodedata.name(letter, _code(letter)) for letter in part[:4]))


# --- spans ------------------------------------------------------------------------------------------------------------


def spans_of(text: str, result: dict[str, Any]) -> list[Span]:
    """Its sections, and what its components looked at."""
    sections = section_spans(text)
    answers = [one for one in sections if one.kind == "answer"]
    decided = [
        span
        for name, part in result["components"].items()
        for span in _decided(text, name, part, answers[-1] if answers else None)
    ]
    return [*sections, *decided[:MAX_SPANS]]


def section_spans(text: str) -> list[Span]:
    """The think and answer sections, without their marks, and the marks."""
    marks: list[Section] = [Section(*thinking_marks(text)), section("answer")]
    tags = scan(text, marks)[:MAX_TAGS]
    spans = [Span(tag.start, tag.end, "tag") for tag in tags]
    for number, kind in enumerate(("think", "answer")):
        spans += _sections(text, [tag for tag in tags if tag.section == number], kind)
    return spans


def _sections(text: str, tags: list[Tag], kind: str) -> Iterator[Span]:
    """A closing mark alone ends what the chat template opened; an opening one alone goes to the end."""
    start: int | None = 0 if tags and tags[0].closing else None
    for tag in tags:
        if tag.closing and start is not None:
            yield Span(start, tag.start, kind)
            start = None
        elif not tag.closing and start is None:
            start = tag.end
    if start is not None:
        yield Span(start, len(text), kind)


def _decided(text: str, name: str, part: dict[str, Any], answer: Span | None) -> Iterator[Span]:
    evidence = part.get("evidence")
    if not isinstance(evidence, dict):
        return
    title = f"{name}: {part.get('reason', '')}"[:300]
    for key in _QUOTES:
        quote = evidence.get(key)
        if isinstance(quote, str) and quote.strip() and (at := _place(text, quote, answer)) >= 0:
            yield Span(at, at + len(quote), "decided", title)
    for pair in evidence.get("spans") or ():
        if (
            isinstance(pair, list)
            and len(pair) == 2
            and all(type(one) is int and 0 <= one <= len(text) for one in pair)
        ):
            yield Span(min(pair), max(pair), "decided", title)
    errors = evidence.get("errors")
    for error in errors if isinstance(errors, list) else ():
        offset = error.get("offset") if isinstance(error, dict) else None
        if type(offset) is int and 0 <= offset < len(text):
            end = offset + max(1, len(str(error.get("what") or "")))
            yield Span(offset, min(len(text), end), "fault", title)


def _place(text: str, quote: str, answer: Span | None) -> int:
    """Where it stands last: in the answer section if it is there, else anywhere."""
    inside = text.rfind(quote, answer.start, answer.end) if answer else -1
    return inside if inside >= 0 else text.rfind(quote)


# --- HTML -------------------------------------------------------------------------------------------------------------


def marked(text: str, spans: Iterable[Span], start: int = 0, end: int | None = None) -> Markup:
    """text[start:end] with its spans."""
    end = len(text) if end is None else end
    inside = [one for one in spans if one.start < end and one.end > start and one.start < one.end]
    edges = sorted({start, end, *(min(max(edge, start), end) for one in inside for edge in (one.start, one.end))})
    left = [MAX_MARKS]
    parts = []
    for begin, stop in pairwise(edges):
        over = [one for one in inside if one.start <= begin and one.end >= stop]
        body = Markup("").join(_visible(text[begin:stop], left))
        if over:
            kinds = " ".join(dict.fromkeys(one.kind for one in over))
            title = "; ".join(dict.fromkeys(one.title for one in over if one.title))
            body = Markup('<span class="{}"{}>{}</span>').format(
                kinds, Markup(' title="{}"').format(visible_text(title)) if title else "", body
            )
        parts.append(body)
    return Markup("").join(parts)


def visible_text(text: object) -> str:
    """As `visible`, for an attribute or where no element may stand."""
    text = str(text)
    if _is_plain(text):
        return text
    return "".join(_code(one) if is_hidden(one) else one for one in text)


@dataclass(frozen=True, slots=True)
class Body:
    """The HTML of a text. left_out: characters that are not shown yet."""

    html: Markup
    left_out: int


def body_of(text: str, result: dict[str, Any], *, whole: bool = False) -> Body:
    """The text, or the beginning and the end of a long one, where the answer is."""
    spans = spans_of(text, result)
    left_out = len(text) - HEAD - TAIL
    if whole or left_out <= 0:
        return Body(marked(text, spans), 0)
    gap = Markup('<span class="gap">{} characters are not shown</span>').format(f"{left_out:,}")
    return Body(marked(text, spans, 0, HEAD) + gap + marked(text, spans, len(text) - TAIL), left_out)
