"""One state machine over the marks of a completion: its sections, and everything that is wrong with it.

    written + completion ──▶ scan ──▶ place: pairs, one a section ──▶ checks of gaps, sections, lines ──▶ Parsed

Where a mark is missing or misplaced, what can still be checked is checked, so that the faults are all there. What the
template itself wrote is read but never blamed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from reward_verifiers.completion import MAX_TAGS, scan, visible, without_end
from reward_verifiers.format import harmony
from reward_verifiers.format.calls import is_call
from reward_verifiers.format.options import FormatOptions
from reward_verifiers.format.place import Fault, Pair, in_order, interleaved
from reward_verifiers.format.tokens import forged

_BRACES = re.compile("[{}]")
_HARMONY_TOKENS = ("<|channel|>", "<|message|>", "<|end|>", "<|start|>", "<|return|>", "<|call|>", "<|constrain|>")


class Parsed(NamedTuple):
    """The sections that are whole, and the faults in order of place."""

    think: str | None
    answer: str | None
    faults: list[Fault]
    in_place: float
    """Share of the template's marks that are in place."""


@dataclass(frozen=True, slots=True)
class _Read:
    """A completion behind what the template wrote, and its sections."""

    text: str
    start: int
    options: FormatOptions
    pairs: Sequence[Pair]
    answer: str | None

    def is_answer(self, pair: Pair) -> bool:
        return self.options.answer in ("tag", "calls") and pair.section == len(self.options.marks) - 1


def parse(completion: str, options: FormatOptions, written: str = "") -> Parsed:
    """Read what the chat template has written and the completion behind it."""
    start = len(written)
    if options.answer == "harmony":
        return _harmony(written + completion, options, start)
    text = without_end(written + completion, options.eos)
    tags = scan(
        text,
        options.marks,
        case_sensitive=options.case_sensitive,
        whitespace=options.tag_whitespace,
        skip_code=options.ignore_in_code,
    )
    pairs, faults = interleaved(tags, options) if options.interleaved else in_order(tags, options)
    if len(tags) == MAX_TAGS:
        faults.append(Fault("too_many_tags", tags[-1].start, str(tags[-1])))
    read = _Read(text, start, options, pairs, _answer(text, pairs, options))
    own = [mark for pair in options.marks for mark in pair] + options.own_tokens
    faults += [Fault("chat_token", place, token) for place, token in forged(text, start, options.eos, own)]
    faults += [*_text_outside(read), *_too_short(read), *_off_line(read), *_bad_calls(read), *_no_box(read)]
    firsts = {pair.section: pair for pair in reversed(pairs)}
    place = sum((pair.opening is not None) + (pair.closing is not None) for pair in firsts.values())
    think = firsts[0].inside(text) if 0 in firsts and (options.answer != "tag" or len(options.marks) > 1) else None
    return Parsed(think, read.answer, _sorted(faults, start), place / len(options.marks) / 2)


def _sorted(faults: Sequence[Fault], start: int) -> list[Fault]:
    moved = [fault if fault.offset is None else fault._replace(offset=fault.offset - start) for fault in faults]
    return sorted(moved, key=lambda fault: (fault.offset is None, fault.offset or 0))


def _answer(text: str, pairs: Sequence[Pair], options: FormatOptions) -> str | None:
    if options.answer in ("rest", "rest_or_calls"):
        thinking = [pair for pair in pairs if pair.section == 0] if options.answer == "rest_or_calls" else pairs
        last = thinking[-1].closing if thinking else None
        if last is None:
            return text if options.think_optional and not thinking else None
        return text[last.end :]
    answers = [pair.inside(text) for pair in pairs if pair.section == len(options.marks) - 1]
    return "\n".join(answer for answer in answers if answer is not None) if answers and None not in answers else None


def _text_outside(read: _Read) -> Iterator[Fault]:
    if read.options.text_outside == "any":
        return
    pairs, text = read.pairs, read.text
    gaps = [("before", 0, pairs[0].opening.start)] if pairs and pairs[0].opening else []
    for one, other in pairwise(pairs):
        to_first_call = read.options.text_outside == "before_calls" and one.section != other.section
        if one.closing and other.opening and not to_first_call:
            gaps.append(("between", one.closing.end, other.opening.start))
    last = pairs[-1].closing if pairs else None
    if last and read.options.answer in ("tag", "calls"):
        gaps.append(("after", last.end, len(text)))
    for where, begin, end in gaps:
        begin = max(begin, read.start)
        if text[begin:end].strip():
            yield Fault(f"text_{where}", begin, "")


def _too_short(read: _Read) -> Iterator[Fault]:
    options = read.options
    for number, pair in enumerate(read.pairs):
        section = pair.inside(read.text)
        if section is None or pair.opening is None or pair.closing is None or pair.closing.end <= read.start:
            continue
        if read.is_answer(pair):
            yield from _short(section, options.min_answer_chars, pair.opening.end, "answer")
        elif not options.interleaved or number == 0:
            least = options.min_think_chars if pair.section == 0 else 1
            yield from _short(section, least, pair.opening.end, pair.name)
    if options.answer in ("rest", "rest_or_calls") and read.answer is not None:
        yield from _short(read.answer, options.min_answer_chars, len(read.text) - len(read.answer), "answer")


def _short(section: str, least: int, offset: int, name: str) -> Iterator[Fault]:
    count = visible(section, least)
    if count < least:
        yield Fault("too_short" if count else "empty", offset, name)


def _off_line(read: _Read) -> Iterator[Fault]:
    """Faults where a mark does not stand on a line of its own; blank lines between the sections are none."""
    if not read.options.newlines:
        return
    text, start = read.text, read.start
    for tag in (tag for pair in read.pairs for tag in (pair.opening, pair.closing) if tag):
        starts_line = tag.start <= start or text[tag.start - 1] == "\n"
        ends_line = tag.end < start or tag.end == len(text) or text[tag.end] == "\n"
        if not (starts_line and ends_line):
            yield Fault("not_on_its_own_line", tag.start, str(tag))


def _bad_calls(read: _Read) -> Iterator[Fault]:
    if read.options.answer not in ("calls", "rest_or_calls"):
        return
    for pair in read.pairs:
        section = pair.inside(read.text)
        if (
            pair.section == len(read.options.marks) - 1
            and section is not None
            and pair.opening
            and not is_call(section)
        ):
            yield Fault("bad_call", pair.opening.end, pair.name)


def _no_box(read: _Read) -> Iterator[Fault]:
    if read.options.require_boxed and read.answer is not None and not has_box(read.answer):
        yield Fault("no_box", None, "\\boxed{…}")


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


def _harmony(text: str, options: FormatOptions, start: int) -> Parsed:
    kept = without_end(text, [token for token in options.eos if token not in _HARMONY_TOKENS])
    messages = harmony.read(kept)
    faults = [Fault(*fault) for fault in messages.faults]
    for begin, end in messages.spans:
        faults += [Fault("chat_token", place, token) for place, token in forged(kept[:end], begin, options.eos, [])]
    think = "\n".join(messages.think) if messages.think else None
    answer = messages.final if messages.final is not None else "\n".join(messages.calls) or None
    if think is not None and visible(think, options.min_think_chars) < options.min_think_chars:
        faults.append(Fault("empty", None, "analysis"))
    if answer is not None and visible(answer, options.min_answer_chars) < options.min_answer_chars:
        faults.append(Fault("empty", None, "final"))
    if options.require_boxed and answer is not None and not has_box(answer):
        faults.append(Fault("no_box", None, "\\boxed{…}"))
    return Parsed(think, answer, _sorted(faults, start), ((think is not None) + (answer is not None)) / 2)
