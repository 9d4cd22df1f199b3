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
    says = ~keyword[:, None]
    listed, common = (evidence > ABSENT)[entries] & says, (evidence >= COMMON)[entries] & says
    amount = np.add.reduceat((~keyword).astype(np.int64), first)
    whole = _reads(np.add.reduceat(listed, first, axis=0), np.add.reduceat(common, first, axis=0), amount, _LEAST_RUN)
    in_runs: Bools = np.repeat(whole, lengths)
    rest = ~in_runs
    together = _reads(
        listed[rest].sum(axis=0)[None],
        common[rest].sum(axis=0)[None],
        np.array([(~keyword & rest).sum()]),
        _LEAST_LEFT_OVER,
    )
    return in_runs | (rest & bool(together[0]))


def _reads(listed: Ints, common: Ints, amount: Ints, least: int) -> Bools:
    enough = amount[:, None] >= least
    by_language: Bools = (
        enough & (listed >= _LISTED_SHARE * amount[:, None]) & (common >= _COMMON_SHARE * amount[:, None])
    )
    return np.asarray(by_language.any(axis=1))
