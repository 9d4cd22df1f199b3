"""Words of any writing, and how much two texts share of them. Where a writing has no spaces, each character is a word."""

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


def f1(common: int, answer: int, reference: int) -> float:
    """The harmonic mean of common/answer and common/reference, by numbers of items; 0 where nothing is common."""
    return 2 * common / (answer + reference) if common else 0.0
