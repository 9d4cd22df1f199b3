"""One state machine over the tags of a completion: its sections, and everything that is wrong with it.

    written + completion ──▶ scan ──▶ _place: pairs, one a section ──▶ checks of gaps, sections, lines ──▶ Parsed

The state is the number of template tags that are done. Where one of them is missing or misplaced, what can still be
checked is checked, so that the faults are all there. What the template itself wrote is read but never blamed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import jiter

from reward_verifiers.completion import END_TOKENS, MAX_TAGS, TURN_TOKENS, Tag, scan, visible, without_end
from reward_verifiers.format.options import FormatOptions

# HTML's strike-through ends in it, so that it may stand in honest text.
_NOT_FORGED = frozenset({"</s>"})
MAX_FORGED = 100
_BRACES = re.compile("[{}]")


class Fault(NamedTuple):
    """One breach: its code, where in the completion (None: something is missing), and which tag or token it is."""

    code: str
    offset: int | None
    what: str


@dataclass(slots=True)
class Pair:
    """A section's tags, as far as they are in place."""

    name: str
    opening: Tag | None = None
    closing: Tag | None = None

    def inside(self, text: str) -> str | None:
        if self.opening is None or self.closing is None:
            return None
        return text[self.opening.end : self.closing.start]


@dataclass(slots=True)
class Parsed:
    """The sections that are whole, and the faults in order of place."""

    think: str | None
    answer: str | None
    faults: list[Fault]
    in_place: float
    """Share of the template's tags that are in place."""


def parse(completion: str, options: FormatOptions, written: str = "") -> Parsed:
    """Read what the chat template has written and the completion behind it."""
    text = without_end(written + completion, options.eos)
    tags = scan(
        text,
        options.tags,
        case_sensitive=options.case_sensitive,
        whitespace=options.tag_whitespace,
        skip_code=options.ignore_in_code,
    )
    pairs, faults = _place(tags, options)
    if len(tags) == MAX_TAGS:
        faults.append(Fault("too_many_tags", tags[-1].start, str(tags[-1])))
    answer = _answer(text, pairs, options)
    start = len(written)
    faults += _forged(text, options.eos, start)
    faults += _text_outside(text, pairs, options, start)
    faults += _too_short(text, pairs, answer, options, start)
    if options.newlines:
        faults += _off_line(text, pairs, start)
    if options.require_boxed and answer is not None and not has_box(answer):
        faults.append(Fault("no_box", None, "\\boxed{…}"))
    if options.answer == "calls":
        faults += _bad_calls(text, pairs)
    template = pairs[: len(options.tags)]
    return Parsed(
        think=pairs[0].inside(text) if options.answer == "rest" or len(template) > 1 else None,
        answer=answer,
        faults=sorted(
            (fault if fault.offset is None else fault._replace(offset=fault.offset - start) for fault in faults),
            key=lambda fault: (fault.offset is None, fault.offset or 0),
        ),
        in_place=sum((pair.opening is not None) + (pair.closing is not None) for pair in template) / len(template) / 2,
    )


def _place(tags: Sequence[Tag], options: FormatOptions) -> tuple[list[Pair], list[Fault]]:
    """The template's pairs, and a fault for every tag that is misplaced and for every one that is missing.

    Calls may come again: each further one is a further pair.
    """
    expected = [(name, closing) for name in options.tags for closing in (False, True)]
    turn = {kind: position for position, kind in enumerate(expected)}
    present = {(tag.name, tag.closing) for tag in tags}
    faults = [Fault("missing", None, str(Tag(*kind, 0, 0))) for kind in expected if kind not in present]
    pairs = [Pair(name) for name in options.tags]
    done = 0
    for tag in tags:
        # What the text never has must not hold up the rest.
        while done < len(expected) and expected[done] not in present:
            done += 1
        mine = turn[tag.name, tag.closing]
        if options.answer == "calls" and done == len(expected) and mine == done - 2:
            pairs.append(Pair(tag.name))
            done -= 2
        if mine < done:
            faults.append(Fault("repeated", tag.start, str(tag)))
            continue
        if mine > done:
            faults.append(Fault("out_of_order", tag.start, str(tag)))
            continue
        pair = pairs[-1] if mine >= len(expected) - 2 else pairs[mine // 2]
        if tag.closing:
            pair.closing = tag
        else:
            pair.opening = tag
        done += 1
    if len(pairs) > len(options.tags) and pairs[-1].closing is None:
        faults.append(Fault("missing", None, str(Tag(pairs[-1].name, True, 0, 0))))
    return pairs, faults


def _answer(text: str, pairs: Sequence[Pair], options: FormatOptions) -> str | None:
    if options.answer == "rest":
        return None if pairs[-1].closing is None else text[pairs[-1].closing.end :]
    calls = [pair.inside(text) for pair in pairs[len(options.tags) - 1 :]]
    return "\n".join(call for call in calls if call is not None) if None not in calls else None


def _forged(text: str, eos: Sequence[str], start: int) -> Iterator[Fault]:
    count = 0
    for token in dict.fromkeys((*eos, *END_TOKENS, *TURN_TOKENS)):
        if token in _NOT_FORGED or not token:
            continue
        place = text.find(token, start)
        while place >= 0 and count < MAX_FORGED:
            count += 1
            yield Fault("chat_token", place, token)
            place = text.find(token, place + len(token))


def _text_outside(text: str, pairs: Sequence[Pair], options: FormatOptions, start: int) -> Iterator[Fault]:
    if options.text_outside == "any":
        return
    first, last = pairs[0].opening, pairs[-1].closing
    gaps = [("before", 0, first.start)] if first else []
    for one, other in pairwise(pairs):
        if one.closing and other.opening:
            gaps.append(("between", one.closing.end, other.opening.start))
    if last and options.answer != "rest":
        gaps.append(("after", last.end, len(text)))
    for where, begin, end in gaps:
        begin = max(begin, start)
        if text[begin:end].strip():
            yield Fault(f"text_{where}", begin, "")


def _too_short(
    text: str, pairs: Sequence[Pair], answer: str | None, options: FormatOptions, start: int
) -> Iterator[Fault]:
    for position, pair in enumerate(pairs):
        section = pair.inside(text)
        is_answer = options.answer != "rest" and position >= len(options.tags) - 1
        least = options.min_answer_chars if is_answer else options.min_think_chars if position == 0 else 1
        if section is None or pair.opening is None or pair.closing is None or pair.closing.end <= start:
            continue
        yield from _short(section, least, pair.opening.end, "answer" if is_answer else pair.name)
    if options.answer == "rest" and answer is not None and pairs[-1].closing is not None:
        yield from _short(answer, options.min_answer_chars, pairs[-1].closing.end, "answer")


def _short(section: str, least: int, offset: int, name: str) -> Iterator[Fault]:
    count = visible(section, least)
    if count < least:
        yield Fault("too_short" if count else "empty", offset, name)


def _off_line(text: str, pairs: Sequence[Pair], start: int) -> Iterator[Fault]:
    """Faults where a tag does not stand on a line of its own; blank lines between the sections are none."""
    for tag in (tag for pair in pairs for tag in (pair.opening, pair.closing) if tag):
        starts_line = tag.start <= start or text[tag.start - 1] == "\n"
        ends_line = tag.end < start or tag.end == len(text) or text[tag.end] == "\n"
        if not (starts_line and ends_line):
            yield Fault("not_on_its_own_line", tag.start, str(tag))


def _bad_calls(text: str, pairs: Sequence[Pair]) -> Iterator[Fault]:
    for pair in pairs:
        section = pair.inside(text)
        if pair.name == pairs[-1].name and section is not None and pair.opening and not is_call(section):
            yield Fault("bad_call", pair.opening.end, pair.name)


def is_call(section: str) -> bool:
    """Whether it is one JSON object with a `name` and an object of `arguments`; doubled keys are no JSON here."""
    try:
        call = jiter.from_json(section.encode(), allow_inf_nan=False, catch_duplicate_keys=True)
    except ValueError:
        return False
    return (
        isinstance(call, dict)
        and isinstance(call.get("name"), str)
        and bool(call["name"].strip())
        and isinstance(call.get("arguments"), dict)
    )


def has_box(text: str) -> bool:
    r"""Whether the last \boxed{…} is closed and holds something."""
    start = text.rfind("\\boxed{")
    if start < 0:
        return False
    begin, depth = start + len("\\boxed{"), 1
    for brace in _BRACES.finditer(text, begin):
        depth += 1 if brace[0] == "{" else -1
        if not depth:
            return visible(text[begin : brace.start()], 1) > 0
    return False
