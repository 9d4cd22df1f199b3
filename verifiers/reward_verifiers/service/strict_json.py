"""JSON as a service that strangers post to must read it.

Refused: what is not UTF-8, a byte order mark, duplicate keys, NaN and Infinity (also by overflow), integers beyond 64 bits,
lone surrogates, NUL characters, and nesting deeper than `MAX_DEPTH`. The standard library accepts most of these.
"""

from __future__ import annotations

import math
import re
from typing import Any

import jiter

MAX_DEPTH = 32
_INT64 = range(-(2**63), 2**64)
# Our words for jiter's messages, which may quote keys of the input.
_REASONS = (
    ("Detected duplicate key", "a key stands twice in one object"),
    ("recursion limit", f"nested deeper than {MAX_DEPTH} levels"),
    ("hex escape", "a lone surrogate or a broken \\u escape"),
    ("escape", "a bad escape in a string"),
    ("control character", "a control character in a string"),
    ("unicode code point", "not UTF-8"),
    ("EOF", "it ends too early"),
    ("trailing characters", "there is more behind the document"),
    ("number", "a bad number"),
)


# A pair of surrogates, a lone one, and any other escape, which is passed over whole.
_ESCAPE = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[dD][89a-fA-F][0-9a-fA-F]{2}|\\.", re.S
)
_LONE = 6
_NUL = rb"\u0000"


class BadJSON(ValueError):
    """The document is refused; the message says why, and never quotes it."""


def loads(body: bytes, *, nul: bool = False, large: bool = False) -> Any:
    """The document. Raises BadJSON. With `nul`, strings may hold NUL characters, with `large`, integers may have more than
    64 bits, which the caller then has to deal with.
    """
    if not body:
        raise BadJSON("the body is empty")
    try:
        document = jiter.from_json(body, allow_inf_nan=False, catch_duplicate_keys=True, cache_mode="keys")
    except ValueError as error:
        message, _, position = str(error).rpartition(" at ")
        reason = next((reason for part, reason in _REASONS if part in message), "a syntax error")
        raise BadJSON(f"{reason} at {position}") from None
    _check(document, nul, large, MAX_DEPTH)
    return document


def without_surrogates(body: bytes) -> bytes:
    """The JSON with NUL in place of each lone surrogate."""
    if rb"\ud" not in body and rb"\uD" not in body:
        return body
    return _ESCAPE.sub(lambda match: _NUL if len(match[0]) == _LONE else match[0], body)


def _check(value: Any, nul: bool, large: bool, levels: int) -> None:
    if isinstance(value, str):
        if not nul and "\x00" in value:
            raise BadJSON("a NUL character in a string")
    elif isinstance(value, float):
        if not math.isfinite(value):
            raise BadJSON("a number beyond the range of a float")
    elif isinstance(value, dict | list):
        if not levels:
            raise BadJSON(f"nested deeper than {MAX_DEPTH} levels")
        if isinstance(value, dict):
            for key in value:
                _check(key, nul, large, levels)
            value = value.values()
        for item in value:
            _check(item, nul, large, levels - 1)
    elif isinstance(value, int) and not large and not is_small(value):
        raise BadJSON("an integer beyond 64 bits")


def is_small(value: int) -> bool:
    """Whether it has no more than 64 bits."""
    return value in _INT64
