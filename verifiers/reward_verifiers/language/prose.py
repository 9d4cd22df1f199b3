"""Prose that stands where code, mathematics, tags or addresses stand.

Hidden words count when they read like a language: most are in one language's list, and one in five is among its most
common. Each line of them is tested, and once more all that are left over together, so that cutting prose into
small pieces does not hide it. Words of programming languages say nothing.
"""

from __future__ import annotations

import numpy as np

from reward_verifiers.language.data import word_list
from reward_verifiers.language.lexicon import ABSENT, COMMON, Evidence
from reward_verifiers.language.words import Bools, Hashes, Ints, among, split

_KEYWORD_HASHES = np.unique(split(" ".join(word_list("keywords"))).hashes)
_LEAST_RUN = 5
_LEAST_LEFT_OVER = 8
_LISTED_SHARE = 0.75
_COMMON_SHARE = 0.2


def is_keyword(hashes: Hashes) -> Bools:
    return among(hashes, _KEYWORD_HASHES)


def is_prose(evidence: Evidence, entries: Ints, keyword: Bools, runs: Ints) -> Bools:
    """Whether each hidden word is prose.

    evidence: per distinct word and language; entries: each word's row there; runs: the number of its run, ascending.
    """
    if not len(runs):
        return np.zeros(0, dtype=bool)
    first = np.flatnonzero(np.diff(runs, prepend=-1))
    lengths = np.diff(np.append(first, len(runs)))
    says = ~keyword
    listed, common = evidence > ABSENT, evidence >= COMMON
    in_runs = _in_runs(listed, common, entries, says, first, lengths)
    rest = ~in_runs
    counts = np.bincount(entries[rest & says], minlength=len(evidence))
    together = _reads((counts @ listed)[None], (counts @ common)[None], np.array([counts.sum()]), _LEAST_LEFT_OVER)
    return in_runs | (rest & bool(together[0]))


def _in_runs(listed: Bools, common: Bools, entries: Ints, says: Bools, first: Ints, lengths: Ints) -> Bools:
    """Which words are of a run that is prose by itself."""
    amount = np.add.reduceat(says.astype(np.int64), first)
    is_prose = np.zeros(len(first), dtype=bool)
    long = np.flatnonzero(amount >= _LEAST_RUN)
    if len(long):
        inside = np.repeat(amount >= _LEAST_RUN, lengths)
        begins = np.cumsum(lengths[long]) - lengths[long]
        listed_in, common_in = (kind[entries[inside]] & says[inside, None] for kind in (listed, common))
        is_prose[long] = _reads(
            np.add.reduceat(listed_in, begins, axis=0, dtype=np.int64),
            np.add.reduceat(common_in, begins, axis=0, dtype=np.int64),
            amount[long],
            _LEAST_RUN,
        )
    return np.repeat(is_prose, lengths)


def _reads(listed: Ints, common: Ints, amount: Ints, least: int) -> Bools:
    enough = amount[:, None] >= least
    by_language: Bools = (
        enough & (listed >= _LISTED_SHARE * amount[:, None]) & (common >= _COMMON_SHARE * amount[:, None])
    )
    return np.asarray(by_language.any(axis=1))
