"""Paths into a tree: `a.b[0].c`, `items[*].name`, `["a key with dots"]`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from reward_verifiers.verifier import BadReference

Step = str | int | None
"""A key, a place in a list, or every one."""
_STEP = re.compile(r"\.?([^.\[\]\"]+)|\[(\d{1,6}|\*)\]|\.?\[\"([^\"]*)\"\]")
_MISSING = object()


@lru_cache(maxsize=4096)
def steps_of(path: str) -> tuple[Step, ...]:
    """Raises BadReference.

    >>> steps_of('a.b[0]["c.d"][*]')
    ('a', 'b', 0, 'c.d', None)
    """
    steps: list[Step] = []
    position = 0
    while position < len(path):
        match = _STEP.match(path, position)
        if match is None:
            raise BadReference(f"{path!r} is no path: it is written a.b[0].c, and [*] for every one")
        key, place, quoted = match.groups()
        steps.append(key if key is not None else quoted if quoted is not None else None if place == "*" else int(place))
        position = match.end()
    return tuple(steps)


def values_at(tree: Any, steps: tuple[Step, ...]) -> list[Any]:
    """The values there. `[*]` of an empty list has none."""
    values = [tree]
    for step in steps:
        values = [one for value in values for one in _next(value, step)]
    return values


def _next(value: Any, step: Step) -> Iterator[Any]:
    if isinstance(step, str):
        if isinstance(value, dict) and step in value:
            yield value[step]
    elif isinstance(value, list):
        yield from value if step is None else value[step : step + 1]
    elif step in (0, None) and value not in ("", None):  # XML has no list of one
        yield value


def leaves(tree: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """(path, value) of every scalar, and of every list of scalars, which is one value."""
    if isinstance(tree, dict) and tree:
        for key, value in tree.items():
            plain = re.fullmatch(r"[^.\[\]\"]+", key)
            yield from leaves(value, f"{path}.{key}".removeprefix(".") if plain else f'{path}["{key}"]')
    elif isinstance(tree, list) and any(isinstance(one, dict | list) for one in tree):
        for place, value in enumerate(tree):
            yield from leaves(value, f"{path}[{place}]")
    else:
        yield path, tree
