"""Linear scanners over a completion: its tags, its end, what follows the thinking.

The text is hostile, so every function is one bounded pass: `str.find`, or a pattern that cannot go back over what it
has read. A scan stops at `MAX_TAGS`: a completion with more is malformed whatever follows.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import islice
from typing import NamedTuple

# Tokenizers read these as control, so a model that writes one forges a turn.
from trainer_client.dialect.end_tokens import END_TOKENS as END_TOKENS
from trainer_client.dialect.end_tokens import TURN_TOKENS as TURN_TOKENS
from trainer_client.dialect.end_tokens import without_end as without_end

MAX_TAGS = 1000

# Code that is closed: a fence, or inline code on one line. Neither can go back over what it has read.
_CODE = r"```(?s:.*?)```|(?<!`)`[^`\n]+`(?!`)"

# Not white space, not control, not what Unicode ignores by default, not a letter that is drawn blank (Hangul, Braille).
_VISIBLE = re.compile(
    r"[^\s\x00-\x20\x7f-\xa0\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2000-\u200f\u2028-\u202f"
    r"\u205f-\u206f\u2800\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U000e0000-\U000e0fff]"
)


class Section(NamedTuple):
    """The marks around a section, as they are written. Without a closing mark it goes to the end."""

    opening: str
    closing: str


class Tag(NamedTuple):
    """A mark and where it stands: text[start:end] is mark number `section`'s opening or closing."""

    section: int
    closing: bool
    start: int
    end: int
    mark: str

    def __str__(self) -> str:
        return self.mark


def section(name: str) -> Section:
    """The section of a tag.

    >>> section("think")
    Section(opening='<think>', closing='</think>')
    """
    return Section(f"<{name}>", f"</{name}>")


_SPACED = re.compile(r"<(/?)([^<>/]+)>")


@lru_cache(maxsize=256)
def _pattern(sections: tuple[Section, ...], case_sensitive: bool, whitespace: bool, skip_code: bool) -> re.Pattern[str]:
    marks = {mark for pair in sections for mark in pair if mark}
    options = "|".join(_mark(mark, whitespace) for mark in sorted(marks, key=len, reverse=True))
    flags = re.NOFLAG if case_sensitive else re.IGNORECASE
    return re.compile(f"{_CODE}|({options})" if skip_code else f"({options})", flags)


def _mark(mark: str, whitespace: bool) -> str:
    tag = _SPACED.fullmatch(mark) if whitespace else None
    if tag is None:
        return re.escape(mark)
    space = r"[ \t]{0,8}"
    return f"<{space}{tag[1]}{space if tag[1] else ''}{re.escape(tag[2])}{space}>"


def scan(
    text: str,
    sections: Sequence[Section],
    *,
    case_sensitive: bool = True,
    whitespace: bool = False,
    skip_code: bool = False,
) -> list[Tag]:
    """The opening and closing marks of these sections, in order of place; at most MAX_TAGS.

    With `skip_code`, marks in fenced blocks and in inline code are text. What is never closed hides nothing.
    """
    kinds = {
        mark.lower(): (number, closing, mark)
        for number, pair in reversed(list(enumerate(sections)))
        for closing, mark in enumerate(pair)
        if mark
    }
    tags = []
    for match in _pattern(tuple(sections), case_sensitive, whitespace, skip_code).finditer(text):
        if match[1]:
            plain = match[1].lower()
            number, closing, mark = kinds.get(plain) or kinds["".join(plain.split())]
            tags.append(Tag(number, bool(closing), match.start(), match.end(), mark))
            if len(tags) == MAX_TAGS:
                break
    return tags


def visible(text: str, enough: int) -> int:
    """How many characters of the text can be seen, counted up to `enough`."""
    return sum(1 for _ in islice(_VISIBLE.finditer(text), enough))


# --- what tools wrote ---------------------------------------------------------------------------------------------------

RESULTS = ("tool_response", "tool_result", "tool_output", "information", "interpreter", "observation")
"""Tags that trainers write around the output of a tool: Qwen's and Hermes's, Search-R1's, ReTool's."""
# `result` and `output` an answer may mark up by itself: they are a tool's where a call stands right before them.
_RESULT = re.compile(
    rf"(?P<open><(?P<tag>{'|'.join(RESULTS)})>)"
    r"|</(?:search|python|code|tool_call|tool)>\s{0,16}(?P<after><(?P<name>result|output)>)"
    r"|```\s{0,8}(?P<fence>```output\n)"
)
# Every result holds one of these: to look for them takes a fraction of the pattern's time.
_RESULT_TAGS = tuple(f"<{name}>" for name in (*RESULTS, "result", "output"))
_RESULT_TAG = re.compile("|".join(_RESULT_TAGS))
_RESULT_FENCE = "```output\n"
_FEW = 8


def without_results(text: str) -> str:
    """The text without what tools wrote into it, which is not the model's. A result that is never closed goes to the end.

    >>> without_results("<search>x</search><information><answer>3</answer></information> so <answer>4</answer>")
    '<search>x</search> so <answer>4</answer>'
    """
    if not _holds_result(text):
        return text
    pieces, place = [], 0
    for _ in range(MAX_TAGS):
        mark = _RESULT.search(text, place)
        if mark is None:
            break
        pieces.append(text[place : max(mark.start("open"), mark.start("after"), mark.start("fence"))])
        closing = f"</{name}>" if (name := mark["tag"] or mark["name"]) else "```"
        end = text.find(closing, mark.end())
        if end < 0:
            return "".join(pieces)
        place = end + len(closing)
    return "".join(pieces) + text[place:] if pieces else text


def _holds_result(text: str) -> bool:
    if "`" in text and _RESULT_FENCE in text:
        return True
    place = text.find("<")  # one sign is found ten times as fast as a pattern
    for _ in range(_FEW):
        if place < 0 or text.startswith(_RESULT_TAGS, place):
            return place >= 0
        place = text.find("<", place + 1)
    return place >= 0 and _RESULT_TAG.search(text, place) is not None


# --- thinking ---------------------------------------------------------------------------------------------------------

THINKING: tuple[tuple[str, str], ...] = (
    ("<think>", "</think>"),
    ("[THINK]", "[/THINK]"),
    ("<seed:think>", "</seed:think>"),
    ("\u25c1think\u25b7", "\u25c1/think\u25b7"),
    ("<longcat_think>", "</longcat_think>"),
    ("<mm:think>", "</mm:think>"),
    ("<|open|>think<|sep|>", "<|close|>think<|sep|>"),
    ("<|begin_of_thought|>", "<|end_of_thought|>"),
    ("<|START_THINKING|>", "<|END_THINKING|>"),
    ("<|inner_prefix|>", "<|inner_suffix|>"),
    ("<|channel>thought", "<channel|>"),
    ("<|channel|>analysis<|message|>", "<|end|>"),
    ("<thinking>", "</thinking>"),
    ("<thought>", "</thought>"),
    ("<reasoning>", "</reasoning>"),
)
"""What model families write around their thinking. A text is of the family whose mark comes first."""

_FINAL = "<|channel|>final<|message|>"
_HARMONY = "<|channel|>analysis<|message|>"
# Words that honest text may mark up: they are thinking only where a text begins with them.
_AT_START = frozenset({"<thinking>", "<thought>", "<reasoning>"})
_ONLY_AT_START = tuple(pair for pair in THINKING if pair[0] in _AT_START)
_FIRST_MARK = re.compile(
    "|".join(
        re.escape(mark)
        for opening, closing in THINKING
        if opening not in _AT_START
        for mark in ((opening,) if opening == _HARMONY else (opening, closing))
    )
)
_FIRST_SIGNS = frozenset(mark[0] for pair in THINKING for mark in pair)
_PAIR_OF = {mark: pair for pair in reversed(THINKING) for mark in pair}


def thinking_marks(text: str) -> tuple[str, str]:
    """The marks of the family that wrote the text; R1's when it has none."""
    return _first_pair(text) or THINKING[0]


def _first_pair(text: str) -> tuple[str, str] | None:
    start = text[:100].lstrip()
    if start.startswith("<"):
        if start.startswith(THINKING[0][0]):
            return THINKING[0]
        for opening, closing in _ONLY_AT_START:
            if start.startswith(opening):
                return opening, closing
    signs = [place for sign in _FIRST_SIGNS if (place := text.find(sign)) >= 0]
    first = _FIRST_MARK.search(text, min(signs)) if signs else None
    return _PAIR_OF[first[0]] if first else None


def thoughts(text: str) -> list[str] | None:
    """The thinking of every turn, in order; None when there is no mark of thinking at all.

    A closing mark without an opening one belongs to thinking that the chat template opened, or that went on. Thinking that
    is never closed goes to the end.

    >>> thoughts("<think>1+1</think> 2 <think>2+2</think> 4")
    ['1+1', '2+2']
    """
    opening, closing = thinking_marks(text)
    spans: list[tuple[int, int]] = []
    start: int | None = None
    for match in islice(re.compile(f"{re.escape(opening)}|{re.escape(closing)}").finditer(text), MAX_TAGS):
        if match[0] == opening:
            start = match.end() if start is None else start
        elif start is not None:
            spans.append((start, match.start()))
            start = None
        elif not spans:
            spans.append((0, match.start()))
        elif closing != "<|end|>":
            spans[-1] = (spans[-1][0], match.start())
    if start is not None:
        spans.append((start, len(text)))
    return [text[begin:end] for begin, end in spans] or None


def after_think(text: str, prefix: str = "") -> str | None:
    """What follows the last closed think section; the whole text when there is none; None when one is still open.

    >>> after_think("<think>1+1</think> 2")
    ' 2'
    """
    text = prefix + text
    pair = _first_pair(text)
    if pair is None:
        return text
    opening, closing = pair
    if opening == _HARMONY:
        final = text.rfind(_FINAL)
        return text[final + len(_FINAL) :] if final >= 0 else None
    close = text.rfind(closing)
    if text.find(opening, close + 1) >= 0:
        return None
    return text if close < 0 else text[close + len(closing) :]


# --- the answer -------------------------------------------------------------------------------------------------------


def tagged_answer(text: str) -> str | None:
    """What stands in the last answer tag; None where none is closed.

    >>> tagged_answer("<answer>3</answer> or <answer>4</answer>")
    '4'
    """
    start = text.rfind("<answer>") if "<" in text else -1  # one sign is found sooner than eight
    end = text.find("</answer>", start) if start >= 0 else -1
    return text[start + len("<answer>") : end] if start < end else None


def answer_text(completion: str, prefix: str, source: str) -> str | None:
    """The answer's text. `source` tag: of the last answer tag; auto: without a tag, all that follows the thinking."""
    text = after_think(without_results(completion), prefix)
    if text is None:
        return None
    text = without_end(text)
    tagged = tagged_answer(text)
    if tagged is not None:
        return tagged.strip()
    return (text.strip() or None) if source == "auto" and "<answer>" not in text else None
