"""The distinct words of one script in a text, and what each says about its language: looked up once, used by every step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np

from reward_verifiers.language.lexicon import Evidence, lexicon
from reward_verifiers.language.words import CLASS, Bools, Hashes, Ints, Words, distinct


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """One row a distinct word, in order of their hashes."""

    hashes: Hashes
    evidence: Evidence
    """Shape (words, languages of the script)."""
    is_listed: Bools
    entries: Ints
    """The row of each word of the text; -1 for one of another script."""

    def of(self, numbers: Ints) -> tuple[Hashes, Evidence, Bools, Ints]:
        """The rows of these words alone (hashes, evidence, whether listed), and the number of each word's row."""
        entries = self.entries[numbers]
        is_used = np.zeros(len(self.hashes), dtype=bool)
        is_used[entries] = True
        rows = (np.cumsum(is_used) - 1)[entries]
        return self.hashes[is_used], self.evidence[is_used], self.is_listed[is_used], rows


def vocabularies(words: Words) -> Callable[[str], Vocabulary]:
    """By script: the text's vocabulary, which is looked up when it is first asked for."""

    @cache
    def of_script(script: str) -> Vocabulary:
        numbers = np.flatnonzero(words.script == CLASS[script])
        first, inverse = distinct(words.hashes[numbers])
        evidence, is_listed = lexicon(script).rows(words, numbers[first])
        entries = np.full(len(words), -1, dtype=np.int64)
        entries[numbers] = inverse
        return Vocabulary(words.hashes[numbers[first]], evidence, is_listed, entries)

    return of_script
