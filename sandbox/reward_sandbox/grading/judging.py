"""Compares what programs wrote with what is expected, in a worker that can be killed: see judges.py.

No value that a program chose is hashed here. Sets and the keys of dictionaries are compared as sorted texts, so that no
choice of them takes more than n log n steps.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from reward_sandbox.grading import compare, rows
from reward_sandbox.grading.compare import Mode, Tolerance
from reward_sandbox.grading.rows import RowsCheck

_DIGITS = 40
_LONGEST = 1 << 20
"""Elements of a range; what a program sends is no longer."""


@dataclass(frozen=True, slots=True)
class TextCheck:
    """The standard output of a program."""

    expected: str
    output: bytes
    mode: Mode
    tolerance: Tolerance


@dataclass(frozen=True, slots=True)
class ValueCheck:
    """The result of a call, as the harness has sent it: JSON with tags. expected: plain JSON, any one of them."""

    expected: list[Any]
    output: bytes
    tolerance: Tolerance


Check = TextCheck | ValueCheck | RowsCheck


def judge(check: Check, start: int) -> Iterator[str]:
    """One verdict."""
    if isinstance(check, TextCheck):
        match = compare.texts(check.expected, check.output.decode("utf-8", "replace"), check.mode, check.tolerance)
        yield {"same": "accepted", "presentation": "presentation_error", "different": "wrong_answer"}[match]
        return
    is_right = _are_rows(check) if isinstance(check, RowsCheck) else _is_equal(check)
    yield "accepted" if is_right else "wrong_answer"


def _are_rows(check: RowsCheck) -> bool:
    try:
        return rows.is_match(check)
    except (ValueError, RecursionError, OverflowError):
        return False  # no honest harness has sent it


def _is_equal(check: ValueCheck) -> bool:
    sys.set_int_max_str_digits(0)
    try:
        result = _plain(json.loads(check.output, parse_int=_integer))
        return any(compare.values(expected, result, check.tolerance) for expected in check.expected)
    except (ValueError, RecursionError, TypeError, LookupError, ArithmeticError, AttributeError, MemoryError):
        return False  # no honest harness has sent it


def _integer(digits: str) -> int:
    """The harness sends long integers in hexadecimal, which takes linear time to read. Raises ValueError."""
    if len(digits) > _DIGITS:
        raise ValueError("a long integer in decimal")
    return int(digits)


def _plain(value: Any) -> Any:
    """As JSON would have it: tuples and sets are lists, and so on. Raises ValueError for what no honest harness sends."""
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if not isinstance(value, dict):
        return value
    if len(value) != 1 or not next(iter(value)).startswith("__"):
        return {key: _plain(item) for key, item in value.items()}
    [(tag, content)] = value.items()
    match tag.strip("_"):
        case "tuple" | "set" | "frozenset" as kind:
            items = [_plain(item) for item in content]
            return items if kind == "tuple" else compare.Unordered(items)
        case "int":
            return int(content, 16)
        case "float":
            return float(content)
        case "array" | "deque":
            return _plain(content[0])
        case "counter" | "keys" | "values" | "items":
            return _plain(content)
        case "default":
            return _plain(content[0])
        case "dict" | "ordered":
            return _dictionary(content)
        case "decimal":
            return float(content)
        case "fraction":
            return int(content[0]) / int(content[1])
        case "range":
            return list(range(*content)[:_LONGEST])
    raise ValueError(f"no tag {tag[:20]!r}")


def _dictionary(pairs: Any) -> dict[str, Any]:
    pairs = pairs if isinstance(pairs, list) else pairs["__dict__"]
    return {compare.as_text(key): _plain(item) for key, item in ((_plain(key), item) for key, item in pairs)}


def warm_up() -> None:
    """Called where the workers are forked from, which has imported this by then."""
