"""Finding the final answer in a completion: from the end, in linear time, never by backtracking.

    text ──▶ answer_tag ▶ boxed ▶ #### ▶ phrase ▶ short ▶ last_line ▶ last_math ▶ last_number ──▶ Extraction
             (each source either is not there, and the next is asked, or decides)

A place is a function and a line of `_SOURCES`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from reward_verifiers.answer.extraction.boxes import all_boxes_agree, answer_tag, last_box
from reward_verifiers.answer.extraction.endings import emphasised, sentence_end, worked
from reward_verifiers.answer.extraction.formulas import last_math
from reward_verifiers.answer.extraction.named import by_pattern, by_tag, json_field
from reward_verifiers.answer.extraction.numbers import final_number, last_number, sentence_number
from reward_verifiers.answer.extraction.prose import declared, declared_after_box, hash_marks, last_line, phrase
from reward_verifiers.answer.extraction.spans import MAX_ANSWER, Extraction


def whole(text: str, single: bool = True) -> Extraction | None:
    """Everything after the thinking."""
    content = text.strip()
    if len(content) > MAX_ANSWER:
        return Extraction(None, "after_think", "too long for an answer")
    return Extraction(content, "after_think") if content else None


def short(text: str, single: bool = True) -> Extraction | None:
    """The whole text, when it is no longer than an answer."""
    content = text.strip()
    return Extraction(content, "short") if content and len(content) <= 300 and content.count("\n") < 2 else None


_COMMENT = "<!--"


_STRUCK = re.compile(r"~~(?=[^\s~])[^~\n\\$]{1,80}(?<=\S)~~")


def as_seen(text: str) -> str:
    """Without HTML comments, which a reader of the page does not see, and without what is struck out."""
    text = _without_comments(text)
    return _STRUCK.sub(" ", text) if "~~" in text else text


def _without_comments(text: str) -> str:
    if _COMMENT not in text:
        return text
    pieces, at = [], 0
    while (start := text.find(_COMMENT, at)) >= 0:
        end = text.find("-->", start)
        pieces.append(text[at:start])
        if end < 0:
            return "".join(pieces)
        at = end + 3
    return "".join([*pieces, text[at:]])


_SOURCES: dict[str, Callable[[str, bool], Extraction | None]] = {
    "answer_tag": answer_tag,
    "declared": declared,
    "boxed": last_box,
    "####": hash_marks,
    "phrase": phrase,
    "emphasised": emphasised,
    "worked": worked,
    "short": short,
    "last_line": last_line,
    "sentence_end": sentence_end,
    "final_number": final_number,
    "sentence_number": sentence_number,
    "last_math": last_math,
    "last_number": last_number,
    "after_think": whole,
}

SOURCES = tuple(_SOURCES)
_MARKED = frozenset({"answer_tag", "boxed", "emphasised"})

WITH_ARGUMENT = ("json:", "tag:", "regex:")


def candidates(
    text: str, sources: Iterable[str], single: bool, all_agree: bool, labels: bool = False
) -> Iterable[Extraction]:
    """What each source finds, in order, lazily. `json:<path>` is a source too.

    labels: the answer is words, of which a negation in prose may be a part: "not enough evidence". Beside a box it is none.
    """
    for source in sources:
        if source == "boxed" and all_agree:
            candidate = all_boxes_agree(text)
        elif source == "boxed":
            candidate = declared_after_box(text, single and not labels) or last_box(text, single)
        elif source.startswith("json:"):
            candidate = json_field(text, source[5:])
        elif source.startswith("tag:"):
            candidate = by_tag(text, source[4:])
        elif source.startswith("regex:"):
            candidate = by_pattern(text, source[6:])
        else:
            candidate = _SOURCES[source](text, single and (source in _MARKED or not labels))
        if candidate is not None:
            yield candidate
