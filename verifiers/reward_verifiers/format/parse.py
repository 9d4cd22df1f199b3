"""One state machine over the tags of a completion: its sections, and everything that is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from reward_verifiers.completion import MAX_TAGS, TURN_TOKENS, Tag, code_spans, outside, scan, without_end
from reward_verifiers.format.options import FormatOptions

# HTML's strike-through ends in it, so that it may stand in honest text.
_NOT_FORGED = frozenset({"</s>"})
MAX_FORGED = 100
_BRACES = re.compile("[{}]")


class Fault(NamedTuple):
    """One breach: its code, where it stands in the text (None: something is missing), and which tag or token it is."""

    code: str
    offset: int | None
    what: str


@dataclass(slots=True)
class Parsed:
    """The sections by tag name (and `answer`), and the faults, in order of place."""

    sections: dict[str, str] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    in_place: int = 0
    expected: int = 0


def parse(text: str, options: FormatOptions) -> Parsed:
    """Read a whole text: what the chat template wrote, and the completion."""
    text = without_end(text, options.eos)
    tags = scan(text, options.tags, case_sensitive=options.case_sensitive, whitespace=options.tag_whitespace)
    faults = [Fault("too_many_tags", tags[-1].start, str(tags[-1]))] if len(tags) == MAX_TAGS else []
    if options.ignore_in_code:
        tags = outside(tags, code_spans(text))
    expected = [(name, closing) for name in options.tags for closing in (False, True)]
    placed, order = _in_order(tags, expected)
    parsed = Parsed(faults=faults + order, in_place=len(placed), expected=len(expected))
    parsed.faults += _forged(text, options.eos)
    if len(placed) == len(expected):
        _read_sections(text, placed, options, parsed)
    parsed.faults.sort(key=lambda fault: (fault.offset is None, fault.offset or 0))
    return parsed


def _in_order(tags: Sequence[Tag], expected: Sequence[tuple[str, bool]]) -> tuple[list[Tag], list[Fault]]:
    """The tags that stand where the template wants one, and a fault for every other and for every one that is missing."""
    placed: list[Tag] = []
    faults: list[Fault] = []
    present = {(tag.name, tag.closing) for tag in tags}
    done: set[tuple[str, bool]] = set()
    for tag in tags:
        kind = (tag.name, tag.closing)
        # What the text never has must not hold up the rest: it is reported as missing below.
        while len(done) < len(expected) and expected[len(done)] not in present:
            done.add(expected[len(done)])
        if kind in done:
            faults.append(Fault("repeated", tag.start, str(tag)))
        elif kind == expected[len(done)]:
            placed.append(tag)
            done.add(kind)
        else:
            faults.append(Fault("out_of_order", tag.start, str(tag)))
    missing = [Fault("missing", None, str(Tag(*kind, 0, 0))) for kind in expected if kind not in present]
    return placed, missing + faults


def _forged(text: str, eos: Sequence[str]) -> Iterator[Fault]:
    count = 0
    for token in (*eos, *TURN_TOKENS):
        if token in _NOT_FORGED or not token:
            continue
        start = text.find(token)
        while start >= 0 and count < MAX_FORGED:
            count += 1
            yield Fault("chat_token", start, token)
            start = text.find(token, start + len(token))


def _read_sections(text: str, placed: Sequence[Tag], options: FormatOptions, parsed: Parsed) -> None:
    pairs = list(zip(placed[::2], placed[1::2], strict=True))
    for opening, closing in pairs:
        parsed.sections[opening.name] = text[opening.end : closing.start]
    last = placed[-1].end
    is_rest = options.answer == "rest"
    answer = text[last:] if is_rest else parsed.sections[options.tags[-1]]
    parsed.sections["answer"] = answer
    edges = [0, *(place for pair in pairs for place in (pair[0].start, pair[1].end)), len(text)]
    gaps = [(start, end) for start, end in zip(edges[::2], edges[1::2], strict=True)]
    parsed.faults += [] if options.text_outside == "any" else _text_outside(text, gaps[:-1] if is_rest else gaps)
    for opening, _ in pairs[:-1] if not is_rest and len(pairs) > 1 else pairs:
        least = options.min_think_chars if opening.name == options.tags[0] else 1
        parsed.faults += _too_short(parsed.sections[opening.name], least, opening.end, opening.name)
    parsed.faults += _too_short(answer, options.min_answer_chars, last if is_rest else pairs[-1][0].end, "answer")
    if options.newlines:
        parsed.faults += _off_line(text, pairs)
    if options.require_boxed and not has_box(answer):
        parsed.faults.append(Fault("no_box", None, "\\boxed{…}"))


def _text_outside(text: str, gaps: Sequence[tuple[int, int]]) -> Iterator[Fault]:
    for position, (start, end) in enumerate(gaps):
        if text[start:end].strip():
            where = "before" if position == 0 else "after" if end == len(text) else "between"
            yield Fault(f"text_{where}", start, "")


def _too_short(section: str, least: int, offset: int, name: str) -> Iterator[Fault]:
    length = len(section.strip())
    if length < least:
        yield Fault("empty" if not length else "too_short", offset, name)


def _off_line(text: str, pairs: Sequence[tuple[Tag, Tag]]) -> Iterator[Fault]:
    """Faults where a tag does not stand on a line of its own; blank lines between the sections are none."""
    for opening, closing in pairs:
        for tag in (opening, closing):
            starts_line = tag.start == 0 or text[tag.start - 1] == "\n"
            ends_line = tag.end == len(text) or text[tag.end] == "\n"
            if not (starts_line and ends_line):
                yield Fault("not_on_its_own_line", tag.start, str(tag))


def has_box(text: str) -> bool:
    r"""Whether the last \boxed{…} is closed and holds something."""
    start = text.rfind("\\boxed{")
    if start < 0:
        return False
    begin, depth = start + len("\\boxed{"), 1
    for brace in _BRACES.finditer(text, begin):
        depth += 1 if brace[0] == "{" else -1
        if not depth:
            return bool(text[begin : brace.start()].strip())
    return False
