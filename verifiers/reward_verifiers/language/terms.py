"""Words that cost nothing although they are not of the target, up to a share of the text.

    another script   names and acronyms in Latin letters, words of code, single words (`BFS`, `for`, `graph` in Chinese)
    the same script  rare words that stand alone: the lists cannot have every word of a language (`hotdogs`, `pickaxe`)

Each kind has its allowance. What exceeds it costs, and beyond twice the allowance all of it does, so that no chain in
another language lives on it.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from reward_verifiers.language import prose
from reward_verifiers.language.languages import LISTED, UNKNOWN
from reward_verifiers.language.lexicon import COMMON
from reward_verifiers.language.listed import NEUTRAL_HASHES
from reward_verifiers.language.vocabulary import Vocabulary
from reward_verifiers.language.words import CLASS, Hashes, Ints, Words, among

Amounts = npt.NDArray[np.float64]
Languages = npt.NDArray[np.str_]

_RUN = 3
_FREE_NAMES = 0.1
_FREE_TERMS = 0.05
_FREE_UNLISTED = 0.08
_FREE_RARE = 0.03
_RARE = -480
_RARE_RUN = 2
_ALWAYS_FREE = 3
_ALWAYS_RARE = 2


def free_of_other_scripts(
    words: Words,
    vocabulary: Callable[[str], Vocabulary],
    numbers: Ints,
    amounts: Amounts,
    target: str,
    coded: Hashes,
    longest: int,
) -> float:
    """Lowers, in place, what Latin words within a text of another script amount to; how much that is.

    coded: the words that the same text has in code.
    """
    is_latin = words.script[numbers] == CLASS["latin"]
    if target in LISTED["latin"] or is_latin.all() or not is_latin.any():
        return 0.0
    mine = np.flatnonzero(is_latin)
    runs = np.cumsum(~is_latin)[mine]
    sizes = np.bincount(runs)[runs]
    hashes = words.hashes[numbers[mine]]
    amounts[mine[among(hashes, NEUTRAL_HASHES)]] = 0.0
    capital = words.capital[numbers[mine]] | among(hashes, coded)
    keyword = prose.is_keyword(hashes) & ~capital
    latin = vocabulary("latin")
    evidence = latin.evidence[latin.entries[numbers[mine]]]
    common = (evidence >= COMMON).any(axis=1) & ~capital & ~keyword
    spoilt = np.bincount(runs, weights=common)[runs] > 0
    may_be = ~spoilt & (sizes <= _RUN) & (words.end[numbers[mine]] - words.start[numbers[mine]] <= longest)
    total = float(amounts.sum())
    return sum(
        _free(amounts, mine[kind & may_be], total, share, min(_ALWAYS_FREE, total / 4))
        for kind, share in ((capital, _FREE_NAMES), (keyword, _FREE_TERMS), (~capital & ~keyword, _FREE_TERMS))
    )


def free_of_own_script(
    words: Words,
    vocabulary: Callable[[str], Vocabulary],
    numbers: Ints,
    amounts: Amounts,
    languages: Languages,
    target: str,
) -> float:
    """Lowers, in place, what rare words amount to that stand alone among words of the target; how much that is."""
    script = next((name for name, codes in LISTED.items() if target in codes), None)
    foreign = languages != target
    if script is None or not foreign.any() or foreign.all():
        return 0.0
    runs = np.cumsum(np.insert(foreign[1:] != foreign[:-1], 0, True))
    sizes = np.bincount(runs)[runs]
    mine = np.flatnonzero(foreign & (sizes <= _RARE_RUN) & (words.script[numbers] == CLASS[script]))
    if not len(mine):
        return 0.0
    own = vocabulary(script)
    entries = own.entries[numbers[mine]]
    evidence = own.evidence[entries]
    unlisted = ~own.is_listed[entries] & (languages[mine] == UNKNOWN)
    rare = ~unlisted & (evidence.max(axis=1) < _RARE)
    total = float(amounts.sum())
    return sum(
        _free(amounts, mine[kind], total, share, min(_ALWAYS_RARE, total / 8))
        for kind, share in ((unlisted, _FREE_UNLISTED), (rare, _FREE_RARE))
    )


def _free(amounts: Amounts, members: Ints, total: float, share: float, always: float) -> float:
    """Lowers the amounts of these words by what is allowed, and returns that."""
    amount = float(amounts[members].sum())
    if not amount:
        return 0.0
    allowed = amount if amount <= always else max(0.0, min(amount, share * total, 2 * share * total - amount))
    amounts[members] *= 1 - allowed / amount
    return allowed
