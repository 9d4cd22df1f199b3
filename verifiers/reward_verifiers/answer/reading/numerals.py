"""Numbers in words: "one hundred and five", "three and a half", "two thirds", "negative two", 十二, 三分之二.

The whole text is a number, or None: text2num and cn2an read in their strict way.
"""

from __future__ import annotations

import re
from fractions import Fraction
from functools import lru_cache
from typing import Any

LANGUAGES = ("en", "fr", "es", "de", "it", "pt", "nl")
MAX_CHARACTERS = 120
_PARTS = {
    "half": 2, "halves": 2, "third": 3, "thirds": 3, "quarter": 4, "quarters": 4, "fourth": 4, "fourths": 4,
    "fifth": 5, "fifths": 5,
    "sixth": 6, "sixths": 6, "seventh": 7, "sevenths": 7, "eighth": 8, "eighths": 8, "ninth": 9, "ninths": 9,
    "tenth": 10, "tenths": 10,
    "eleventh": 11, "elevenths": 11, "twelfth": 12, "twelfths": 12, "sixteenth": 16, "sixteenths": 16,
    "twentieth": 20, "twentieths": 20,
    "hundredth": 100, "hundredths": 100, "thousandth": 1000, "thousandths": 1000,
}  # fmt: skip
_CHINESE = re.compile(r"[零〇一二两三四五六七八九十百千万亿点负分之]+")
_WORDS = re.compile(r"[^\W\d_]+(?:[ -][^\W\d_]+)*")


@lru_cache(maxsize=2048)
def number(text: str) -> Fraction | None:
    """The number that a text spells in words, or None.

    >>> number("thirty seven"), number("three and a half"), number("five no wait six")
    (Fraction(37, 1), Fraction(7, 2), None)
    """
    text = " ".join(text.split())
    if not text or len(text) > MAX_CHARACTERS or (len(text) == 1 and text.isascii()):
        return None
    if _CHINESE.fullmatch(text):
        return _chinese(text)
    return _signed(text.lower()) if _WORDS.fullmatch(text) else None


def _signed(text: str) -> Fraction | None:
    for sign in ("negative ", "minus "):
        if text.startswith(sign):
            value = _mixed(text[len(sign) :])
            return None if value is None else -value
    return _mixed(text)


def _mixed(text: str) -> Fraction | None:
    whole, joined, part = text.rpartition(" and ")
    if joined:
        over, under = _cardinal(whole), _fraction(part)
        if over is not None and under is not None and under < 1:
            return over + under
    value = _fraction(text)
    return value if value is not None else _cardinal(text)


def _fraction(text: str) -> Fraction | None:
    *over, last = text.replace("-", " ").split()
    under = _PARTS.get(last)
    if under is None:
        return None
    if not over or over in (["a"], ["an"]):
        return Fraction(1, under)
    value = _cardinal(" ".join(over))
    return None if value is None else value / under


def _cardinal(text: str) -> Fraction | None:
    count, _, last = text.rpartition(" ")
    if last == "dozen":
        dozens = Fraction(1) if count in ("", "a", "one") else _mixed(count.removesuffix(" a"))
        return None if dozens is None else 12 * dozens
    text = re.sub(r"^an? (?=hundred|thousand|million|billion)", "one ", text)
    whole, point, digits = text.partition(" point ")
    if point:
        left, right = _plain(whole), [_plain(word) for word in digits.split()]
        if left is None or not right or any(digit is None or not 0 <= digit <= 9 for digit in right):
            return None
        return left + Fraction(int("".join(str(digit) for digit in right)), 10 ** len(right))
    return _plain(text)


def _plain(text: str) -> Fraction | None:
    from text_to_num import text2num

    for language in LANGUAGES:
        try:
            value: Any = text2num(text, language)
        except ValueError:
            continue
        return Fraction(value)
    return None


def _chinese(text: str) -> Fraction | None:
    under, parted, over = text.partition("分之")
    if parted:
        top, bottom = _chinese_whole(over), _chinese_whole(under)
        return top / bottom if top is not None and bottom else None
    return _chinese_whole(text)


def _chinese_whole(text: str) -> Fraction | None:
    import cn2an

    text = text.replace("两", "二").replace("〇", "零")
    if len(text) > 30 or not text:
        return None
    text = {"百": "一百", "千": "一千", "万": "一万"}.get(text, text)
    try:
        return Fraction(str(cn2an.cn2an(text, "strict")))
    except Exception:  # of cn2an's own making: the text is no number
        return None
