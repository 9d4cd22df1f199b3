"""What a word says about its language: hundredths of powers of ten, from `wordfreq`'s lists.

    in some list     log10 of its frequency in each list, _ABSENT where a list lacks it
    in no list       by its letter triples: how usual they are for a rare word of each language; a listed word with one
                     of the language's usual endings or beginnings (`sixths`, `nonzero`) is as good as a rare one
    an unknown one   _UNLISTED for every word: likelier than a language that lacks the word, rarer than one that has it

Whole numbers, so that sums do not depend on their order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from wordfreq import get_frequency_list

from reward_verifiers.language.languages import LISTED
from reward_verifiers.language.words import MAX_LETTERS, Bools, Hashes, Ints, Words, split

Evidence = npt.NDArray[np.int32]

ABSENT = -720
UNLISTED = -590
_LEAK = 200
_RARE = -610  # what a word of no list is worth to a language whose triples it has
_TRIPLE_WEIGHT = 90  # a standard deviation of unusual triples
_MOST_UNUSUAL = -3.0
_TRIPLES = 1 << 15
_TRIPLE_FLOOR = 0.05
_INFLECTED = -600
"""What a listed word with an ending or a beginning of its language is worth: no less than the rarest of a list."""
_ROMANCE = ("s", "es")
ENDINGS: dict[str, tuple[str, ...]] = {
    "en": ("s", "es", "ed", "d", "ing", "ly", "er", "ness"), "fr": _ROMANCE, "es": _ROMANCE, "pt": _ROMANCE,
    "de": ("s", "es", "e", "en", "n", "er", "em"), "nl": ("s", "e", "en"),
}  # fmt: skip
BEGINNINGS: dict[str, tuple[str, ...]] = {"en": ("non", "un", "re", "sub", "pre", "multi", "anti", "over", "inter")}
_SHORTEST_STEM = 3
_NOT_LOOKED_UP = -1
COMMON = -300
"""A word of this frequency or more is one of a language's hundred and fifty most common."""


class Affixes:
    """The endings of some languages, or their beginnings."""

    def __init__(self, affixes: Mapping[str, tuple[str, ...]], languages: Sequence[str], is_ending: bool) -> None:
        texts = sorted({affix for language in languages for affix in affixes.get(language, ())})
        words = split("\n".join(texts))
        order = np.argsort(words.hashes)
        self._hashes: Hashes = words.hashes[order]
        self._lengths: Ints = (words.end - words.start)[order]
        self._is_ending = is_ending
        self.tried_lengths: Ints = np.unique(self._lengths)
        self.languages = np.array(
            [[texts[number] in affixes.get(language, ()) for language in languages] for number in order], dtype=bool
        ).reshape(len(order), len(languages))

    def stems(self, words: Words, numbers: Ints) -> tuple[Ints, Ints, Hashes, Bools]:
        """Words without an affix: the word's place, the number of the affix's length, the stem's hash, the languages."""
        starts, ends = words.start[numbers], words.end[numbers]
        fits = (ends - starts)[:, None] >= self.tried_lengths + _SHORTEST_STEM
        word, column = np.nonzero(fits)
        if not len(word):
            return word, column, np.zeros(0, dtype=np.uint64), self.languages[:0]
        length = self.tried_lengths[column]
        cut = ends[word] - length if self._is_ending else starts[word] + length
        before, behind = words.sums.hashes(starts[word], cut), words.sums.hashes(cut, ends[word])
        affix, stem = (behind, before) if self._is_ending else (before, behind)
        which = np.minimum(np.searchsorted(self._hashes, affix), len(self._hashes) - 1)
        kept = np.flatnonzero((self._hashes[which] == affix) & (self._lengths[which] == length))
        return word[kept], column[kept], stem[kept], self.languages[which[kept]]


class Lexicon:
    """The lists of one script's languages."""

    def __init__(self, languages: Sequence[str], script: str) -> None:
        self.languages = tuple(languages)
        self._affixes = [
            affixes
            for affixes in (Affixes(ENDINGS, self.languages, True), Affixes(BEGINNINGS, self.languages, False))
            if len(affixes.languages)
        ]
        lists = [_list(language, script) for language in self.languages]
        keys = np.sort(np.concatenate([hashes for hashes, _, _ in lists]))
        self._keys: Hashes = keys[np.insert(keys[1:] != keys[:-1], 0, True)]
        self._table = np.full((len(self._keys) + 1, len(lists)), ABSENT, dtype=np.int16)
        for number, (hashes, frequencies, _) in enumerate(lists):
            order = np.argsort(hashes)  # neighbours are looked up several times faster
            self._table[np.searchsorted(self._keys, hashes[order]), number] = frequencies[order]
        self._without_leaks()
        self._inflecting: Ints = np.array(
            [number for number, language in enumerate(self.languages) if language in (*ENDINGS, *BEGINNINGS)],
            dtype=np.int64,
        )
        self._stems = np.full((len(self._keys), len(self._inflecting)), _NOT_LOOKED_UP, dtype=np.int8)
        models = [_triples(words, frequencies) for _, frequencies, words in lists]
        self._triples = np.stack([model for model, _, _ in models], axis=1)
        self._usual = np.array([mean for _, mean, _ in models], dtype=np.float32)
        self._spread = np.array([deviation for _, _, deviation in models], dtype=np.float32)

    def _without_leaks(self) -> None:
        """Lists hold a little English. What is a hundred times rarer than in English is that, and no word of the list."""
        if "en" not in self.languages:
            return
        english = self._table[:, self.languages.index("en")].astype(np.int32)
        leaks = self._table < (english - _LEAK)[:, None]
        self._table[leaks & (english > ABSENT)[:, None]] = ABSENT

    def find(self, hashes: Hashes) -> Ints:
        """The row of each word; -1 for a word of no list."""
        rows = np.minimum(np.searchsorted(self._keys, hashes), len(self._keys) - 1)
        return np.where(self._keys[rows] == hashes, rows, -1)

    def rows(self, words: Words, numbers: Ints) -> tuple[Evidence, Bools]:
        """Evidence of shape (words, languages) for these words of a text, and whether each is in some list."""
        rows = self.find(words.hashes[numbers])
        evidence = self._table[rows].astype(np.int32)
        missing = np.flatnonzero(rows < 0)
        if len(missing):
            evidence[missing] = self._by_triples(words, numbers[missing])
        if len(self._inflecting):
            has_stem = self._has_stem(words, numbers, rows)
            own = evidence[:, self._inflecting]
            evidence[:, self._inflecting] = np.where(has_stem, np.maximum(own, _INFLECTED), own)
        return evidence, rows >= 0

    def _has_stem(self, words: Words, numbers: Ints, rows: Ints) -> Bools:
        """Which inflecting languages list the stem of a word; shape (words, inflecting languages).

        A listed word's answer hangs on its letters alone, and is kept.
        """
        kept = self._stems[rows]
        pending = np.flatnonzero((kept[:, 0] == _NOT_LOOKED_UP) | (rows < 0))
        if len(pending):
            kept[pending] = self._by_stems(words, numbers[pending])
            is_listed = rows[pending] >= 0
            self._stems[rows[pending[is_listed]]] = kept[pending[is_listed]]
        return np.asarray(kept == 1)

    def _by_stems(self, words: Words, numbers: Ints) -> Bools:
        """Which inflecting languages list a word's stem and have its ending or beginning."""
        result = np.zeros((len(numbers), len(self.languages)), dtype=bool)
        for affixes in self._affixes:
            word, column, stems, languages = affixes.stems(words, numbers)
            rows = self.find(stems)
            by_length = np.zeros((len(numbers), len(affixes.tried_lengths), len(self.languages)), dtype=bool)
            by_length[word, column] = languages & (self._table[rows] > ABSENT) & (rows >= 0)[:, None]
            result |= by_length.any(axis=1)
        return result[:, self._inflecting]

    def _by_triples(self, words: Words, numbers: Ints) -> Evidence:
        codes, first, lengths = _triple_codes(words.codes, words.start[numbers], words.end[numbers])
        sums = np.add.reduceat(self._triples[codes], first, axis=0)
        deviations = (sums / lengths[:, None] - self._usual) / self._spread * np.sqrt(lengths / 6)[:, None]
        unusual = np.clip(deviations, _MOST_UNUSUAL, 0.0)
        return np.rint(_RARE + _TRIPLE_WEIGHT * unusual).astype(np.int32)


def _triple_codes(codes: npt.NDArray[np.uint32], starts: Ints, ends: Ints) -> tuple[Ints, Ints, Ints]:
    """The hashed letter triples of words with their edges: all of them, where each word's begin, how many it has."""
    lengths = np.minimum(ends - starts, MAX_LETTERS)
    first = np.cumsum(lengths) - lengths
    offsets = np.arange(lengths.sum()) - np.repeat(first, lengths)
    places = np.repeat(starts, lengths) + offsets
    middle = codes[places].astype(np.int64)
    before = np.where(offsets > 0, codes[places - 1], 0).astype(np.int64)
    after = np.where(
        offsets < np.repeat(lengths, lengths) - 1, codes[np.minimum(places + 1, len(codes) - 1)], 1
    ).astype(np.int64)
    hashed = (before * 0x1F1F1F + middle * 0x2545F49 + after * 0x3C6EF37) % 0x7FFFFFFF
    return hashed % _TRIPLES, first, lengths


_LIST_NAMES = {"tl": "fil"}


def _list(language: str, script: str) -> tuple[Hashes, npt.NDArray[np.int16], Words]:
    """Hashes and frequencies of a language's words, most frequent first. Parts of `don't` and `l'eau` are words too."""
    bins = get_frequency_list(_LIST_NAMES.get(language, language), "small")
    lines = [" ".join(words) for words in bins]
    text = "\n".join(lines)
    if script == "cyrillic" and language == "sh":
        text = _in_cyrillic(text)
    words = split(text)
    line = np.cumsum([0, *(len(part) + 1 for part in text.split("\n"))])
    frequencies = (1 - np.searchsorted(line, words.start, side="right")).astype(np.int16)
    hashes, first = np.unique(words.hashes, return_index=True)
    order = np.argsort(first, kind="stable")
    kept = first[order]
    words = replace(
        words,
        script=words.script[kept],
        start=words.start[kept],
        end=words.end[kept],
        hashes=words.hashes[kept],
        capital=words.capital[kept],
    )
    return hashes[order], frequencies[kept], words


def _triples(words: Words, frequencies: npt.NDArray[np.int16]) -> tuple[npt.NDArray[np.float32], float, float]:
    """log10 share of each triple, and its mean and deviation over the rarer words of the list."""
    codes, first, lengths = _triple_codes(words.codes, words.start, words.end)
    weights = np.repeat(10 ** (frequencies / 400), lengths)  # the fourth root, so that a few words do not decide
    counts = np.bincount(codes, weights=weights, minlength=_TRIPLES)
    logs = np.log10((counts + _TRIPLE_FLOOR * weights.mean()) / counts.sum()).astype(np.float32)
    rare = len(words) // 2
    means = (np.add.reduceat(logs[codes], first) / lengths)[rare:]
    roots = np.sqrt(lengths[rare:] / 6)
    centre = float(means.mean())
    return logs, centre, float(((means - centre) * roots).std()) or 1.0


_TO_CYRILLIC = (
    ("dž", "џ"), ("lj", "љ"), ("nj", "њ"), *zip("abvgdđežzijklmnoprstćufhcčš", "абвгдђежзијклмнопрстћуфхцчш", strict=True),
)  # fmt: skip


def _in_cyrillic(text: str) -> str:
    for latin, cyrillic in _TO_CYRILLIC:
        text = text.replace(latin, cyrillic)
    return text


@lru_cache(maxsize=len(LISTED))
def lexicon(script: str) -> Lexicon:
    """The lexicon of a script; built once."""
    return Lexicon(LISTED[script], script)
