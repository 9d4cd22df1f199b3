"""The fields that a reference asks for, each with its verdict."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import re2

from reward_verifiers.structured.compare import normal, same
from reward_verifiers.structured.options import FieldRule
from reward_verifiers.structured.paths import leaves, steps_of, values_at
from reward_verifiers.verifier import BadReference

MAX_VALUE = 5_000
MAX_VALUES = 1000
MAX_PLACES = 1000
FILLERS = frozenset(
    (
        "", "-", "--", "...", "?", "n/a", "na", "none", "null", "nil", "string", "text", "value", "todo", "tbd", "unknown",
        "example", "placeholder", "xxx", "foo", "bar", "lorem ipsum",
    )
)  # fmt: skip
"""Values that fill a field without saying anything, in normal form."""


class FieldVerdict(NamedTuple):
    """`is_absence`: nothing is right about a document for what it does not hold."""

    path: str
    met: bool
    why: str
    weight: float
    is_absence: bool = False


def rules_of(fields: Sequence[FieldRule], expected: Any, has_expected: bool) -> list[FieldRule]:
    """The fields, and one for each value of the expected document."""
    if not has_expected:
        return list(fields)
    return [*fields, *(FieldRule.model_construct(path=path, equals=value) for path, value in leaves(expected))]


def judge(rule: FieldRule, tree: Any, source: str) -> FieldVerdict:
    """Whether every value at the path is right. `source` is in normal form."""
    values = values_at(tree, steps_of(rule.path))
    if len(values) > MAX_VALUES:
        return FieldVerdict(rule.path, False, "has too many values", rule.weight)
    if rule.present is False:
        return FieldVerdict(rule.path, not values, "is there" if values else "is not there", rule.weight, True)
    if not values:
        return FieldVerdict(rule.path, False, "is missing", rule.weight)
    why = next((why for value in values if (why := _fault(rule, value, source))), "")
    return FieldVerdict(rule.path, not why, why or "right", rule.weight)


def _fault(rule: FieldRule, value: Any, source: str) -> str:
    """What is wrong with a value; "" where nothing is."""
    if isinstance(value, str) and len(value) > MAX_VALUE:
        return "is too long"
    if rule.present:
        return "is empty, or a filler" if is_filler(value) else ""
    if rule.grounded:
        return _ungrounded(value, source)
    if rule.pattern is not None:
        if isinstance(value, dict | list | None):
            return "is no text"
        text = str(value).lower() if isinstance(value, bool) else str(value)
        return "" if compiled(rule.pattern).fullmatch(text) else "does not match the pattern"
    rights = [rule.equals] if rule.any_of is None else rule.any_of
    return "" if any(same(value, right, rule.compare, rule.tolerance) for right in rights) else "is another value"


def is_filler(value: Any) -> bool:
    """Whether a value says nothing."""
    if isinstance(value, dict | list):
        return not value or all(map(is_filler, value.values() if isinstance(value, dict) else value))
    return value is None or (isinstance(value, str) and normal(value) in FILLERS)


def _ungrounded(value: Any, source: str) -> str:
    """A value stands in the source as whole words. One that is most of the source quotes nothing in particular."""
    if is_filler(value) or isinstance(value, dict | bool):
        return "is empty, or a filler"
    if isinstance(value, list):
        return next((why for one in value if (why := _ungrounded(one, source))), "")
    text = normal(value)
    if len(text) * 2 > len(source):
        return "is most of the source"
    at = source.find(text)
    for _ in range(MAX_PLACES):
        if at < 0:
            break
        before, after = source[max(at - 1, 0) : at], source[at + len(text) : at + len(text) + 1]
        if not (_join(before, text[:1]) or _join(text[-1:], after)):
            return ""
        at = source.find(text, at + 1)
    return "is not in the source"


def _join(one: str, other: str) -> bool:
    """Whether two characters belong to one word; the writing systems without spaces have no such words."""
    return one.isalnum() and other.isalnum() and max(one, other) < "\u0e00"


@lru_cache(maxsize=512)
def compiled(pattern: str) -> Any:
    """An RE2 pattern: it matches in linear time. Raises BadReference."""
    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        raise BadReference(f"{pattern[:100]!r} is no RE2 pattern: {str(error)[:100]}") from error
