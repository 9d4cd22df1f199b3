"""How many words of which language a text has.

clean ─▶ words and mask ─▶ what counts, and how much (repeats) ─▶ by script: language ─▶ runs of words by language
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from reward_verifiers.language import hidden, prose, repeats
from reward_verifiers.language.cjk import is_japanese
from reward_verifiers.language.languages import ALONE, LISTED, UNKNOWN
from reward_verifiers.language.lexicon import ABSENT, COMMON, lexicon
from reward_verifiers.language.listed import NEUTRAL_HASHES, languages_of
from reward_verifiers.language.turns import not_own
from reward_verifiers.language.words import (
    CLASS,
    DIGIT,
    STOP,
    Bools,
    Hashes,
    Ints,
    Words,
    among,
    code_points,
    split,
)
from reward_verifiers.scripts import PER_WORD

_CHANGE = 70  # hundredths of powers of ten that a change of language costs inside a clause
_CHANGE_AT_BEGIN = 50
_KEEP_RUNS = 5
_LONG = 15
_LONG_FOREIGN = 10
_BLOB = 40
_LEAST_CIPHERED = 8
_LETTERS = 5.5  # of an average word
_SPELLED = 12
_TERM_RUN = 3
_FREE_NAMES = 0.1
_FREE_TERMS = 0.05
_ALWAYS_FREE = 3

Amounts = npt.NDArray[np.float64]

_INVISIBLE = re.compile("[\u00ad\u180e\u200b\u2060-\u2064\ufeff\U000e0000-\U000e007f]")
_JOINERS = re.compile("(?<=[A-Za-z\u0400-\u04ff])[\u200c\u200d]+|[\u200c\u200d]+(?=[A-Za-z\u0400-\u04ff])")
_STYLED = re.compile("[\U0001d400-\U0001d7ff\uff21-\uff3a\uff41-\uff5a\u24b6-\u24e9\U0001f130-\U0001f169]")


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
    """Names and terms of another script that cost nothing."""
    stripped: float = 0.0
    """Share of the words that were left out as code, mathematics, addresses or identifiers."""

    @property
    def total(self) -> float:
        return sum(self.words.values())


def clean(text: str) -> str:
    """The text composed, without characters that cannot be seen; styled letters are plain ones."""
    if text.isascii():
        return text
    text = unicodedata.normalize("NFC", text).replace("ß", "ss")  # as the lists have it
    codes = code_points(text)
    if (((codes >= 0x2060) & (codes <= 0x2064)) | (codes > 0x1D3FF)).any() or any(
        sign in text for sign in "\u00ad\u180e\u200b\ufeff"
    ):
        text = _INVISIBLE.sub("", text)
    if "\u200c" in text or "\u200d" in text:
        text = _JOINERS.sub("", text)
    if (((codes >= 0xFF21) & (codes <= 0xFF5A)) | ((codes >= 0x24B6) & (codes <= 0x24E9)) | (codes > 0x1D3FF)).any():
        text = _STYLED.sub(lambda match: unicodedata.normalize("NFKC", match[0])[:1], text)
    return text


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
        self.text, self.candidates, self.target = text, candidates, target
        self.words: Words = split(text)
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
        mixed = self._mixed() & ~not_own_word
        is_word = self._is_word() & ~mixed & ~not_own_word
        is_hidden = self._is_hidden(is_word)
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
        terms = self._terms(numbers, languages, amounts)
        unknown = self._unknown(mixed) + self._ciphered()
        stripped = float(self._amounts(left_out).sum())
        return self._summed(numbers, languages, amounts, unknown, stripped, terms)

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

    def _mixed(self) -> Bools:
        """Words whose letters are of two scripts that look alike."""
        words = self.words
        alike = words.script <= CLASS["greek"]
        alike &= words.script >= CLASS["latin"]
        joint = (words.end[:-1] == words.start[1:]) & alike[:-1] & alike[1:] & (words.script[:-1] != words.script[1:])
        mixed = np.zeros(len(words), dtype=bool)
        mixed[:-1] |= joint
        mixed[1:] |= joint
        return mixed

    def _is_hidden(self, is_word: Bools) -> Bools:
        """Words in code and the like, and those glued to signs or digits. Other scripts are visible even there."""
        words, codes = self.words, self.words.codes
        before = codes[np.maximum(words.start - 1, 0)]
        after = codes[np.minimum(words.end, len(codes) - 1)]
        glue_before, glue_after = _glue()
        kinds = words.kinds
        glued = (words.start > 0) & (
            (before < 128) & glue_before[np.minimum(before, 127)] | (kinds[np.maximum(words.start - 1, 0)] == DIGIT)
        )
        glued |= (words.end < len(codes)) & (
            (after < 128) & glue_after[np.minimum(after, 127)] | (kinds[np.minimum(words.end, len(codes) - 1)] == DIGIT)
        )
        latin = (words.script == CLASS["latin"]) | (words.script == CLASS["greek"])
        humps = np.zeros(len(words), dtype=bool)
        joint = (words.end[:-1] == words.start[1:]) & latin[:-1] & latin[1:]
        humps[:-1] |= joint
        humps[1:] |= joint
        dots = (before == ord(".")) & (words.start > 1) & (kinds[np.maximum(words.start - 2, 0)] == CLASS["latin"])
        dotted = dots & ~words.capital
        dotted[:-1] |= dotted[1:] & (words.end[:-1] + 1 == words.start[1:])
        return np.asarray(latin & is_word & ((self.mask[words.start] == hidden.HIDDEN) | glued | humps | dotted))

    def _prose(self, is_hidden: Bools) -> Bools:
        """Which of the hidden words are prose all the same."""
        is_prose = np.zeros(len(self.words), dtype=bool)
        numbers = np.flatnonzero(is_hidden & (self.words.script == CLASS["latin"]))
        if not len(numbers):
            return is_prose
        evidence, listed = lexicon("latin").rows(self.words, numbers)
        evidence[~listed] = ABSENT
        newlines = np.searchsorted(np.flatnonzero(self.words.codes == 10), self.words.start[numbers])
        visible = np.cumsum((self.lengths > 1) & ~is_hidden)[numbers]
        _, runs = np.unique(np.stack([newlines, visible], axis=1), axis=0, return_inverse=True)
        keyword = prose.is_keyword(self.words.hashes[numbers])
        is_prose[numbers] = prose.is_prose(evidence, keyword, np.ravel(runs))
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
                may_be_name = self.words.capital[numbers[mine]] & ~begins[mine]
                languages[mine] = languages_of(
                    name,
                    self.words,
                    numbers[mine],
                    amounts[mine],
                    self._costs(clauses[mine]),
                    may_be_name,
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

    def _terms(self, numbers: Ints, languages: npt.NDArray[np.str_], amounts: Amounts) -> float:
        """Names and terms in Latin letters within a text of another script cost nothing, up to a share of it."""
        script = self.words.script[numbers]
        if self.target in LISTED["latin"] or not (script != CLASS["latin"]).any():
            return 0.0
        is_latin = script == CLASS["latin"]
        mine = np.flatnonzero(is_latin)
        if not len(mine):
            return 0.0
        runs = np.cumsum(~is_latin)[mine]
        sizes = np.bincount(runs)[runs]
        evidence, _ = lexicon("latin").rows(self.words, numbers[mine])
        common = (evidence >= COMMON).any(axis=1)
        hashes = self.words.hashes[numbers[mine]]
        amounts[mine[among(hashes, NEUTRAL_HASHES)]] = 0.0
        capital = self.words.capital[numbers[mine]] | among(hashes, self.terms)
        spoilt = np.bincount(runs, weights=common)[runs] > 0
        total = float(amounts.sum())
        free = 0.0
        for kind, share in ((capital, _FREE_NAMES), (~capital, _FREE_TERMS)):
            members = mine[kind & ~spoilt & (sizes <= _TERM_RUN) & (self.lengths[numbers[mine]] <= _LONG)]
            amount = float(amounts[members].sum())
            allowed = max(0.0, min(amount, share * total, 2 * share * total - amount))
            if amount <= min(_ALWAYS_FREE, total / 4):
                allowed = amount
            if amount:
                amounts[members] *= 1 - allowed / amount
            free += allowed
        return free

    def _weigh_glued(self, numbers: Ints, amounts: Amounts) -> None:
        """A long word of no list counts by its letters: it may be many words without blanks."""
        lengths = self.lengths[numbers]
        least = _LONG if self.target in LISTED["latin"] else _LONG_FOREIGN
        long = np.flatnonzero((lengths > least) & (self.words.script[numbers] == CLASS["latin"]))
        if len(long):
            long = long[lexicon("latin").find(self.words.hashes[numbers[long]]) < 0]
            amounts[long] *= lengths[long] / _LETTERS

    def _ciphered(self) -> float:
        """Words with digits for letters, and long strings of letters and digits."""
        kinds = self.words.kinds
        is_digit, is_letter = kinds == DIGIT, kinds == CLASS["latin"]
        joints = np.flatnonzero((is_digit[1:] & is_letter[:-1]) | (is_letter[1:] & is_digit[:-1]))
        if not len(joints):
            return 0.0
        breaks = np.flatnonzero(~(is_digit | is_letter))
        gaps = np.unique(np.searchsorted(breaks, joints))
        starts = np.insert(breaks, 0, -1)[gaps] + 1
        ends = np.append(breaks, len(kinds))[gaps]
        digits = np.flatnonzero(is_digit)
        inner = digits[(digits > 0) & (digits < len(kinds) - 1)]
        inner = inner[is_letter[inner - 1] & is_letter[inner + 1]]
        length, numerals = ends - starts, _between(digits, starts, ends)
        blobs = (length >= _BLOB) & (numerals < 0.97 * length)
        leet = ~blobs & (_between(inner, starts, ends) > 0) & (length - numerals >= 2)
        leets = int(leet.sum())
        return float(length[blobs].sum()) / (2 * _LETTERS) + (leets if leets >= _LEAST_CIPHERED else 0)

    def _unknown(self, mixed: Bools) -> float:
        """Words of mixed letters, and prose that is spelled letter by letter."""
        words = self.words
        beginnings = mixed & ~np.insert(mixed[1:] & mixed[:-1] & (words.end[:-1] == words.start[1:]), 0, False)
        groups = np.cumsum(beginnings)[mixed]
        sizes = np.bincount(groups, weights=self.lengths[mixed]) if len(groups) else np.zeros(0)
        amount = float((sizes > 2).sum())
        single = (self.lengths == 1) & (words.script >= CLASS["latin"]) & (words.script <= CLASS["greek"])
        close = np.insert(words.start[1:] - words.end[:-1] <= 2, 0, False)
        chains = np.cumsum(~(single & close))
        sizes = np.bincount(chains, weights=single)
        return amount + float(sizes[sizes >= _SPELLED].sum()) / _LETTERS

    # --- sums ---

    def _summed(
        self, numbers: Ints, languages: npt.NDArray[np.str_], amounts: Amounts,
        unknown: float, stripped: float, terms: float,
    ) -> Counted:  # fmt: skip
        total = float(amounts.sum())
        unknown += max(0.0, stripped - total)
        names, codes = np.unique(languages, return_inverse=True)
        sums = np.bincount(codes, weights=amounts, minlength=len(names))
        by_language = {str(name): float(amount) for name, amount in zip(names, sums, strict=True) if amount > 0}
        if unknown:
            by_language[UNKNOWN] = by_language.get(UNKNOWN, 0.0) + unknown
        share = stripped / (stripped + total) if stripped else 0.0
        return Counted(by_language, self._runs(numbers, languages, amounts), self.text, terms, share)

    def _runs(self, numbers: Ints, languages: npt.NDArray[np.str_], amounts: Amounts) -> list[Run]:
        if not len(numbers):
            return []
        first = np.flatnonzero(np.insert(languages[1:] != languages[:-1], 0, True))
        last = np.append(first[1:], len(numbers)) - 1
        sums = np.add.reduceat(amounts, first)
        foreign = np.flatnonzero((languages[first] != self.target) & (sums > 0))
        longest = foreign[np.argsort(-sums[foreign], kind="stable")[:_KEEP_RUNS]]
        return [
            Run(
                str(languages[first[number]]),
                float(sums[number]),
                int(self.words.start[numbers[first[number]]]),
                int(self.words.end[numbers[last[number]]]),
            )
            for number in longest.tolist()
        ]


def _between(places: Ints, starts: Ints, ends: Ints) -> Ints:
    """How many of these places, which are sorted, lie in each span."""
    return np.searchsorted(places, ends) - np.searchsorted(places, starts)


@lru_cache(maxsize=1)
def _per_word() -> Amounts:
    table = np.zeros(256)
    for name, characters in PER_WORD.items():
        table[CLASS[name]] = characters
    return table


@lru_cache(maxsize=1)
def _glue() -> tuple[Bools, Bools]:
    """ASCII signs that make a word an identifier: before it, and behind it."""
    before, after = np.zeros(128, dtype=bool), np.zeros(128, dtype=bool)
    before[[ord(sign) for sign in "_={\\@#$%^&+<|~"]] = True
    after[[ord(sign) for sign in "_[(={\\@^&<|~"]] = True
    return before, after
