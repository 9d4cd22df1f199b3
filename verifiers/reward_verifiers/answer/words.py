"""Words in answers: synonyms of yes, no, true and "no solution", number words, and which words are only filler."""

from __future__ import annotations

import re
from typing import NamedTuple

_CLASSES = {
    "true": "true yes correct right 是 对 正确 是的 对的 真 sí oui ja",
    "false": "false no incorrect wrong 否 错 错误 不是 不对 假 non nein",
    "∅": (
        "none|no solution|no solutions|no real solution|no real solutions|there is no solution|there are no solutions"
        "|there are no real solutions|empty set|the empty set|empty|无解|没有解|空集|no roots|no real roots"
        "|no such number|no such numbers|no values"
    ),
    "undefined": "undefined|does not exist|dne|not defined|doesn't exist|diverges|divergent|the limit does not exist|不存在",
    "R": (
        "all real numbers|all reals|all real|the set of all real numbers|real numbers|every real number"
        "|any real number|全体实数|所有实数"
    ),
    "infinitely many": "infinitely many|infinite|infinitely many solutions|infinite solutions|无穷多|无数个|无数",
    "inf": "infinity|positive infinity|inf|+inf|无穷大|正无穷",
    "-inf": "negative infinity|minus infinity|-inf|负无穷",
}
CLASS = {
    spelling: name
    for name, spellings in _CLASSES.items()
    for spelling in (spellings.split("|") if "|" in spellings else spellings.split())
}
"""Spelling → the name of its class of synonyms."""

INITIALS = {"t": "true", "y": "true", "f": "false", "n": "false"}
"""What a letter stands for where the other side is a word; alone it is an unknown."""

_UNITS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen"
).split()
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
NUMBERS = {word: value for value, word in enumerate(_UNITS)} | {
    word: 10 * value for value, word in enumerate(_TENS, start=2)
}
NUMBERS |= {
    f"{tens}-{unit}": NUMBERS[tens] + value for tens in _TENS for value, unit in enumerate(_UNITS[1:10], start=1)
}
SCALES = {
    "hundred": 2, "thousand": 3, "million": 6, "billion": 9, "trillion": 12, "百": 2, "千": 3, "万": 4, "亿": 8,
}  # fmt: skip
"""Word → power of ten."""

BASES = {
    "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10,
    "eleven": 11, "twelve": 12, "sixteen": 16,
}  # fmt: skip

SEPARATORS = frozenset({"and", "or", "或", "和", "及", "与", "或者", "以及", "et", "ou", "und", "oder"})
UNSETTLED = frozenset(
    (
        "not or either neither nor maybe perhaps possibly probably unless except isn't wasn't aren't wrong "
        "incorrect if unknown unsure but instead between versus vs 不是 可能 或许 不"
    ).split()
)
"""Words after a value that take it back or leave it open."""

_CLOCK = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}))?\s?(?:([ap])\.?\s?m\.?)?", re.I)


class Clock(NamedTuple):
    """A time of day."""

    hour: int
    minute: int
    second: int
    half: str
    """a, p, or "" when it was not said."""

    def same(self, other: Clock) -> bool:
        """A half of the day that one side leaves out is not held against it."""
        if self[1:3] != other[1:3]:
            return False
        if self.half and other.half:
            return (self.hour % 12, self.half) == (other.hour % 12, other.half)
        if not self.half and not other.half:
            return self.hour == other.hour
        named, plain = (self, other) if self.half else (other, self)
        if plain.hour > 12 or plain.hour == 0:
            return named.hour % 12 + (12 if named.half == "p" else 0) == plain.hour
        return named.hour % 12 == plain.hour % 12


def clock(text: str) -> Clock | None:
    """The time of day that a text is, or None."""
    found = _CLOCK.fullmatch(text.strip(" ."))
    if not found or int(found[1]) > 24 or int(found[2]) > 59:
        return None
    return Clock(int(found[1]), int(found[2]), int(found[3] or 0), (found[4] or "").lower())


_ARTICLES = frozenset(["the", "a", "an", "is", "are", "it", "it's", "its", "option", "choice", "answer"])
_PUNCTUATION = re.compile(r"[^\w\s+\-−/'%$€£¥:.]|(?<!\d)[.:]|[.:](?!\d)")
_MERIDIEM = re.compile(r"\b([ap])\.?\s?m\b\.?", re.I)


def plain(text: str) -> str:
    """Words for comparison: no case, no articles, no punctuation, single spaces.

    >>> plain("The Sun.")
    'sun'
    """
    text = _MERIDIEM.sub(lambda m: m.group(1) + "m", text.casefold())
    words = _PUNCTUATION.sub(" ", text).split()
    return " ".join(word for word in words if word not in _ARTICLES) or " ".join(words)


def synonym(text: str) -> str | None:
    """The class of synonyms that a text belongs to, e.g. "true" for "Yes." and "∅" for "no real solutions"."""
    words = " ".join(_PUNCTUATION.sub(" ", text.casefold()).split())
    return CLASS.get(words) or CLASS.get(text.casefold().strip())
