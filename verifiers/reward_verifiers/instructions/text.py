"""A text and what checks count in it; each is found once."""

from __future__ import annotations

import re
import string
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import chain, takewhile
from typing import Any, Generic, TypeVar, cast, overload

from reward_verifiers.instructions import segment

_PUNCTUATION = string.punctuation.encode()
_ASTERISKS_IN_WORD = re.compile(r"\*(?<=\w\*)\**+\w")
_VISIBLE = re.compile(r"\S")
_CHUNK = 256
"""Characters that are split at once."""
EDGES = string.punctuation + " "


T = TypeVar("T")


class cached_property(Generic[T]):  # noqa: N801 - named as functools' own, which takes a lock in Python 3.11
    """What is found once for each text."""

    def __init__(self, compute: Callable[[Any], T]) -> None:
        self._compute, self._name, self.__doc__ = compute, compute.__name__, compute.__doc__

    @overload
    def __get__(self, text: None, owner: type) -> cached_property[T]: ...
    @overload
    def __get__(self, text: object, owner: type) -> T: ...
    def __get__(self, text: object | None, owner: type) -> cached_property[T] | T:
        if text is None:
            return self
        value = text.__dict__[self._name] = self._compute(text)
        return value


Tally = tuple[int, ...]
"""Numbers of words of several sorts."""


class Text:
    """What a check reads: the response, or one of its loose variants, which are parts of it."""

    _whole: Text | None = None
    _begin = 0
    _starred: Text | None = None
    _ends: _Ends | None = None

    def __init__(self, raw: str, tokens_sampled: int | None = None, near: Text | None = None) -> None:
        self.raw = raw
        self.tokens_sampled = tokens_sampled
        self._of_sentences: dict[Callable[[str], Any], dict[str, Any]] = near._of_sentences if near is not None else {}

    @cached_property
    def stripped(self) -> str:
        return self.raw.strip()

    @cached_property
    def lower(self) -> str:
        whole = self._whole
        if whole is not None and whole.raw.isascii():
            return whole.lower[self._begin : self._begin + len(self.raw)]
        return self.raw.lower()

    @cached_property
    def lines(self) -> list[str]:
        return self.raw.split("\n")

    def times(self, letter: str) -> int:
        """How often a letter stands there, in either case."""
        return self.lower.count(letter.lower())

    # --- what loose variants are made of ------------------------------------------------------------------------------

    def without_asterisks(self) -> Text | None:
        """None where there are none, or where nothing else is there."""
        if "*" not in self.raw:
            return None
        raw = self.raw.replace("*", "")
        if not raw or raw.isspace():
            return None
        one = Text(raw, self.tokens_sampled, self)
        one._starred = self
        return one

    def part(self, begin: int, end: int) -> Text | None:
        """None where nothing is left of the text."""
        raw = self.raw[begin:end]
        if not raw or raw.isspace():
            return None
        one = Text(raw, self.tokens_sampled, self)
        one._whole, one._begin = self, begin
        return one

    # --- words --------------------------------------------------------------------------------------------------------

    @cached_property
    def words(self) -> list[str]:
        """Without punctuation."""
        if self._has_words_of_starred:
            return cast(Text, self._starred).words
        return self._of_whole("words", segment.words)

    @property
    def number_of_words(self) -> int:
        return self.word_tally("words", _number_of_words)[0]

    @cached_property
    def _has_words_of_starred(self) -> bool:
        """Whether no asterisk stands between letters: they divide words as a space does."""
        raw = self._starred.raw if self._starred is not None else ""
        return raw.isascii() and bool(raw) and _ASTERISKS_IN_WORD.search(raw) is None

    def _of_whole(self, name: str, split: Callable[[str], list[str]]) -> list[str]:
        """What the text is split into; of a part, what the whole has between the cuts, which are at ends of lines."""
        if self._whole is None:
            return split(self.raw)
        every: list[str] = getattr(self._whole, name)
        before, behind = self._cut
        return every[len(split(before)) : len(every) - len(split(behind))]

    @property
    def _cut(self) -> tuple[str, str]:
        whole = cast(Text, self._whole)
        return whole.raw[: self._begin], whole.raw[self._begin + len(self.raw) :]

    def word_tally(self, name: str, count: Callable[[str], Tally]) -> Tally:
        """Counts of words: of a part, those of the whole without those of the cut, since words end at ends of lines."""
        if name not in self._tallies:
            self._tallies[name] = self._word_tally(name, count)
        return self._tallies[name]

    @cached_property
    def _tallies(self) -> dict[str, Tally]:
        return {}

    def _word_tally(self, name: str, count: Callable[[str], Tally]) -> Tally:
        if self._has_words_of_starred:
            return cast(Text, self._starred).word_tally(name, count)
        if self._whole is None:
            return count(self.raw)
        before, behind = map(count, self._cut)
        every = self._whole.word_tally(name, count)
        return tuple(of_all - one - other for of_all, one, other in zip(every, before, behind, strict=True))

    @cached_property
    def word_counts(self) -> Counter[str]:
        """In lower case."""
        return Counter(segment.words(self.lower))

    @cached_property
    def pieces(self) -> list[str]:
        """What stands between white space."""
        return self._of_whole("pieces", str.split)

    @cached_property
    def bare_pieces(self) -> list[str]:
        """What stands between white space when punctuation is left out, in lower case."""
        if self._starred is not None:
            return self._starred.bare_pieces
        return self._of_whole("bare_pieces", _bare_pieces)

    def each_piece(self) -> Iterator[str]:
        """The pieces one after the other, for checks that end at the first that does not fit."""
        return (piece for chunk in _chunks(self.raw) for piece in chunk.split())

    def each_bare_piece(self) -> Iterator[str]:
        return (piece for chunk in _chunks(self.raw) for piece in _bare_pieces(chunk))

    # --- sentences ----------------------------------------------------------------------------------------------------

    def each_end(self) -> Iterator[int]:
        """Where sentences end, looked for as far as it is asked for."""
        whole = self._whole
        if whole is not None:
            inner = (end - self._begin for end in whole.each_end() if end > self._begin)
            return takewhile(len(self.raw).__gt__, inner)
        if self._ends is None:
            self._ends = _Ends(segment.each_end(self.raw))
        return iter(self._ends)

    def each_sentence(self) -> Iterator[str]:
        """The sentences one after the other."""
        begin = 0
        for end in self.each_end():
            if sentence := self.raw[begin:end].strip():
                yield sentence
            begin = end
        if sentence := self.raw[begin:].strip():
            yield sentence

    @cached_property
    def sentences(self) -> list[str]:
        return [sentence for sentence in self._between_ends if sentence]

    @cached_property
    def _sentence_ends(self) -> list[int]:
        return list(self.each_end())

    @cached_property
    def _between_ends(self) -> list[str]:
        """Without white space at the ends; some are empty."""
        whole, raw = self._whole, self.raw
        if whole is None:
            ends = self._sentence_ends
            return [raw[begin:end].strip() for begin, end in zip([0, *ends], [*ends, len(raw)], strict=True)]
        begin, end, ends = self._begin, self._begin + len(raw), whole._sentence_ends
        first, last = bisect_right(ends, begin), bisect_left(ends, end)
        if first == last:
            return [raw.strip()]
        edges = whole.raw[begin : ends[first]].strip(), whole.raw[ends[last - 1] : end].strip()
        return [edges[0], *whole._between_ends[first + 1 : last], edges[1]]

    @cached_property
    def tokens(self) -> list[str]:
        """Words and punctuation."""
        return list(chain.from_iterable(map(self.tokens_of, self.sentences)))

    def each_token(self) -> Iterator[str]:
        return (token for sentence in self.each_sentence() for token in self.tokens_of(sentence))

    def tokens_of(self, sentence: str) -> list[str]:
        """Words and punctuation of one of the sentences."""
        return self.of_sentence(sentence, segment.tokens)

    def of_sentence(self, sentence: str, compute: Callable[[str], T]) -> T:
        """What is found in one of the sentences: once, for all variants."""
        values = self._of_sentences.setdefault(compute, {})
        if sentence not in values:
            values[sentence] = compute(sentence)
        return cast(T, values[sentence])


class _Ends:
    """Places that are looked for once, by all who ask."""

    def __init__(self, places: Iterator[int]) -> None:
        self._places = places
        self._passed: list[int] = []

    def __iter__(self) -> Iterator[int]:
        at = 0
        while True:
            if at == len(self._passed):
                place = next(self._places, None)
                if place is None:
                    return
                self._passed.append(place)
            yield self._passed[at]
            at += 1


def line_bounds(raw: str) -> tuple[int, int, int, int] | None:
    """Where a text and its second line begin, and where its last line but one and the text end, without white space.

    None where it is one line.
    """
    first = raw.find("\n")
    if first < 0:
        return None
    visible = _VISIBLE.search(raw, first)
    second = visible.start() if visible else len(raw)
    return len(raw) - len(raw.lstrip()), second, len(raw[: raw.rindex("\n")].rstrip()), len(raw.rstrip())


def _chunks(text: str) -> Iterator[str]:
    """Short parts of a text that are cut at spaces."""
    begin, size = 0, len(text)
    while begin < size:
        end = text.find(" ", begin + _CHUNK)
        end = size if end < 0 else end
        yield text[begin:end]
        begin = end


def _number_of_words(text: str) -> Tally:
    return (segment.number_of_words(text),)


def _bare_pieces(text: str) -> list[str]:
    return bare(text.lower()).split()


def bare(text: str) -> str:
    """Without the punctuation of ASCII."""
    return text.encode("utf-8", "surrogatepass").translate(None, _PUNCTUATION).decode("utf-8", "surrogatepass")
