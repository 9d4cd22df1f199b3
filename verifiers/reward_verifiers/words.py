"""Words of any writing: where it has no spaces, each character is one."""

from __future__ import annotations

import re

_SINGLE = re.compile(
    r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003134f]"
)


def spaced(text: str) -> str:
    """The text with spaces around each character of a writing without spaces.

    >>> spaced("in 東京").split()
    ['in', '東', '京']
    """
    return _SINGLE.sub(lambda match: f" {match[0]} ", text)
