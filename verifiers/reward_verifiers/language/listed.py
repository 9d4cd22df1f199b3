"""The languages of words whose script several languages share, or one language and unknown ones.

each distinct word: evidence ─▶ how much of the text each language explains ─▶ the few that matter ─▶ path over the words
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from reward_verifiers.language.data import word_list
from reward_verifiers.language.languages import UNKNOWN
from reward_verifiers.language.lexicon import ABSENT, COMMON, UNLISTED, Evidence, lexicon
from reward_verifiers.language.neighbours import neighbours
from reward_verifiers.language.path import Numbers, likeliest
from reward_verifiers.language.vocabulary import Vocabulary
from reward_verifiers.language.words import Bools, Hashes, Ints, Words, among, split

Amounts = npt.NDArray[np.float64]

_ROUNDS = 6
_PER_HUNDREDTH = 0.0230258509
_LEAST_SHARE = 0.004
_MOST_LANGUAGES = 6
_SHARE_FLOOR = 0.003
_SHARE_WEIGHT = 80
_EDGE = 50
_TWINS = (("id", "ms"),)
_TWIN_CLIP = 200
_TWIN_MARGIN = 2

_NAME_WEIGHT = 0.2
"""How much words that have a capital wherever they stand say about the languages of a text."""
_NAME_SHARE = 0.1
_MOST_NAMES = 0.25
_FEW_NAMES = 6
_LONGEST_ENDING = 5
"""Beyond this share, and more than so many, words with capitals are no names but a way of writing."""

# Phrases of scholars in every language, and the units and functions that stand between words.
NEUTRAL_HASHES = np.unique(split(" ".join(word_list("neutral"))).hashes)


def languages_of(
    vocabulary: Vocabulary,
    script: str,
    words: Words,
    numbers: Ints,
    amounts: Amounts,
    costs: Numbers,
    begins: Bools,
    terms: Hashes,
    candidates: frozenset[str],
    target: str,
) -> npt.NDArray[np.str_]:
    """The language of each of these words of a text, which are of one script, in order. begins: where a clause does."""
    table = lexicon(script)
    hashes, evidence, is_listed, inverse = vocabulary.of(numbers)
    columns = [number for number, language in enumerate(table.languages) if language in candidates]
    languages = [table.languages[column] for column in columns]
    counts: Amounts = np.bincount(inverse, weights=amounts).astype(np.float64) + 1e-9
    evidence = evidence[:, columns]
    listed = np.where(is_listed[:, None], evidence, ABSENT)
    capital = words.capital[numbers]
    only_capital = np.bincount(inverse, weights=~capital) == 0
    others = [neighbour.evidence(evidence, languages, hashes, counts) for neighbour in neighbours(script)]
    unknown = [*(column for column in others if column is not None), np.full(len(hashes), UNLISTED, dtype=np.int32)]
    evidence = np.column_stack([evidence, *unknown])
    languages += [UNKNOWN] * len(unknown)
    shares = _shares(evidence, np.where(only_capital, _NAME_WEIGHT * counts, counts))
    _settle_twins(shares, evidence, counts, languages, target)
    kept = _kept(shares, languages, target)
    evidence = evidence[:, kept] + np.rint(_SHARE_WEIGHT * np.log10(shares[kept] + _SHARE_FLOOR)).astype(np.int32)
    evidence -= evidence.max(axis=1, keepdims=True)
    evidence[among(hashes, NEUTRAL_HASHES) | among(hashes, terms)] = 0
    rows = evidence[inverse]
    is_name = _names(listed, languages, shares)
    names = np.asarray(capital & is_name[inverse] & (~begins | only_capital[inverse]))
    own = listed[:, shares[: listed.shape[1]] >= _NAME_SHARE]
    is_unlisted = np.asarray((own <= ABSENT).all(axis=1))[inverse]
    if amounts[names & is_unlisted].sum() <= max(_MOST_NAMES * counts.sum(), _FEW_NAMES):
        rows[names] = 0
        rows[_endings_of_names(words, numbers, names)] = 0
    # Before and behind the text stands its main language, so that a change at its edges costs as much as elsewhere.
    is_other = np.arange(len(kept)) != int(shares[kept].argmax())
    rows[0, is_other] -= _EDGE
    rows[-1, is_other] -= _EDGE
    by_word: npt.NDArray[np.str_] = np.array(languages)[np.array(kept)[likeliest(rows, costs)]]
    return by_word


def _names(listed: Evidence, languages: Sequence[str], shares: Amounts) -> Bools:
    """Which words are names when they have a capital: no common words of a language that the text has.

    German has a capital for every noun, so a word that German alone lists is none.
    """
    lists = listed > ABSENT
    names = np.ones(len(listed), dtype=bool)
    if "de" in languages[: lists.shape[1]]:
        names = (lists.sum(axis=1) != 1) | ~lists[:, languages.index("de")]
    has_share = shares[: lists.shape[1]] >= _NAME_SHARE
    return np.asarray(names & ~(listed[:, has_share] >= COMMON).any(axis=1))


def _endings_of_names(words: Words, numbers: Ints, names: Bools) -> Bools:
    """The short words that an apostrophe joins to a name: Turkish inflects names so."""
    starts, ends = words.start[numbers], words.end[numbers]
    joined = (starts[1:] == ends[:-1] + 1) & _is_apostrophe(words.codes[starts[1:] - 1])
    return np.insert(names[:-1] & joined & (ends[1:] - starts[1:] <= _LONGEST_ENDING), 0, False)


def _is_apostrophe(codes: npt.NDArray[np.uint32]) -> Bools:
    return np.asarray((codes == ord("'")) | (codes == ord("\u2019")))


def _shares(evidence: Evidence, counts: Amounts) -> Amounts:
    """The share of the words that each language explains best: a mixture fitted by expectation maximisation."""
    likelihood = np.exp(
        (evidence - evidence.max(axis=1, keepdims=True)).astype(np.float32) * np.float32(_PER_HUNDREDTH)
    )
    weights, total = counts.astype(np.float32), float(counts.sum())
    shares = np.full(evidence.shape[1], 1 / evidence.shape[1])
    for _ in range(_ROUNDS):
        rows = (likelihood * shares.astype(np.float32)).sum(axis=1)
        shares = (likelihood * (weights / rows)[:, None]).sum(axis=0).astype(np.float64) * shares / total
    return shares


def _settle_twins(shares: Amounts, evidence: Evidence, counts: Amounts, languages: list[str], target: str) -> None:
    """Of two languages that share most of their words, a text is of one: the likelier, or the target if it is as likely."""
    for pair in _TWINS:
        if not set(pair) <= set(languages):
            continue
        one, other = (languages.index(language) for language in pair)
        for_one = float(((evidence[:, one] - evidence[:, other]).clip(-_TWIN_CLIP, _TWIN_CLIP) * counts).sum())
        margin = _TWIN_MARGIN * (int(pair[0] == target) - int(pair[1] == target)) * counts.sum()
        winner, loser = (one, other) if for_one + margin >= 0 else (other, one)
        shares[winner] += shares[loser]
        shares[loser] = 0
        evidence[:, winner] = np.maximum(evidence[:, winner], evidence[:, loser])


def _kept(shares: Amounts, languages: list[str], target: str) -> list[int]:
    """The languages with a share worth following, the target and the unknown one."""
    order = np.argsort(-shares)[:_MOST_LANGUAGES].tolist()
    kept = {number for number in order if shares[number] >= _LEAST_SHARE} | {len(languages) - 1}
    return sorted(
        kept | {number for number, language in enumerate(languages) if language == target and shares[number] > 0}
    )
