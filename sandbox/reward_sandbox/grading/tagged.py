"""Python values as JSON and back: tuples, sets and dictionaries of other keys carry a tag, all else is as it is."""

from __future__ import annotations

from typing import Any

MAX_DEPTH = 210


class NotAValue(ValueError):
    """A result that no honest harness sends."""


def encode(value: Any) -> Any:
    """For json.dumps. Raises TypeError for what is no plain value."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, list):
        return [encode(item) for item in value]
    if isinstance(value, tuple):
        return {"__tuple__": [encode(item) for item in value]}
    if isinstance(value, set | frozenset):
        return {"__set__": [encode(item) for item in value]}
    if isinstance(value, dict):
        if all(isinstance(key, str) and not key.startswith("__") for key in value):
            return {key: encode(item) for key, item in value.items()}
        return {"__dict__": [{"__tuple__": [encode(key), encode(item)]} for key, item in value.items()]}
    raise TypeError(f"{type(value).__name__} is no plain value")


def decode(value: Any, depth: int = 0) -> Any:
    """What `encode` made. Raises NotAValue."""
    if depth > MAX_DEPTH:
        raise NotAValue("nested too deeply")
    if isinstance(value, list):
        return [decode(item, depth + 1) for item in value]
    if not isinstance(value, dict):
        return value
    kinds = {"__tuple__": tuple, "__set__": frozenset, "__dict__": dict}
    for tag, kind in kinds.items():
        if tag in value and len(value) == 1:
            try:
                return kind(decode(item, depth + 1) for item in value[tag])
            except (TypeError, ValueError) as error:
                raise NotAValue(f"no {tag.strip('_')}") from error
    return {key: decode(item, depth + 1) for key, item in value.items()}


def plain(value: Any) -> Any:
    """A decoded value as JSON would have it: tuples and sets are lists."""
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, frozenset):
        return sorted((plain(item) for item in value), key=repr)
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    return value
