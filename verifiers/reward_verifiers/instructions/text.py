"""A text and what checks count in it; each is found once."""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Callable
from functools import cached_property

from reward_verifiers.instructions import segment

_ASCII_PUNCTUATION = str.maketrans("", "", string.punctuation)
_PUNCTUATION = re.compile(f"[{re.escape(string.punctuation)}]+")
EDGES = string.punctuation + " "


class Text:
    """What a check reads: the response, or one of its loose variants, which are parts of it."""

    def __init__(self, raw: str, tokens_sampled: int | None = None) -> None:
        self.raw = raw
        self.tokens_sampled = tokens_sampled
        self._whole: tuple[Text, int] | None = None
        self._tokens_of: dict[str, list[str]] = {}

    def part(self, begin: int, end: int) -> Text:
        """A part of the text, which shares what was found in it."""
        one = Text(self.raw[begin:end], self.tokens_sampled)
        one._whole = (self, begin)
        one._tokens_of = self._tokens_of
        return one

    @cached_property
    def loose_variants(self) -> list[Text]:
        """The other texts of IFEval's loose mode; those that are equal stand there once."""
        raw = self.raw
        plain = Text(raw.replace("*", ""), self.tokens_sampled) if "*" in raw else None
        variants = {raw: self}
        for begin, end in _spans(raw):
            parts = [self.part(begin, end)]
            if plain is not None:
                parts.append(plain.part(begin - raw.count("*", 0, begin), end - raw.count("*", 0, end)))
            for one in parts:
                if one.raw.strip():
                    variants.setdefault(one.raw, one)
        return list(variants.values())[1:]

    @cached_property
    def stripped(self) -> str:
        return self.raw.strip()

    @cached_property
    def lower(self) -> str:
        return self.raw.lower()

    @cached_property
    def words(self) -> list[str]:
        """Without punctuation."""
        return self._of_whole("words", segment.words)

    def _of_whole(self, name: str, split: Callable[[str], list[str]]) -> list[str]:
        """What the text is split into; of a part, what the whole has between the cuts, which are at ends of lines."""
        if self._whole is None:
            return split(self.raw)
        whole, begin = self._whole
        every: list[str] = getattr(whole, name)
        before, behind = split(whole.raw[:begin]), split(whole.raw[begin + len(self.raw) :])
        return every[len(before) : len(every) - len(behind)]

    @cached_property
    def word_counts(self) -> Counter[str]:
        """In lower case."""
        return Counter(segment.words(self.lower))

    @cached_property
    def sentence_ends(self) -> list[int]:
        if self._whole is None:
            return segment.ends(self.raw)
        whole, begin = self._whole
        return [end - begin for end in whole.sentence_ends if begin < end < begin + len(self.raw)]

    @cached_property
    def sentences(self) -> list[str]:
        return segment.split_at(self.raw, self.sentence_ends)

    @cached_property
    def tokens(self) -> list[str]:
        """Words and punctuation."""
        return [token for sentence in self.sentences for token in self.tokens_of(sentence)]

    def tokens_of(self, sentence: str) -> list[str]:
        """Words and punctuation of one of the sentences."""
        if sentence not in self._tokens_of:
            self._tokens_of[sentence] = segment.tokens([sentence])
        return self._tokens_of[sentence]

    @cached_property
    def pieces(self) -> list[str]:
        """What stands between white space."""
        return self._of_whole("pieces", str.split)

    @cached_property
    def bare_pieces(self) -> list[str]:
        """What stands between white space when punctuation is left out, in lower case."""
        return self._of_whole("bare_pieces", _bare_pieces)

    @cached_property
    def lines(self) -> list[str]:
        return self.raw.split("\n")

    def times(self, letter: str) -> int:
        """How often a letter stands there, in either case."""
        return self.lower.count(letter.lower())


def _spans(raw: str) -> list[tuple[int, int]]:
    """The whole, and what is left without the first line, the last one, and both, without white space at the ends."""
    first, last = raw.find("\n"), raw.rfind("\n")
    if first < 0:
        return [(0, len(raw))]
    cut = [(first + 1, len(raw)), (0, last), (first + 1, max(first + 1, last))]
    return [(0, len(raw)), *(_stripped(raw, begin, end) for begin, end in cut)]


def _stripped(raw: str, begin: int, end: int) -> tuple[int, int]:
    part = raw[begin:end]
    begin += len(part) - len(part.lstrip())
    return begin, begin + len(part.strip())


def _bare_pieces(text: str) -> list[str]:
    return bare(text.lower()).split()


def bare(text: str) -> str:
    """Without the punctuation of ASCII."""
    return text.translate(_ASCII_PUNCTUATION) if text.isascii() else _PUNCTUATION.sub("", text)
