"""Boxes and tags: `\\boxed{…}`, boxes in boxes, `<answer>…</answer>`. From the end, each stretch searched once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from reward_verifiers.answer.extraction.guards import changed_after, changed_before, corrected, retracted
from reward_verifiers.answer.extraction.spans import MAX_ANSWER, Extraction, Span, chained, changes_number

_MAX_NESTED = 4

_MAX_SIBLINGS = 8
"""Boxes beside one another that are passed over to find the box around them."""

_ONLY_WORDS = re.compile(r"(?=.*[^\W\d_]{2})[^\d\\=+\-*/,;<>{}\[\]^_]*", re.S)

_MAX_TAIL = 400
"""Characters behind a box in which it may be taken back."""

_MAX_NAMES = 1000
"""Box commands without a box that are passed over."""

_BRACE = re.compile(r"\\.|[{}]", re.S)

_UNBRACED = re.compile(r"\\f?boxed\s{1,3}([^\s${}]{1,64})")

BOXES = ("\\boxed", "\\fbox")


def _closing_brace(text: str, start: int) -> int:
    """Index of the brace that closes the one before `start`, or -1. Reads at most MAX_ANSWER characters."""
    end = min(len(text), start + MAX_ANSWER)
    close = text.find("}", start, end)
    if close < 0 or (text.find("{", start, close) < 0 and text.find("\\", start, close) < 0):
        return close
    depth = 1
    for match in _BRACE.finditer(text, start, end):
        if match.group() == "{":
            depth += 1
        elif match.group() == "}":
            depth -= 1
            if depth == 0:
                return match.start()
    return -1


def _box_at(text: str, start: int) -> Span | bool | None:
    """The box at `start`; False when it is never closed; None when this is only the command's name."""
    brace = start + (6 if text.startswith("\\boxed", start) else 5)
    while brace < len(text) and text[brace] == " " and brace - start < 10:
        brace += 1
    if text.startswith("{", brace):
        close = _closing_brace(text, brace + 1)
        return Span(start, close + 1, text[brace + 1 : close]) if close >= 0 else False
    bare = _UNBRACED.match(text, start)
    return Span(start, bare.end(), bare.group(1).rstrip(".,;")) if bare else None


def _boxes_before(text: str, end: int, floor: int = 0) -> Iterator[Span | bool]:
    """The boxes from the last to the first. Each stretch of the text is searched once, however many there are."""
    starts = [text.rfind(name, floor, end) for name in BOXES]
    passed = 0
    while passed < _MAX_NAMES:
        start = max(starts)
        if start < 0:
            return
        box = _box_at(text, start)
        if box is None:
            passed += 1
        else:
            yield box
        place = starts.index(start)
        starts[place] = text.rfind(BOXES[place], floor, start)


def _box_before(text: str, end: int, floor: int = 0) -> Span | bool | None:
    """The last box; of boxes in a box the outermost, so that what stands beside the inner one is not lost."""
    box = next(_boxes_before(text, end, floor), None)
    for _ in range(_MAX_NESTED):
        if not isinstance(box, Span):
            break
        start = max(floor, box.start - MAX_ANSWER)
        if text.rfind("box", start, box.start) < 0:
            break
        others = islice(_boxes_before(text, box.start, start), _MAX_SIBLINGS)
        around = next((other for other in others if isinstance(other, Span) and other.end >= box.end), None)
        if around is None:
            break
        content = around.end - 1 - len(around.content)
        before, after = text[content : box.start], text[box.end : around.end - 1]
        beside = f"{before} {after}"
        changed = changes_number(beside) or changed_before(before) or changed_after(after)
        if _ONLY_WORDS.fullmatch(beside) and not changed:
            break  # a sentence in a box, with its answer in another
        box = around
    return box


_TAG_NAMES = ("answer", "ANSWER", "Answer")


def _tag_before(text: str, end: int, floor: int = 0) -> Span | bool | None:
    if "</" not in text:
        return None
    close = max(text.rfind(f"</{name}>", floor, end) for name in _TAG_NAMES)
    if close < 0:
        return None
    start = max(text.rfind(f"<{name}>", max(floor, close - MAX_ANSWER), close) for name in _TAG_NAMES)
    return Span(start, close + 9, text[start + 8 : close]) if start >= 0 else False


def last_box(text: str, single: bool = True) -> Extraction | None:
    """The last `\\boxed{…}`, joined with the boxes beside it when `single` (one final answer) is wanted."""
    box = _box_before(text, len(text))
    if isinstance(box, Span):
        behind = text[box.end : box.end + _MAX_TAIL]
        if single and (retracted(behind) or corrected(box.content, behind)):
            return Extraction(None, "boxed", "the answer is taken back")
        return chained(text, box, _box_before, "boxed", single)
    return Extraction(None, "boxed", "the last box is not closed") if box is False else None


def all_boxes_agree(text: str) -> Extraction | None:
    """The last box, provided that every box in the text holds the same text but for spaces."""
    boxes = _boxes_before(text, len(text))
    last = next(boxes, None)
    if not isinstance(last, Span):
        return Extraction(None, "boxed", "the last box is not closed") if last is False else None
    wanted = "".join(last.content.split())
    for box in boxes:
        if not isinstance(box, Span):
            break
        if "".join(box.content.split()) != wanted:
            return Extraction(None, "boxed", "the boxes disagree")
    return Extraction(last.content.strip(), "boxed")


def answer_tag(text: str, single: bool = True) -> Extraction | None:
    """The last `<answer>…</answer>`; a box inside it is the answer proper."""
    tag = _tag_before(text, len(text))
    if tag is None:
        return None
    if not isinstance(tag, Span):
        return Extraction(None, "answer_tag", "the answer tag was never opened, or its content is too long")
    if single and corrected(tag.content, text[tag.end : tag.end + _MAX_TAIL]):
        return Extraction(None, "answer_tag", "the answer is taken back")
    candidate = chained(text, tag, _tag_before, "answer_tag", single)
    if candidate.text is None:
        return candidate
    inner = last_box(candidate.text, single)
    return Extraction(inner.text, "answer_tag", inner.problem) if inner else candidate
