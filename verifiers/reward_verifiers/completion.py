"""Linear scanners over a completion: its tags, its code, what follows the thinking.

The text is hostile, so every function is one bounded pass: `str.find`, or a pattern whose repeats are bounded and cannot
overlap. A scan stops at `MAX_TAGS`: a completion with more is malformed whatever follows.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

MAX_TAGS = 1000

# What chat templates put around turns. Tokenizers read them as control, so a model that writes one forges a turn.
END_TOKENS = (
    "<|endoftext|>",
    "<|im_end|>",
    "<|end_of_text|>",
    "<|eot_id|>",
    "<|end|>",
    "<｜end▁of▁sentence｜>",
    "</s>",
)
TURN_TOKENS = (
    "<|im_start|>",
    "<|start_header_id|>",
    "<|begin_of_text|>",
    "<|user|>",
    "<|assistant|>",
    "<|system|>",
    "<｜User｜>",
    "<｜Assistant｜>",
    "<｜begin▁of▁sentence｜>",
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
def _tag_pattern(names: Sequence[str], case_sensitive: bool, whitespace: bool) -> re.Pattern[str]:
    space = r"[ \t]{0,8}" if whitespace else ""
    options = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
    flags = re.ASCII if case_sensitive else re.ASCII | re.IGNORECASE
    return re.compile(f"<{space}(/?){space}({options}){space}>", flags)


def scan(text: str, names: Sequence[str], *, case_sensitive: bool = True, whitespace: bool = False) -> list[Tag]:
    """The opening and closing tags of these names, in order of place; at most MAX_TAGS."""
    known = {name.lower(): name for name in names}
    found = []
    for match in _tag_pattern(tuple(names), case_sensitive, whitespace).finditer(text):
        found.append(Tag(known[match[2].lower()], bool(match[1]), match.start(), match.end()))
        if len(found) == MAX_TAGS:
            break
    return found


def code_spans(text: str) -> list[tuple[int, int]]:
    """(start, end) of fenced blocks and of inline code, in order. A fence or backtick that is never closed hides nothing."""
    spans = []
    start = text.find("`")
    while start >= 0:
        fence = "```" if text.startswith("```", start) else "`"
        close = text.find(fence, start + len(fence))
        if close < 0:
            # No fence of this kind closes any more; after a lone fence there may still be inline code.
            if fence == "`":
                break
            start = text.find("`", start + len(fence))
            while start >= 0 and text.startswith("```", start):
                start = text.find("`", start + 3)
            continue
        spans.append((start, close + len(fence)))
        start = text.find("`", close + len(fence))
    return spans


def outside(tags: Sequence[Tag], spans: Sequence[tuple[int, int]]) -> list[Tag]:
    """The tags that do not start inside a span."""
    starts = [start for start, _ in spans]

    def is_outside(tag: Tag) -> bool:
        position = bisect_right(starts, tag.start) - 1
        return position < 0 or tag.start >= spans[position][1]

    return [tag for tag in tags if is_outside(tag)]


def without_end(text: str, tokens: Sequence[str] = END_TOKENS) -> str:
    """The text without the end tokens, and the white space among them, at its very end; at most MAX_TAGS of them."""
    end = bare = len(text)
    for _ in range(MAX_TAGS):
        while bare and text[bare - 1].isspace():
            bare -= 1
        token = next((token for token in tokens if token and text.endswith(token, 0, bare)), None)
        if token is None:
            break
        end = bare = bare - len(token)
    return text[:end]


def after_think(text: str, prefix: str = "") -> str | None:
    """What follows the last closed think section; the whole text when there is none; None when one is still open.

    >>> after_think("<think>1+1</think> 2")
    ' 2'
    """
    text = prefix + text
    close = text.rfind("</think>")
    if text.rfind("<think>") > close:
        return None
    return text if close < 0 else text[close + len("</think>") :]
