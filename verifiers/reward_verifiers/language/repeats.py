"""How much the words of a repeated clause count: 1, a quarter of that each time it comes again, nothing after `most`.

Digits and single letters are no words, so that numbering the repeats does not help. A clause without an end is weighed word
by word, each with the _GRAM - 1 before it.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from reward_verifiers.language.words import Hashes, Ints

_CLAUSE_WORDS = 16
_GRAM = 4
_POWERS = np.cumprod(np.full(_CLAUSE_WORDS, 0xD6E8FEB86659FD93, dtype=np.uint64), dtype=np.uint64)


def weights(hashes: Hashes, clauses: Ints, most: int) -> npt.NDArray[np.float64]:
    """hashes: of a text's words, in order; clauses: the number of each word's clause."""
    size = len(hashes)
    if not size:
        return np.ones(0)
    starts = np.flatnonzero(np.diff(clauses, prepend=-1))
    inside = np.arange(size) - np.repeat(starts, np.diff(np.append(starts, size)))
    first = np.flatnonzero(inside % _CLAUSE_WORDS == 0)
    lengths = np.diff(np.append(first, size))
    keys = np.add.reduceat(hashes * _POWERS[inside % _CLAUSE_WORDS], first)
    is_whole = lengths == _CLAUSE_WORDS
    result = np.ones(size)
    short = np.repeat(~is_whole, lengths)
    result[short] = np.repeat(_decay(keys[~is_whole], most), lengths[~is_whole])
    if is_whole.any():
        grams = hashes * _POWERS[0]
        for back in range(1, _GRAM):
            grams[back:] += hashes[:-back] * _POWERS[back]
        result[~short] = _decay(grams[~short], most)
    return result


def _decay(keys: Hashes, most: int) -> npt.NDArray[np.float64]:
    result = np.ones(len(keys))
    by_key = np.argsort(keys)
    same = np.flatnonzero(keys[by_key[1:]] == keys[by_key[:-1]])
    if not len(same):
        return result
    is_repeated = np.zeros(len(keys), dtype=bool)
    is_repeated[by_key[same]] = is_repeated[by_key[same + 1]] = True
    repeated = np.flatnonzero(is_repeated)
    order = np.argsort(keys[repeated], kind="stable")
    ordered = keys[repeated][order]
    begins = np.flatnonzero(np.insert(ordered[1:] != ordered[:-1], 0, True))
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order)) - np.repeat(begins, np.diff(np.append(begins, len(order))))
    result[repeated] = np.where(rank < most, 0.25 ** np.minimum(rank, 60), 0.0)
    return result
