"""Numbers that stand for letters: character codes in decimal, hexadecimal, octal or binary, read as what they spell."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np

from reward_verifiers.language.words import DIGIT, Words

_FEWEST = 16
_LEAST_DIGITS = 0.02
"""Share of digits from which a text is looked at: fewer codes than that spell next to nothing of it."""
_CODE = r"\d[0-9A-Fa-fx]{1,7}"  # the codes of letters and blanks begin with a digit, in each of the four ways
_RUN = re.compile(rf"(?<![\w.]){_CODE}(?:[\s,;|]{{1,3}}{_CODE}){{{_FEWEST - 1},}}(?![\w.])")
_BETWEEN = re.compile(r"[\s,;|]+")
_READERS: tuple[tuple[re.Pattern[str], Callable[[str], int]], ...] = (
    (re.compile(r"[01]{7,8}"), lambda token: int(token, 2)),
    (re.compile(r"\d{2,3}"), int),
    (re.compile(r"[01][0-7]{2}"), lambda token: int(token, 8)),
    (re.compile(r"(?:0x)?[0-9A-Fa-f]{2}"), lambda token: int(token, 16)),
)
_LEAST_LETTERS = 0.75
_LEAST_BLANKS, _MOST_BLANKS = 0.05, 0.35
_LEAST_VOWELS, _MOST_VOWELS = 0.2, 0.6


def may_hold_codes(words: Words) -> bool:
    """Whether the text has enough digits for a run of codes."""
    digits = int(np.count_nonzero(words.kinds == DIGIT))
    return digits >= _FEWEST and digits >= _LEAST_DIGITS * len(words.kinds)


def spelled(text: str) -> str:
    """The text with each run of codes replaced by what it spells. Numbers that spell no words stay as they are."""
    return _RUN.sub(lambda match: _spelled(match[0]), text)


def _spelled(run: str) -> str:
    tokens = _BETWEEN.split(run)
    for pattern, value in _READERS:
        if all(map(pattern.fullmatch, tokens)):
            letters = "".join(chr(code) if 31 < code < 127 else "\n" for code in map(value, tokens))
            if _reads(letters):
                return letters
    return run


def _reads(text: str) -> bool:
    letters = [letter for letter in text.lower() if letter.isalpha()]
    vowels = sum(letter in "aeiou" for letter in letters)
    blanks = sum(map(str.isspace, text)) / len(text)
    return (
        len(letters) >= _LEAST_LETTERS * len(text)
        and _LEAST_BLANKS <= blanks <= _MOST_BLANKS
        and _LEAST_VOWELS * len(letters) <= vowels <= _MOST_VOWELS * len(letters)
    )
