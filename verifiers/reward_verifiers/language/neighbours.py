"""Languages without a list that share most of their words with one that has one: Afrikaans and Dutch, Marathi and Hindi.

A neighbour has the evidence of its bases, less a little, but for the common words that it alone has and those that it lacks.
Its words are unknown ones: without it, half of an Afrikaans text would be Dutch.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
import numpy.typing as npt

from reward_verifiers.language.lexicon import ABSENT, Evidence
from reward_verifiers.language.words import Hashes, among, split

_LESS = 15
_OWN = -250
_SHARED = -450
_LEAST_OWN = 0.03


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A language by what tells it from its bases."""

    bases: tuple[str, ...]
    has: Hashes
    lacks: Hashes

    def evidence(
        self, evidence: Evidence, languages: list[str], hashes: Hashes, counts: npt.NDArray[np.float64]
    ) -> Evidence | None:
        """The column of this language beside those of the others; None without its bases, or enough of its own words."""
        columns = [languages.index(base) for base in self.bases if base in languages]
        if not columns:
            return None
        shared: Evidence = evidence[:, columns].max(axis=1)
        own = among(hashes, self.has) & (shared < _SHARED)
        if counts[own].sum() < _LEAST_OWN * counts.sum():
            return None
        column = shared - _LESS
        column[among(hashes, self.lacks)] = ABSENT
        column[own] = _OWN
        return column


@cache
def neighbours(script: str) -> tuple[Neighbour, ...]:
    """The neighbours in a script."""
    text = (files("reward_verifiers.language.data") / "neighbours.txt").read_text(encoding="utf-8")
    result = []
    for line in text.splitlines():
        head, _, rest = line.partition(" + ")
        has, _, lacks = rest.partition(" - ")
        _, own_script, bases = head.split()
        if own_script == script:
            has_hashes, lacks_hashes = (np.unique(split(words).hashes) for words in (has, lacks))
            shared = np.intersect1d(has_hashes, lacks_hashes)
            result.append(
                Neighbour(tuple(bases.split(",")), np.setdiff1d(has_hashes, shared), np.setdiff1d(lacks_hashes, shared))
            )
    return tuple(result)
