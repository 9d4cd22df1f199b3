"""A text and what checks count in it; each is found once."""

from __future__ import annotations

import re
import string
from collections import Counter
from functools import cached_property

from reward_verifiers.instructions import segment

_ASCII_PUNCTUATION = str.maketrans("", "", string.punctuation)
_PUNCTUATION = re.compile(f"[{re.escape(string.punctuation)}]+")
EDGES = string.punctuation + " "


class Text:
    """What a check reads: the response, or one of its loose variants."""

    def __init__(self, raw: str, tokens_sampled: int | None = None) -> None:
        self.raw = raw
        self.tokens_sampled = tokens_sampled

    @cached_property
    def stripped(self) -> str:
        return self.raw.strip()

    @cached_property
    def lower(self) -> str:
        return self.raw.lower()

    @cached_property
    def words(self) -> list[str]:
        """Without punctuation."""
        return segment.words(self.raw)

    @cached_property
    def word_counts(self) -> Counter[str]:
        """In lower case."""
        return Counter(segment.words(self.lower))

    @cached_property
    def sentences(self) -> list[str]:
        return segment.sentences(self.raw)

    @cached_property
    def tokens(self) -> list[str]:
        """Words and punctuation."""
        return segment.tokens(self.sentences)

    @cached_property
    def pieces(self) -> list[str]:
        """What stands between white space."""
        return self.raw.split()

    @cached_property
    def bare_pieces(self) -> list[str]:
        """What stands between white space when punctuation is left out, in lower case."""
        return bare(self.lower).split()

    @cached_property
    def lines(self) -> list[str]:
        return self.raw.split("\n")

    def times(self, letter: str) -> int:
        """How often a letter stands there, in either case."""
        return self.lower.count(letter.lower())


def bare(text: str) -> str:
    """Without the punctuation of ASCII."""
    return text.translate(_ASCII_PUNCTUATION) if text.isascii() else _PUNCTUATION.sub("", text)
