"""Which marks belong to which section, and which are missing or misplaced."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from reward_verifiers.completion import Tag
from reward_verifiers.format.options import FormatOptions


class Fault(NamedTuple):
    """One breach: its code, where in the completion (None: something is missing), and which mark or token it is."""

    code: str
    offset: int | None
    what: str


@dataclass(slots=True)
class Pair:
    """A section's marks, as far as they are in place."""

    section: int
    name: str
    opening: Tag | None = None
    closing: Tag | None = None

    def inside(self, text: str) -> str | None:
        if self.opening is None or self.closing is None:
            return None
        return text[self.opening.end : self.closing.start]


def _pair(section: int, options: FormatOptions) -> Pair:
    return Pair(section, options.marks[section].opening.strip("<>[]|◁▷ "))


def in_order(tags: Sequence[Tag], options: FormatOptions) -> tuple[list[Pair], list[Fault]]:
    """Each section once, in order: a fault for every mark that is misplaced and for every one that is missing.

    The state is the number of marks that are done. Calls may come again: each further one is a further pair.
    """
    marks = options.marks
    expected = [(section, closing) for section in range(len(marks)) for closing in (False, True)]
    turn = {kind: position for position, kind in enumerate(expected)}
    present = {(tag.section, tag.closing) for tag in tags}
    faults = [
        Fault("missing", None, marks[section][closing])
        for section, closing in expected
        if (section, closing) not in present
    ]
    pairs = [_pair(section, options) for section in range(len(marks))]
    done = 0
    for tag in tags:
        # What the text never has must not hold up the rest.
        while done < len(expected) and expected[done] not in present:
            done += 1
        mine = turn[tag.section, tag.closing]
        if options.answer == "calls" and done == len(expected) and mine == done - 2:
            pairs.append(_pair(tag.section, options))
            done -= 2
        if mine != done:
            faults.append(Fault("repeated" if mine < done else "out_of_order", tag.start, str(tag)))
            continue
        _set(pairs[-1] if mine >= len(expected) - 2 else pairs[mine // 2], tag)
        done += 1
    if len(pairs) > len(marks) and pairs[-1].closing is None:
        faults.append(Fault("missing", None, marks[-1].closing))
    return pairs, faults


def interleaved(tags: Sequence[Tag], options: FormatOptions) -> tuple[list[Pair], list[Fault]]:
    """Sections in any order, as often as they like; an answer with marks comes once, at the end."""
    pairs: list[Pair] = []
    faults: list[Fault] = []
    last = len(options.marks) - 1
    is_open = False
    for tag in tags:
        answered = options.answer == "tag" and bool(pairs) and pairs[-1].section == last and not is_open
        if tag.closing == is_open and (not is_open or pairs[-1].section == tag.section) and not answered:
            if not tag.closing:
                pairs.append(_pair(tag.section, options))
            _set(pairs[-1], tag)
            is_open = not tag.closing
        else:
            faults.append(Fault("repeated" if answered else "out_of_order", tag.start, str(tag)))
    if is_open:
        faults.append(Fault("missing", None, options.marks[pairs[-1].section].closing))
    if not options.think_optional and (not pairs or pairs[0].section != 0):
        faults.append(Fault("missing", None, options.marks[0].opening))
    if options.answer == "tag" and (not pairs or pairs[-1].section != last):
        faults.append(Fault("missing", None, options.marks[last].opening))
    return pairs, faults


def _set(pair: Pair, tag: Tag) -> None:
    if tag.closing:
        pair.closing = tag
    else:
        pair.opening = tag
