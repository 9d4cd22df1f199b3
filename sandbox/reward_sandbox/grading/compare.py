"""Is an output the expected one? Compared here, outside the jail, on bounded bytes."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from decimal import Decimal
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Mode = Literal["lines", "exact", "tokens", "float", "unordered", "yes_no"]
Match = Literal["same", "presentation", "different"]


class Tolerance(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    absolute: float = Field(default=1e-6, ge=0)
    relative: float = Field(default=1e-6, ge=0)

    def near(self, expected: float, got: float) -> bool:
        if math.isnan(expected) or math.isnan(got):
            return math.isnan(expected) and math.isnan(got)
        if math.isinf(expected) or math.isinf(got):
            return expected == got
        return abs(expected - got) <= max(self.absolute, self.relative * abs(expected))


DEFAULT = Tolerance()
_LONGEST = 400
"""Characters of a number that is looked at as one."""
_DECIMAL = re.compile(r"[+-]?\d{1,400}(?:\.0{0,400})?", re.A)


def texts(expected: str, got: str, mode: Mode = "lines", tolerance: Tolerance = DEFAULT) -> Match:
    """Compare what a program printed.

    lines       line by line; space at the ends of lines and empty lines at the end do not matter
    exact       byte for byte
    tokens      words, whatever the space between them
    float       as tokens, but a number near to the expected one will do; where that is an integer, only its equal, as 3.0
    unordered   the lines in any order
    yes_no      as tokens, whatever the case
    """
    if mode == "exact":
        if expected == got:
            return "same"
        return "presentation" if expected.split() == got.split() else "different"
    if mode in ("lines", "unordered"):
        wanted, actual = _lines(expected), _lines(got)
        same = wanted == actual if mode == "lines" else Counter(wanted) == Counter(actual)
        if same:
            return "same"
        return "presentation" if mode == "lines" and expected.split() == got.split() else "different"
    wanted, actual = expected.split(), got.split()
    if mode == "yes_no":
        wanted, actual = [word.casefold() for word in wanted], [word.casefold() for word in actual]
    if mode != "float":
        return "same" if wanted == actual else "different"
    if len(wanted) != len(actual):
        return "different"
    return "same" if all(_near(*pair, tolerance) for pair in zip(wanted, actual, strict=True)) else "different"


def _lines(text: str) -> list[str]:
    lines = [line.rstrip() for line in text.split("\n")]
    while lines and not lines[-1]:
        lines.pop()
    return lines


def _number(word: str) -> float | None:
    if len(word) > _LONGEST or "_" in word:
        return None
    try:
        return float(word)
    except ValueError:
        return None


def _near(expected: str, got: str, tolerance: Tolerance) -> bool:
    if expected == got:
        return True
    if expected.lstrip("+-").isdigit():
        return _is_same_integer(expected, got)
    wanted, actual = _number(expected), _number(got)
    return wanted is not None and actual is not None and tolerance.near(wanted, actual)


def _is_same_integer(expected: str, got: str) -> bool:
    """Exactly, but 3.0 is 3."""
    if len(expected) > _LONGEST or len(got) > _LONGEST or not _DECIMAL.fullmatch(got):
        return False
    try:
        return Decimal(expected) == Decimal(got)
    except ArithmeticError:
        return False


class Unordered(list[Any]):
    """The elements of a set, in no order."""


def as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def values(expected: Any, got: Any, tolerance: Tolerance = DEFAULT) -> bool:
    """Compare plain values by type and value: True is not 1, whole numbers are equal exactly, be they 3 or 3.0; other floats
    within the tolerance. The elements of a set come in any order.
    """
    pairs = [(expected, got)]
    while pairs:
        left, right = pairs.pop()
        if isinstance(left, bool) or isinstance(right, bool) or left is None or right is None:
            if left is not right:
                return False
        elif isinstance(left, int | float) and isinstance(right, int | float):
            if not _same_number(left, right, tolerance):
                return False
        elif isinstance(left, list) and isinstance(right, Unordered):
            pairs.append((sorted(left, key=as_text), sorted(right, key=as_text)))
        elif type(left) is not type(right):
            return False
        elif isinstance(left, list | tuple):
            if len(left) != len(right):
                return False
            pairs.extend(zip(left, right, strict=True))
        elif isinstance(left, dict):
            if left.keys() != right.keys():
                return False
            pairs.extend((left[key], right[key]) for key in left)
        elif left != right:
            return False
    return True


def _same_number(expected: float, got: float, tolerance: Tolerance) -> bool:
    if isinstance(expected, int) or (isinstance(got, int) and expected.is_integer()):
        return expected == got
    try:
        return tolerance.near(expected, float(got))
    except OverflowError:
        return False
