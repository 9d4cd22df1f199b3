"""Whether a value is the right one: by the type of the right value, or as the rule says."""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from datetime import datetime
from typing import Any

from reward_verifiers.structured.options import Compare

_NUMBER = re.compile(r"[-+]?(\d{1,300}(\.\d{0,300})?|\.\d{1,300})([eE][-+]?\d{1,3})?")
_DATE_CHARS = 40
_BOOLEANS = {"true": True, "false": False}


def same(value: Any, right: Any, compare: Compare, tolerance: float) -> bool:
    """Whether the value is the right one."""
    if compare == "exact":
        return _exact(value, right)
    if compare == "text":
        return isinstance(value, str | int | float) and normal(value) == normal(right)
    if compare == "number":
        return _same_number(value, right, tolerance)
    if compare == "date":
        return (moment := _date(value)) is not None and moment == _date(right)
    if compare == "set":
        return _same_set(value, right, tolerance)
    return _auto(value, right, tolerance)


def _auto(value: Any, right: Any, tolerance: float) -> bool:
    """Text that writes a number or a truth value is one, where the right value is: XML and CSV have no other way."""
    if isinstance(right, bool) or right is None:
        value = _BOOLEANS.get(value.strip().lower(), value) if isinstance(value, str) else value
        return value is right or (right is None and value == "")
    if isinstance(right, int | float):
        return _same_number(value, right, tolerance)
    if isinstance(right, str):
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            return False
        return normal_space(str(value)) == normal_space(right)
    if isinstance(right, list):
        value = value if isinstance(value, list) else [value]
        return len(value) == len(right) and all(_auto(a, b, tolerance) for a, b in zip(value, right, strict=True))
    return _exact(value, right)


def _exact(value: Any, right: Any) -> bool:
    """Equal in type, too; 1 and 1.0 are one number."""
    if isinstance(value, bool) or isinstance(right, bool):
        return value is right
    if isinstance(value, dict) and isinstance(right, dict):
        return value.keys() == right.keys() and all(_exact(value[key], right[key]) for key in right)
    if isinstance(value, list) and isinstance(right, list):
        return len(value) == len(right) and all(map(_exact, value, right))
    if isinstance(value, str) or isinstance(right, str):
        return isinstance(value, str) and isinstance(right, str) and value == right
    return bool(value == right)


def number_of(value: Any) -> float | None:
    """The number that a value is or writes.

    >>> number_of("1e3"), number_of(True), number_of("about 3")
    (1000.0, None, None)
    """
    if isinstance(value, str) and len(value) <= 700 and _NUMBER.fullmatch(value.strip()):
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value) if math.isfinite(value) else None
    except OverflowError:
        return None


def _same_number(value: Any, right: Any, tolerance: float) -> bool:
    if isinstance(value, int) and isinstance(right, int) and value == right:
        return not isinstance(value, bool)
    one, other = number_of(value), number_of(right)
    if one is None or other is None:
        return False
    return math.isclose(one, other, rel_tol=tolerance, abs_tol=tolerance)


def _same_set(value: Any, right: Any, tolerance: float) -> bool:
    if not isinstance(right, list):
        return _auto(value, right, tolerance)
    value = value if isinstance(value, list) else [value]
    return len(value) == len(right) and Counter(map(_token, value)) == Counter(map(_token, right))


def _token(value: Any) -> str:
    number = number_of(value)
    return normal_space(str(value)) if number is None else repr(number)


def normal_space(text: str) -> str:
    """In one Unicode form, without white space at the ends and double white space inside."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def normal(value: Any) -> str:
    """Without case and width, too."""
    return normal_space(unicodedata.normalize("NFKC", str(value)).casefold())


def _date(value: Any) -> datetime | None:
    """The moment that a text writes whole: day, month and year."""
    if not isinstance(value, str) or not 6 <= len(value) <= _DATE_CHARS or not any(map(str.isdigit, value)):
        return None
    from dateutil import parser

    try:
        first, second = (parser.parse(value, default=datetime(*day)) for day in ((2000, 1, 1), (2003, 11, 27)))
    except (ValueError, OverflowError, TypeError):
        return None
    return first.replace(tzinfo=None) if first.date() == second.date() else None
