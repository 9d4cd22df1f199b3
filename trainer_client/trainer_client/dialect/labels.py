"""What a data set's label means: the reference that verifiers read.

    '5/6'                                ──▶ {"answer": "5/6"}
    '{"answer": "5/6"}'                  ──▶ {"answer": "5/6"}
    {"solution": "5/6", "level": 3}      ──▶ the same with "answer": "5/6"
    {"ground_truth": {"answer": "5/6"}}  ──▶ the same with "answer": "5/6"
    {"ground_truth": {"tests": […]}}     ──▶ the same with "tests", and with the object as the answer

What cannot be read is no answer, and then the verifier that needs one gives no verdict. It is never an answer that
everything differs from: that would score a whole group as wrong.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any

ANSWERS = ("answer", "expected_answer", "ground_truth", "solution", "label", "target")
"""Where data sets keep the right answer, the first that is there."""
MAX_DEPTH = 24
"""Levels of a reference: the gateway takes 32 for the whole request."""
_INT64 = range(-(2**63), 2**64)
_MOST_DIGITS = 4000
# A text that names an answer as an object does.
_NAMES_AN_ANSWER = re.compile(rf"""['"](?:{"|".join(ANSWERS)})['"]\s{{0,8}}:""")


def reference_of(label: Any) -> dict[str, Any]:
    """The reference that a label means. A string that is a JSON object is read as one; any other is the answer itself.

    >>> reference_of('{"ground_truth": "5/6"}'), reference_of("{1, 2}"), reference_of(None)
    ({'ground_truth': '5/6', 'answer': '5/6'}, {'answer': '{1, 2}'}, {})
    """
    if isinstance(label, str):
        label = _read(label)
    if not isinstance(label, Mapping):
        answer = _answer(label)
        return {} if answer is None else {"answer": answer}
    fields = {str(name): _answer(value) if name in ANSWERS else json_value(value) for name, value in label.items()}
    name = _named(fields)
    return fields if name is None or name == "answer" else {**fields, **_inner(fields[name])}


def _named(fields: Mapping[str, Any]) -> str | None:
    return next((name for name in ANSWERS if fields.get(name) is not None), None)


def _inner(answer: Any) -> dict[str, Any]:
    """The reference that stands where the answer is looked for. An object without any of the names is the answer itself."""
    value = _read(answer) if isinstance(answer, str) else answer
    if not isinstance(value, Mapping):
        return {"answer": value}
    reference = reference_of(value)
    is_answer = reference and not reference.keys() & set(ANSWERS)
    return {**reference, "answer": _answer(value)} if is_answer else reference


# --- JSON as a text ---------------------------------------------------------------------------------------------------


class _Conflict(ValueError):
    """A key stands twice in one object, with two values."""


def _read(text: str) -> Any:
    """The object that the text is, or the text itself; None for an object that cannot be read."""
    bare = text.lstrip("\ufeff \t\r\n")
    if not bare.startswith("{"):
        return text
    try:
        value = json.loads(bare, object_pairs_hook=_fields, parse_int=_integer)
    except (_Conflict, RecursionError):
        return None
    except ValueError:
        return None if _NAMES_AN_ANSWER.search(bare) else text
    return value


def _fields(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs) and any(fields[name] != value for name, value in pairs):
        raise _Conflict
    return fields


def _integer(digits: str) -> int | float:
    return int(digits) if len(digits) <= _MOST_DIGITS else math.inf


# --- values that JSON over the wire can carry -------------------------------------------------------------------------


class _Loss(Exception):
    """JSON cannot carry the whole of it."""


def _answer(value: Any) -> Any:
    """The answer as JSON carries it, whole; None where it cannot. An integer beyond 64 bits is carried as its digits."""
    if isinstance(value, int) and value not in _INT64:
        return str(value) if value.bit_length() < 3 * _MOST_DIGITS else None
    try:
        return _carried(value, MAX_DEPTH, is_whole=True)
    except _Loss:
        return None


def json_value(value: Any) -> Any:
    """The value with None for the parts that JSON over UTF-8 cannot carry: images, bytes, NaN, NUL."""
    return _carried(value, MAX_DEPTH, is_whole=False)


def _carried(value: Any, levels: int, *, is_whole: bool) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str) and _is_sendable(value):
        return value
    if (isinstance(value, int) and value in _INT64) or (isinstance(value, float) and math.isfinite(value)):
        return value
    if levels and isinstance(value, Mapping):
        return {str(name): _carried(item, levels - 1, is_whole=is_whole) for name, item in value.items()}
    if levels and isinstance(value, list | tuple):
        return [_carried(item, levels - 1, is_whole=is_whole) for item in value]
    if hasattr(value, "tolist"):  # arrays and their numbers
        return _carried(value.tolist(), levels, is_whole=is_whole)
    if is_whole:
        raise _Loss
    return None


def _is_sendable(text: str) -> bool:
    if "\0" in text:
        return False
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
