"""What an answer is worth, read without the verifiers under test: by a small grammar of numbers, and by a second library.

same("1/2", "0.50")          True     fractions
same("5 m", "5 km")          False    amounts
same("x+1", "1+x")           True     Math-Verify, where it is installed
same("Paris", "London")      False    two words
same("x+1", "f(2)")          None     nobody knows: such a candidate is dropped, never accused
"""

from __future__ import annotations

import logging
import re
import unicodedata
from collections.abc import Iterator
from fractions import Fraction
from functools import lru_cache

_INTEGER = r"(?:\d{1,3}(?:,\d{3})+|\d+)"
_DECIMAL = rf"{_INTEGER}(?:\.\d+)?|\.\d+"
_NUMBER = re.compile(rf"([+-]?)({_DECIMAL})(?:/({_DECIMAL}))?")
_FRACTION = re.compile(r"([+-]?)\\[dt]?frac\{(\d+)\}\{(\d+)\}")
_DRESSING = re.compile(r"\\left|\\right|\\,|\\!|\\;|\$|\\\(|\\\)|\\\[|\\\]")
_UNITS = {
    "mm": ("length", Fraction(1, 1000)), "cm": ("length", Fraction(1, 100)), "m": ("length", Fraction(1)),
    "km": ("length", Fraction(1000)), "mg": ("mass", Fraction(1, 1000)), "g": ("mass", Fraction(1)),
    "kg": ("mass", Fraction(1000)), "s": ("time", Fraction(1)), "seconds": ("time", Fraction(1)),
    "minutes": ("time", Fraction(60)), "h": ("time", Fraction(3600)), "hours": ("time", Fraction(3600)),
    "days": ("time", Fraction(86_400)), "%": ("share", Fraction(1, 100)),
}  # fmt: skip
_AMOUNT = re.compile(r"([-+−]?[\d.,/]{1,40})\s?(" + "|".join(sorted(_UNITS, key=len, reverse=True)) + r")\.?")
_LETTER = re.compile(r"\(?([A-Ja-j])\)?\.?")
_WORDS = re.compile(r"[^\W\d_]+(?:[ '-][^\W\d_]+)*\.?")
_DIGIT = re.compile(r"\d")
MAX_SECOND = 200
"""Characters that the second library is given."""


def normal(text: str) -> str:
    """Without case, blanks, dollar signs and a full stop at the end."""
    bare = _DRESSING.sub("", unicodedata.normalize("NFKC", text)).strip()
    return (
        re.sub(r"\s+", "", bare.removesuffix(".")).casefold().replace("\\dfrac", "\\frac").replace("\\tfrac", "\\frac")
    )


def number(text: str) -> Fraction | None:
    """
    >>> number("1,234.50"), number("-3/4"), number("\\\\frac{5}{6}"), number("5 cm")
    (Fraction(2469, 2), Fraction(-3, 4), Fraction(5, 6), None)
    """
    bare = normal(text).replace("−", "-")
    if len(bare) > 100:
        return None
    match = _FRACTION.fullmatch(bare) or _NUMBER.fullmatch(bare)
    if match is None:
        return None
    above, below = (Fraction((part or "1").replace(",", "")) for part in match.groups()[1:])
    return None if below == 0 else (-1 if match[1] == "-" else 1) * above / below


def amount(text: str) -> tuple[str, Fraction] | None:
    """(what is measured, how much in its first unit), of a number with a unit.

    >>> amount("250 cm"), amount("2.5 m"), amount("3 apples")
    (('length', Fraction(5, 2)), ('length', Fraction(5, 2)), None)
    """
    match = _AMOUNT.fullmatch(text.strip())
    value = number(match[1]) if match else None
    if match is None or value is None:
        return None
    dimension, factor = _UNITS[match[2]]
    return dimension, value * factor


def letter(text: str) -> str | None:
    """The option that a multiple-choice answer names."""
    match = _LETTER.fullmatch(text.strip())
    return match[1].upper() if match else None


def is_words(text: str) -> bool:
    return _WORDS.fullmatch(text.strip()) is not None


def same(one: str, other: str) -> bool | None:
    """Whether two answers are equal; None where that is not certain."""
    if normal(one) == normal(other):
        return True
    if (left := number(one)) is not None and (right := number(other)) is not None:
        return left == right
    if (measured := amount(one)) is not None and (wanted := amount(other)) is not None:
        return measured == wanted
    if is_words(one) and is_words(other):
        first, second = normal(one), normal(other)
        return None if first in second or second in first else False
    if is_words(one) != is_words(other) and (number(one) is not None or number(other) is not None):
        return False
    return _by_second(one, other)


def differ(one: str, other: str) -> bool:
    """Whether two answers certainly differ."""
    return same(one, other) is False


@lru_cache(maxsize=4096)
def _by_second(one: str, other: str) -> bool | None:
    """Math-Verify's word, where it reads both."""
    if not has_second() or max(len(one), len(other)) > MAX_SECOND:
        return None
    from math_verify import parse, verify

    left, right = _parsed(parse, one), _parsed(parse, other)
    if not left or not right:
        return None
    try:
        return bool(verify(left, right) or verify(right, left))
    except Exception:  # of a foreign library, on texts that it does not foresee
        return None


def _parsed(parse: object, text: str) -> list[object]:
    try:
        return list(parse(f"\\boxed{{{text}}}"))  # type: ignore[operator]
    except Exception:
        return []


@lru_cache(maxsize=1)
def has_second() -> bool:
    """Whether the second library is installed."""
    try:
        import math_verify  # noqa: F401
    except ImportError:
        return False
    logging.getLogger("math_verify").setLevel(logging.CRITICAL)
    return True


_TOKEN = re.compile(r"-?\d[\d,]*(?:\.\d+)?|[^\W\d_]+")


def mentions(text: str, answer: str) -> bool:
    """Whether the answer stands in the text, as a word or as a number of the same value.

    >>> mentions("Score: 1.0", "1"), mentions("a [[A]]", "a"), mentions("xylophone", "x")
    (True, True, False)
    """
    folded, wanted = text.casefold(), answer.strip().casefold()
    if not wanted:
        return False
    if re.search(rf"(?<!\w){re.escape(wanted)}(?!\w)", folded):
        return True
    value = number(answer)
    return value is not None and any(number(token) == value for token in _TOKEN.findall(folded))


def written(value: Fraction) -> str:
    return str(value.numerator) if value.denominator == 1 else f"{value.numerator}/{value.denominator}"


def changed_digits(text: str) -> Iterator[str]:
    """The text with one digit changed, for each of its first digits."""
    for match in list(_DIGIT.finditer(text))[:6]:
        digit = str((int(match.group()) + 3) % 9 + 1)
        if digit != match.group():
            yield text[: match.start()] + digit + text[match.end() :]
