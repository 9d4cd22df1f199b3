"""What was extracted, stretches of a text, and how stretches side by side become one answer.

Boxes or tags that stand side by side (`\\boxed{1} or \\boxed{2}`) are one answer: the list of their contents. So a
hedge is a list, and a list is not equal to the single value that it happens to hold.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from reward_verifiers.answer.reading import words

MAX_ANSWER = 10_000
"""Characters; what is longer is not an answer."""

TAIL = 4_000
"""Characters of the end that the sources for prose read."""

MAX_CHAIN = 32


class Extraction(NamedTuple):
    """The answer's text and where it stood, or why there is none."""

    text: str | None
    source: str
    problem: str = ""


class Span(NamedTuple):
    start: int
    end: int
    content: str


_MAX_GAP = 60

JOINER = re.compile(
    r"[\s$,;:/|&*()\\\]\[{}.!?、，；或和及]*"
    r"(?:(?:or|and|maybe|perhaps|possibly|alternatively|else|either|text|q?quad|[xyz]|[a-z]_\{?\d\}?|=)"
    r"[\s$,;:/|&*()\\\]\[{}.]*){0,8}",
    re.I,
)

_PARTS = re.compile(r"[^.!?=\n]{0,50}\band\b[\s$(\[{}\\]{0,9}")
"""Between the two parts of one answer: \\boxed{1} papers and \\boxed{2} bins."""

_NEGATED_BEFORE = re.compile(
    r"(?:\bnot|n['’]t|\bcannot|\bnever|\bneither|不是|不等于|并非)"
    r"(?:\s{1,3}(?:be|equal|equals|to|simply|just|the answer|therefore|thus|always|exactly|really|actually|quite|even)){0,3}"
    r"[\s:$*(}]{0,6}$",
    re.I,
)

DENIED_AFTER = re.compile(
    r"[\s$*).,]{0,6}"
    r"(?:(?:is|was|are|seems|looks)\s(?:not\b|wrong|incorrect|false|too\s|(?:almost|nearly|hardly|barely|half)\sthe\s)"
    r"|(?:is|was|does|ca)n['’]t\b"
    r"|\((?:not\s(?:really|quite|exactly)|wrong|incorrect|false)\)"
    r"|(?:it|that|this)\s(?:is|was)(?:\snot|n['’]t)(?:\sit)?[.!]?\s{0,3}$"
    r"|(?:is|was)\s(?:excluded|rejected|invalid|impossible|ruled\sout|eliminated|extraneous)\b|fails\b"
    r"|cannot\b|does\snot\b|不对|错误|是错)",
    re.I,
)


def is_negated(before: str) -> bool:
    """Whether a text that ends where an answer begins denies the answer."""
    low = before.lower()  # to look for the words is much cheaper than the pattern
    if low.isascii() and "not" not in low and "n't" not in low and "never" not in low and "neither" not in low:
        return False
    return _NEGATED_BEFORE.search(before) is not None


def chained(
    text: str, last: Span, before: Callable[[str, int, int], Span | bool | None], source: str, single: bool
) -> Extraction:
    """`last` together with the spans that stand side by side with it."""
    near = ("</answer>", "</ANSWER>", "</Answer>") if source == "answer_tag" else ("}", "boxed")
    contents = [last.content]
    first = last
    while single and len(contents) < MAX_CHAIN:
        gap = text[max(0, first.start - _MAX_GAP - 9) : first.start]
        if not any(map(gap.__contains__, near)):
            break
        floor = max(0, first.start - MAX_ANSWER)
        previous = before(text, first.start, floor)
        if not isinstance(previous, Span) or previous.end > first.start or first.start - previous.end > _MAX_GAP:
            break
        if not JOINER.fullmatch(text, previous.end, first.start) and not _PARTS.fullmatch(
            text, previous.end, first.start
        ):
            break
        contents.append(previous.content)
        first = previous
    if single and is_negated(text[max(0, first.start - 60) : first.start]):
        return Extraction(None, source, "the answer is negated")
    if single and DENIED_AFTER.match(text, last.end):
        return Extraction(None, source, "the answer is taken back")
    distinct = dict.fromkeys(content.strip() for content in reversed(contents))
    return Extraction(", ".join(distinct), source)


_LEAD = re.compile(r"^(?:>\s{1,3}|∴\s?)+")


_DECORATION = " \t\ufe0f✅✓✔☑🎉🎯🙂😊👍💡🏆✨"
"""At the end of a line, says nothing; a cross does."""


_SMILEY = re.compile(r"\s[:;]-?\)\s{0,4}$")


def undecorated(line: str) -> str:
    """Without the check marks and the like at its end."""
    line = _SMILEY.sub("", line)
    return line if line.isascii() else line.rstrip(_DECORATION)


def bare_line(line: str) -> str:
    """A line without emphasis, "therefore" as a sign, and Markdown's sign of a quotation; ">42" is a bound."""
    return _LEAD.sub("", undecorated(line).strip(" \t*`")).strip(" \t*`")


SENTENCE_END = re.compile(r"(?<!\bi\.e)(?<!\be\.g)[.!?](?=\s|$|\*\*)|[。！？]")


def last_match(pattern: re.Pattern[str], text: str, start: int = 0) -> re.Match[str] | None:
    candidate = deque(pattern.finditer(text, start), maxlen=1)
    return candidate[0] if candidate else None


def changes_number(text: str) -> bool:
    return any(word.lower() in words.NUMBER_CHANGING for word in ANY_WORD.findall(text))


ANY_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
