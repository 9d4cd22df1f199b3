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

MAX_TAGS = 1000

# What chat templates put around turns. Tokenizers read them as control, so a model that writes one forges a turn.
END_TOKENS = (
    "<|endoftext|>",
    "<|im_end|>",
    "<|end_of_text|>",
    "<|eot_id|>",
    "<|eom_id|>",
    "<|end|>",
    "<|return|>",
    "<|END_OF_TURN_TOKEN|>",
    "<｜end▁of▁sentence｜>",
    "<end_of_turn>",
    "<eos>",
    "</s>",
)
TURN_TOKENS = (
    "<|im_start|>",
    "<|start_header_id|>",
    "<|end_header_id|>",
    "<|begin_of_text|>",
    "<|start|>",
    "<|channel|>",
    "<|message|>",
    "<|user|>",
    "<|assistant|>",
    "<|system|>",
    "<|observation|>",
    "<|START_OF_TURN_TOKEN|>",
    "<｜User｜>",
    "<｜Assistant｜>",
    "<｜begin▁of▁sentence｜>",
    "<start_of_turn>",
    "<bos>",
)

# Code that is closed: a fence, or inline code on one line. Neither can go back over what it has read.
_CODE = r"```(?s:.*?)```|(?<!`)`[^`\n]+`(?!`)"

# Not white space, not control, not what Unicode ignores by default, not a letter that is drawn blank (Hangul, Braille).
_VISIBLE = re.compile(
    r"[^\s\x00-\x20\x7f-\xa0\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2000-\u200f\u2028-\u202f"
    r"\u205f-\u206f\u2800\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U000e0000-\U000e0fff]"
)


class Tag(NamedTuple):
    """One tag and where it stands: text[start:end]."""

    name: str
    closing: bool
    start: int
    end: int

    def __str__(self) -> str:
        return f"</{self.name}>" if self.closing else f"<{self.name}>"


@lru_cache(maxsize=256)
def _pattern(names: tuple[str, ...], case_sensitive: bool, whitespace: bool, skip_code: bool) -> re.Pattern[str]:
    space = r"[ \t]{0,8}" if whitespace else ""
    options = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
    flags = re.ASCII if case_sensitive else re.ASCII | re.IGNORECASE
    tag = f"<{space}(?:(/){space})?({options}){space}>"
    return re.compile(f"{_CODE}|{tag}" if skip_code else tag, flags)


def scan(
    text: str,
    names: Sequence[str],
    *,
    case_sensitive: bool = True,
    whitespace: bool = False,
    skip_code: bool = False,
) -> list[Tag]:
    """The opening and closing tags of these names, in order of place; at most MAX_TAGS.

    With `skip_code`, tags in fenced blocks and in inline code are text. What is never closed hides nothing.
    """
    known = {name.lower(): name for name in names}
    matches = _pattern(tuple(names), case_sensitive, whitespace, skip_code).finditer(text)
    tags = (Tag(known[match[2].lower()], bool(match[1]), match.start(), match.end()) for match in matches if match[2])
    return list(islice(tags, MAX_TAGS))


def visible(text: str, enough: int) -> int:
    """How many characters of the text can be seen, counted up to `enough`."""
    return sum(1 for _ in islice(_VISIBLE.finditer(text), enough))


def without_end(text: str, tokens: Sequence[str] = END_TOKENS) -> str:
    """The text without the end tokens, and the white space among them, at its very end; at most MAX_TAGS of them."""
    end = bare = len(text)
    for _ in range(MAX_TAGS):
        while bare and text[bare - 1].isspace():
            blank = text[max(0, bare - 4096) : bare]
            bare -= len(blank) - len(blank.rstrip())
        if not text.endswith(tuple(tokens), 0, bare):
            break
        token = next((token for token in tokens if token and text.endswith(token, 0, bare)), None)
        if token is None:
            break
        end = bare = bare - len(token)
    return text[:end]


# --- thinking ---------------------------------------------------------------------------------------------------------

THINKING: tuple[tuple[str, str], ...] = (
    ("<think>", "</think>"),
    ("[THINK]", "[/THINK]"),
    ("<seed:think>", "</seed:think>"),
    ("\u25c1think\u25b7", "\u25c1/think\u25b7"),
    ("<longcat_think>", "</longcat_think>"),
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
_FIRST_MARK = re.compile(
    "|".join(
        re.escape(mark)
        for opening, closing in THINKING
        if opening not in _AT_START
        for mark in ((opening,) if opening == _HARMONY else (opening, closing))
    )
)


def thinking_marks(text: str) -> tuple[str, str]:
    """The marks of the family that wrote the text; R1's when it has none."""
    start = text[:100].lstrip()
    for opening, closing in THINKING:
        if opening in _AT_START and start.startswith(opening):
            return opening, closing
    first = _FIRST_MARK.search(text)
    return next((pair for pair in THINKING if first and first[0] in pair), THINKING[0])


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
    opening, closing = thinking_marks(text)
    if opening == _HARMONY:
        final = text.rfind(_FINAL)
        return text[final + len(_FINAL) :] if final >= 0 else None
    close = text.rfind(closing)
    if text.rfind(opening) > close:
        return None
    return text if close < 0 else text[close + len(closing) :]
