"""How many words of which language a text has.

clean ─▶ words and mask ─▶ what counts, and how much (repeats) ─▶ by script: language ─▶ runs of words by language
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from reward_verifiers.language import codes, hidden, prose, repeats, terms
from reward_verifiers.language.cjk import is_japanese
from reward_verifiers.language.clean import clean
from reward_verifiers.language.identifiers import is_identifier
from reward_verifiers.language.languages import ALONE, LISTED, UNKNOWN
from reward_verifiers.language.lexicon import ABSENT, lexicon
from reward_verifiers.language.listed import languages_of
from reward_verifiers.language.turns import not_own
from reward_verifiers.language.unreadable import LETTERS, ciphered, is_mixed, unreadable
from reward_verifiers.language.vocabulary import vocabularies
from reward_verifiers.language.words import (
    CLASS,
    STOP,
    Bools,
    Hashes,
    Ints,
    Words,
    among,
    split,
)
from reward_verifiers.scripts import PER_WORD

_CHANGE = 70  # hundredths of powers of ten that a change of language costs inside a clause
_CHANGE_AT_BEGIN = 50
_KEEP_RUNS = 5
_LONG = 15
_LONG_FOREIGN = 10

Amounts = npt.NDArray[np.float64]


@dataclass(slots=True)
class Run:
    """Neighbouring words of one language; the place is in the cleaned text."""

    language: str
    words: float
    start: int
    end: int


@dataclass(slots=True)
class Counted:
    """Words by language, the longest runs that are not of the target, and what was left out."""

    words: dict[str, float]
    runs: list[Run]
    text: str
    terms: float = 0.0
    """Names, terms and rare words that cost nothing."""
    stripped: float = 0.0
    """Share of the words that were left out as code, mathematics, addresses or identifiers."""

    @property
    def total(self) -> float:
        return sum(self.words.values())


def count(
    text: str,
    candidates: Sequence[str],
    allow: frozenset[str] = frozenset(),
    repeats: int = 3,
    target: str = UNKNOWN,
    question: str = "",
) -> Counted:
    """Words of each language in a text. What it quotes of the question is left out."""
    return _Count(clean(text), frozenset(candidates), target, clean(question)).run(allow, repeats)


class _Count:
    def __init__(self, text: str, candidates: frozenset[str], target: str, question: str = "") -> None:
        self.candidates, self.target = candidates, target
        self.words: Words = split(text)
        if codes.may_hold_codes(self.words) and (plain := codes.spelled(text)) != text:
            text, self.words = plain, split(plain)
        self.text = text
        self.vocabulary = vocabularies(self.words)
        self.mask = hidden.mask(text, self.words.codes)
        for start, end in not_own(text, question):
            self.mask[start:end] = hidden.NOT_OWN
        is_mark = (self.words.codes >= 0x300) & (self.words.codes <= 0x36F)
        marks = np.insert(np.cumsum(is_mark), 0, 0) if is_mark.any() else np.zeros(len(is_mark) + 1, dtype=np.int64)
        self.lengths = self.words.end - self.words.start - (marks[self.words.end] - marks[self.words.start])
        self.terms: Hashes = np.zeros(0, dtype=np.uint64)
        self.clauses: Ints = np.searchsorted(np.flatnonzero(self.words.kinds == STOP), self.words.start)

    def run(self, allow: frozenset[str], most: int) -> Counted:
        words = self.words
        if not len(words):
            return Counted({}, [], self.text)
        not_own_word = self.mask[words.start] == hidden.NOT_OWN
        mixed = is_mixed(words) & ~not_own_word
        is_word = self._is_word() & ~mixed & ~not_own_word
        is_hidden = is_word & self._is_hidden()
        is_hidden &= ~self._prose(is_word & is_hidden)
        self.terms = np.unique(words.hashes[is_hidden & (self.mask[words.start] == hidden.HIDDEN)])
        left_out = np.flatnonzero(is_word & is_hidden)
        left_out = left_out[~prose.is_keyword(words.hashes[left_out])]
        counts = is_word & ~is_hidden
        if allow:
            counts &= ~among(words.hashes, np.unique(split(" ".join(sorted(allow))).hashes))
        numbers = np.flatnonzero(counts)
        amounts = self._amounts(numbers) * repeats.weights(words.hashes[numbers], self.clauses[numbers], most)
        languages = self._languages(numbers, amounts)
        self._weigh_glued(numbers, amounts)
        free = terms.free_of_other_scripts(words, self.vocabulary, numbers, amounts, self.target, self.terms, _LONG)
        free += terms.free_of_own_script(words, self.vocabulary, numbers, amounts, languages, self.target)
        unknown = unreadable(words, self.lengths, mixed) + ciphered(words)
        stripped = float(self._amounts(left_out).sum())
        return self._summed(numbers, languages, amounts, unknown, stripped, free)

    # --- what counts ---

    def _is_word(self) -> Bools:
        """Single letters are variables in scripts that space their words."""
        script = self.words.script
        unspaced = (_per_word() > 0)[script]
        greek = (script == CLASS["greek"]) & (self.lengths <= 3)
        neutral = np.zeros(len(script), dtype=bool)
        if greek.any():
            neutral[greek] = lexicon("greek").find(self.words.hashes[greek]) < 0
        is_word = (unspaced | (self.lengths > 1)) & ~neutral & (self.mask[self.words.start] != hidden.DROPPED)
        return np.asarray(is_word)

    def _is_hidden(self) -> Bools:
        """Words in code and the like, and parts of identifiers. Other scripts are visible even there."""
        words = self.words
        latin = (words.script == CLASS["latin"]) | (words.script == CLASS["greek"])
        return np.asarray((latin & (self.mask[words.start] == hidden.HIDDEN)) | is_identifier(words))

    def _prose(self, is_hidden: Bools) -> Bools:
        """Which of the hidden words are prose all the same."""
        is_prose = np.zeros(len(self.words), dtype=bool)
        numbers = np.flatnonzero(is_hidden & (self.words.script == CLASS["latin"]))
        if not len(numbers):
            return is_prose
        hashes, evidence, listed, inverse = self.vocabulary("latin").of(numbers)
        evidence[~listed] = ABSENT
        newlines = np.searchsorted(np.flatnonzero(self.words.codes == 10), self.words.start[numbers])
        visible = np.cumsum((self.lengths > 1) & ~is_hidden)[numbers]
        runs = np.cumsum((np.diff(newlines, prepend=-1) != 0) | (np.diff(visible, prepend=-1) != 0))
        keyword = prose.is_keyword(hashes)[inverse]
        is_prose[numbers] = prose.is_prose(evidence, inverse, keyword, runs)
        return is_prose

    def _amounts(self, numbers: Ints) -> Amounts:
        return np.where(_per_word()[self.words.script[numbers]] > 0, self.lengths[numbers], 1) / np.maximum(
            _per_word()[self.words.script[numbers]], 1
        )

    # --- languages ---

    def _languages(self, numbers: Ints, amounts: Amounts) -> npt.NDArray[np.str_]:
        script = self.words.script[numbers]
        languages = np.full(len(numbers), UNKNOWN, dtype="<U3")
        clauses = self.clauses[numbers]
        begins = np.diff(clauses, prepend=-1) != 0
        for name in LISTED:
            mine = np.flatnonzero(script == CLASS[name])
            if len(mine):
                languages[mine] = languages_of(
                    self.vocabulary(name),
                    name,
                    self.words,
                    numbers[mine],
                    amounts[mine],
                    self._costs(clauses[mine]),
                    begins[mine],
                    self.terms,
                    self.candidates,
                    self.target,
                )
        for name, language in ALONE.items():
            languages[script == CLASS[name]] = language
        mine = np.flatnonzero((script == CLASS["han"]) | (script == CLASS["kana"]))
        if len(mine):
            own = clauses[mine]
            japanese = is_japanese(self.words, numbers[mine], own, self._costs(own), self.candidates)
            languages[mine] = np.where(japanese, "ja", "zh" if "zh" in self.candidates else UNKNOWN)
        return languages

    @staticmethod
    def _costs(clauses: Ints) -> npt.NDArray[np.int32]:
        begins = np.diff(clauses, prepend=clauses[:1]) != 0
        return np.where(begins, _CHANGE_AT_BEGIN, _CHANGE).astype(np.int32)

    def _weigh_glued(self, numbers: Ints, amounts: Amounts) -> None:
        """A long word of no list counts by its letters: it may be many words without blanks."""
        lengths = self.lengths[numbers]
        least = _LONG if self.target in LISTED["latin"] else _LONG_FOREIGN
        long = np.flatnonzero((lengths > least) & (self.words.script[numbers] == CLASS["latin"]))
        if len(long):
            long = long[lexicon("latin").find(self.words.hashes[numbers[long]]) < 0]
            amounts[long] *= lengths[long] / LETTERS

    # --- sums ---

    def _summed(
        self, numbers: Ints, languages: npt.NDArray[np.str_], amounts: Amounts,
        unknown: float, stripped: float, free: float,
    ) -> Counted:  # fmt: skip
        total = float(amounts.sum())
        unknown += max(0.0, stripped - total)
        first = np.flatnonzero(np.insert(languages[1:] != languages[:-1], 0, True)) if len(languages) else numbers
        runs, sums = languages[first], np.add.reduceat(amounts, first) if len(first) else amounts
        names, codes = np.unique(runs, return_inverse=True)
        by_name = np.bincount(codes, weights=sums, minlength=len(names))
        by_language = {str(name): float(amount) for name, amount in zip(names, by_name, strict=True) if amount > 0}
        if unknown:
            by_language[UNKNOWN] = by_language.get(UNKNOWN, 0.0) + unknown
        share = stripped / (stripped + total) if stripped else 0.0
        return Counted(by_language, self._longest_foreign(numbers, first, runs, sums), self.text, free, share)

    def _longest_foreign(self, numbers: Ints, first: Ints, runs: npt.NDArray[np.str_], sums: Amounts) -> list[Run]:
        """The longest runs that are not of the target. first: where each run begins in `numbers`."""
        last = np.append(first[1:], len(numbers)) - 1
        foreign = np.flatnonzero((runs != self.target) & (sums > 0))
        longest = foreign[np.argsort(-sums[foreign], kind="stable")[:_KEEP_RUNS]]
        return [
            Run(
                str(runs[number]),
                float(sums[number]),
                int(self.words.start[numbers[first[number]]]),
                int(self.words.end[numbers[last[number]]]),
            )
            for number in longest.tolist()
        ]


@lru_cache(maxsize=1)
def _per_word() -> Amounts:
    table = np.zeros(256)
    for name, characters in PER_WORD.items():
        table[CLASS[name]] = characters
    return table
