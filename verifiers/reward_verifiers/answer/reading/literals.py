"""Numbers as they are written: decimals, powers of ten, digits that repeat.

1.50 ──▶ 3/2, two places     0.1(6), 0.1\\overline{6}, 0.1666… ──▶ 1/6
"""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache

from reward_verifiers.answer.reading.nodes import Node, Num
from reward_verifiers.answer.reading.tokens import CannotRead

MAX_EXPONENT = 4_000


@lru_cache(maxsize=1024)
def literal(text: str, exponent: int = 0) -> Num:
    """The number that digits with an optional point spell, times ten to the `exponent`."""
    if not exponent and text.isdecimal():
        return Num(Fraction(int(text)))
    whole, point, decimals = text.replace(",", "").partition(".")
    digits = whole + decimals
    if abs(exponent) > MAX_EXPONENT:
        raise CannotRead("an exponent beyond all bounds")
    value = Fraction(int(digits or "0")) * Fraction(10) ** (exponent - len(decimals))
    if not point and not exponent:
        return Num(value)
    return Num(value, len(decimals) - exponent, len(digits.lstrip("0")))


def repeating(text: str) -> Node:
    if text.endswith(("...", "ldots")):
        return _going_on(text.removesuffix("...").removesuffix("\\ldots").strip())
    digits = "".join(char if char.isdigit() or char in ".(" else "(" if char == "\\" else "" for char in text)
    head, _, cycle = digits.partition("(")
    return _cyclic(head, cycle.replace("(", ""))


def _cyclic(head: str, cycle: str) -> Num:
    start = literal(head + ("0" if head.endswith(".") else ""))
    shift = len(head.partition(".")[2])
    return Num(start.value + Fraction(int(cycle), (10 ** len(cycle) - 1) * 10**shift))


def _going_on(digits: str) -> Num:
    """0.1666… repeats the shortest tail that stands there twice; 3.14159… goes on unknown, and is a decimal."""
    head, _, decimals = digits.partition(".")
    for size in range(1, len(decimals) // 2 + 1):
        cycle = decimals[-size:]
        times = 0
        while decimals[: len(decimals) - size * times].endswith(cycle):
            times += 1
        if times >= (3 if size == 1 else 2):
            return _cyclic(f"{head}.{decimals[: len(decimals) - size * times]}", cycle)
    return literal(digits)
