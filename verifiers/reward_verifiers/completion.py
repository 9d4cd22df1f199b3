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
    by_lower = {name.lower(): name for name in names}
    matches = _pattern(tuple(names), case_sensitive, whitespace, skip_code).finditer(text)
    tags = (
        Tag(by_lower[match[2].lower()], bool(match[1]), match.start(), match.end()) for match in matches if match[2]
    )
    return list(islice(tags, MAX_TAGS))


def visible(text: str, enough: int) -> int:
    """How many characters of the text can be seen, counted up to `enough`."""
    return sum(1 for _ in islice(_VISIBLE.finditer(text), enough))


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
