"""Words that are written so that no list has them; they are of an unknown language.

mixed       two scripts that look alike in one word          саll with Cyrillic letters
spelled     letters with something between                   t h e   t-h-e   (t) (h) (e)
ciphered    digits for letters, long strings of both         4n5w3r, base64
"""

from __future__ import annotations

import numpy as np

from reward_verifiers.language.words import CLASS, DIGIT, Bools, Ints, Words

LETTERS = 5.5
"""Letters of an average word."""
_BLOB = 40
_LEAST_CIPHERED = 8
_SPELLED = 12
_NEAR, _FAR = 2, 4
_OPERATORS = frozenset(map(ord, "=+*/<>^|,;:\n"))


def is_mixed(words: Words) -> Bools:
    """Words whose letters are of two scripts that look alike."""
    alike = words.script <= CLASS["greek"]
    alike &= words.script >= CLASS["latin"]
    joint = (words.end[:-1] == words.start[1:]) & alike[:-1] & alike[1:] & (words.script[:-1] != words.script[1:])
    mixed = np.zeros(len(words), dtype=bool)
    mixed[:-1] |= joint
    mixed[1:] |= joint
    return mixed


def unreadable(words: Words, lengths: Ints, mixed: Bools) -> float:
    """Words of mixed letters, and prose that is spelled letter by letter."""
    beginnings = mixed & ~np.insert(mixed[1:] & mixed[:-1] & (words.end[:-1] == words.start[1:]), 0, False)
    groups = np.cumsum(beginnings)[mixed]
    sizes = np.bincount(groups, weights=lengths[mixed]) if len(groups) else np.zeros(0)
    amount = float((sizes > 2).sum())
    single = (lengths == 1) & (words.script >= CLASS["latin"]) & (words.script <= CLASS["greek"])
    close = np.insert(_is_close(words), 0, False)
    chains = np.cumsum(~(single & close))
    sizes = np.bincount(chains, weights=single)
    return amount + float(sizes[sizes >= _SPELLED].sum()) / LETTERS


def _is_close(words: Words) -> Bools:
    """Whether each word but the first stands next to the one before: few signs between, and no operator among more."""
    gaps = words.start[1:] - words.end[:-1]
    close = gaps <= _NEAR
    for number in np.flatnonzero((gaps > _NEAR) & (gaps <= _FAR) & _are_single(words)).tolist():
        between = words.codes[words.end[number] : words.start[number + 1]].tolist()
        close[number] = _OPERATORS.isdisjoint(between)
    return close


def _are_single(words: Words) -> Bools:
    single = words.end - words.start == 1
    return single[1:] & single[:-1]


def ciphered(words: Words) -> float:
    """Words with digits for letters, and long strings of letters and digits."""
    kinds = words.kinds
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
    return float(length[blobs].sum()) / (2 * LETTERS) + (leets if leets >= _LEAST_CIPHERED else 0)


def _between(places: Ints, starts: Ints, ends: Ints) -> Ints:
    """How many of these places, which are sorted, lie in each span."""
    return np.searchsorted(places, ends) - np.searchsorted(places, starts)
