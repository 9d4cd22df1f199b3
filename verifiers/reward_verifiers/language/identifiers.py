"""Words that are parts of identifiers: glued to signs or digits, with capitals inside, or joined by dots.

`max_value`, `f(x)`, `x1`, `camelCase`, `np.array`
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from reward_verifiers.language.words import CLASS, DIGIT, Bools, Words


def is_identifier(words: Words) -> Bools:
    """Which words are parts of identifiers."""
    codes, kinds = words.codes, words.kinds
    before = codes[np.maximum(words.start - 1, 0)]
    after = codes[np.minimum(words.end, len(codes) - 1)]
    glue_before, glue_after = _glue()
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
    return np.asarray(latin & (glued | humps | dotted))


@lru_cache(maxsize=1)
def _glue() -> tuple[Bools, Bools]:
    """ASCII signs that make a word an identifier: before it, and behind it."""
    before, after = np.zeros(128, dtype=bool), np.zeros(128, dtype=bool)
    before[[ord(sign) for sign in "_={\\@#$%^&+<|~"]] = True
    after[[ord(sign) for sign in "_[(={\\@^&<|~"]] = True
    return before, after
