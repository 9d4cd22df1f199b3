"""What every reader stands on: a row and the fields that it is looked for in."""

from __future__ import annotations

import ast
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Row = Mapping[str, Any]
LARGEST = 64 << 20
"""Characters of a field that is parsed."""


class NotUnderstood(ValueError):
    """A field of the row has no form that its reader takes; the message names it."""


@dataclass(frozen=True, slots=True)
class Reader:
    """One data set's rows. A row is its own when it has all the fields of `shape`, and `fits` says so."""

    name: str
    title: str
    shape: tuple[str, ...]
    read: Callable[[Row], dict[str, Any]]
    """The reference, as grading.items.Tests has it. Raises NotUnderstood."""
    kinds: str
    """What the docs say comes of it."""
    prompt: tuple[str, ...] = ("prompt",)
    """The fields that may hold the task."""
    solution: tuple[str, ...] = ()
    """The fields that may hold a right program."""
    fits: Callable[[Row], bool] = lambda row: True

    def takes(self, row: Row) -> bool:
        return all(row.get(field) is not None for field in self.shape) and self.fits(row)


def parsed(row: Row, field: str) -> Any:
    """The field, from JSON or as Python writes it where it is a text. Raises NotUnderstood."""
    value = row.get(field)
    if not isinstance(value, str):
        return value
    if len(value) > LARGEST:
        raise NotUnderstood(f"{field}: it is longer than {LARGEST >> 20} MiB")
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        pass
    try:
        return ast.literal_eval(value)
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        raise NotUnderstood(f"{field}: it is neither JSON nor a Python literal") from None


def text(row: Row, *fields: str) -> str:
    """The first of the fields that holds a text."""
    return next((row[field] for field in fields if isinstance(row.get(field), str) and row[field]), "")


def mapping(value: Any, field: str) -> dict[str, Any]:
    """Raises NotUnderstood."""
    if not isinstance(value, dict):
        raise NotUnderstood(f"{field}: an object is wanted, here is {type(value).__name__}")
    return value


def entries(value: Any, field: str) -> list[Any]:
    """Raises NotUnderstood."""
    if not isinstance(value, list | tuple) or not value:
        raise NotUnderstood(f"{field}: a list of tests is wanted, here is {_kind(value)}")
    return list(value)


def _kind(value: Any) -> str:
    return "an empty list" if isinstance(value, list | tuple) else type(value).__name__
