"""Which language a word speaks for: evidence in powers of ten, from `wordfreq`'s lists.

A script's candidates share one table. A word of some list has its frequency in each; a word of none is judged by its letter
pairs, whose frequencies are those of the same lists.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from functools import lru_cache
from typing import cast

import numpy as np
import numpy.typing as npt
from wordfreq import get_frequency_list

# Languages of wordfreq's lists that share a script; every other script has one language here.
SHARED: dict[str, tuple[str, ...]] = {
    "latin": (
        *("en", "de", "fr", "es", "it", "pt", "nl", "pl", "tr", "vi", "id", "sv"),
        *("ca", "cs", "da", "fi", "hu", "is", "lt", "lv", "ms", "nb", "ro", "sk", "sl", "sh"),
    ),
    "cyrillic": ("ru", "uk", "bg", "mk"),
    "arabic": ("ar", "fa", "ur"),
}
ALONE = {
    "hangul": "ko",
    "kana": "ja",
    "devanagari": "hi",
    "greek": "el",
    "hebrew": "he",
    "thai": "th",
    "bengali": "bn",
    "tamil": "ta",
}

Evidence = npt.NDArray[np.float32]

_FLOOR = -7.0  # log10 of the frequency that a word has in a list without it
_PAIR_FLOOR = -4.5
_PAIR_WEIGHT = 0.45
_MAX_WORD = 40


class Lexicon:
    """The table of one script's candidate languages.

    `rows(words)` gives evidence of shape (words, languages): log10 frequencies, with each word's best at 0.
    """

    def __init__(self, languages: Sequence[str]) -> None:
        self.languages = tuple(languages)
        self._index: dict[str, int] = {}
        columns: list[dict[str, float]] = [_frequencies(language) for language in self.languages]
        for column in columns:
            for word in column:
                self._index.setdefault(word, len(self._index))
        table = np.full((len(self._index), len(columns)), _FLOOR, dtype=np.float32)
        for number, column in enumerate(columns):
            rows = np.fromiter((self._index[word] for word in column), dtype=np.int64, count=len(column))
            table[rows, number] = np.fromiter(column.values(), dtype=np.float32, count=len(column))
        self._table: Evidence = table - table.max(axis=1, keepdims=True)
        self._pairs = [_pair_frequencies(column) for column in columns]
        self._guess = lru_cache(maxsize=50_000)(self._by_pairs)

    def rows(self, words: Sequence[str]) -> Evidence:
        found = np.fromiter((self._index.get(word, -1) for word in words), dtype=np.int64, count=len(words))
        evidence = self._table[found]
        for position in np.flatnonzero(found < 0):
            evidence[position] = self._guess(words[int(position)][:_MAX_WORD])
        return evidence

    def _by_pairs(self, word: str) -> Evidence:
        edged = f" {word} "
        pairs = [edged[i : i + 2] for i in range(len(edged) - 1)]
        scores = np.array([sum(column.get(pair, _PAIR_FLOOR) for pair in pairs) for column in self._pairs])
        scores *= _PAIR_WEIGHT
        return cast(Evidence, np.maximum(scores - scores.max(), _FLOOR).astype(np.float32))


def _frequencies(language: str) -> dict[str, float]:
    """Word → log10 frequency. wordfreq bins words by hundredths of a power of ten."""
    return {word: -bin_ / 100 for bin_, words in enumerate(get_frequency_list(language, "small")) for word in words}


def _pair_frequencies(frequencies: dict[str, float]) -> dict[str, float]:
    """Letter pair → log10 share, over the words by their square-rooted frequency, so that a few words do not decide."""
    counts: defaultdict[str, float] = defaultdict(float)
    for word, log10 in frequencies.items():
        weight, edged = 10 ** (log10 / 2), f" {word} "
        for i in range(len(edged) - 1):
            counts[edged[i : i + 2]] += weight
    total = sum(counts.values())
    return {pair: float(np.log10(count / total)) for pair, count in counts.items()}


@lru_cache(maxsize=64)
def lexicon(languages: tuple[str, ...]) -> Lexicon:
    """The lexicon of these languages; made once."""
    return Lexicon(languages)


@lru_cache(maxsize=1)
def han() -> dict[str, float]:
    """Character → log10 of how much likelier it is in Japanese than in Chinese text."""
    shares = [_character_shares(language) for language in ("zh", "ja")]
    characters = set(shares[0]) | set(shares[1])
    return {
        character: float(np.log10(shares[1].get(character, 1e-7) / shares[0].get(character, 1e-7)))
        for character in characters
    }


def _character_shares(language: str) -> dict[str, float]:
    counts: defaultdict[str, float] = defaultdict(float)
    for word, log10 in _frequencies(language).items():
        for character in word:
            if "\u3400" <= character <= "\u9fff":
                counts[character] += 10**log10
    total = sum(counts.values())
    return {character: max(count / total, 1e-7) for character, count in counts.items()}
