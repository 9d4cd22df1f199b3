"""Are the rows of a query those of the reference? Rows are bags or lists; names of columns do not matter.

Values are equal by type: NULL is only NULL, texts are no numbers. Whole numbers are equal exactly (`3.0` is 3, true is 1),
other numbers within the tolerance. Rows that tie in the reference's order come in any order; where its limit cuts such rows,
any of them will do.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from reward_sandbox.grading.compare import Tolerance

_EXACT = 2.0**53
_MIDNIGHT = re.compile(r"(\d{4}-\d\d-\d\d)[ T]00:00(?::00(?:\.0{1,9})?)?")
_MOMENT = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d)")
_CHAIN = 4
"""A cluster of near numbers that is wider than so many tolerances is none: they are so many different numbers."""


@dataclass(frozen=True, slots=True)
class Table:
    """The rows of a query. columns: None where they are as many as a row has."""

    columns: int | None
    rows: list[Any]


@dataclass(frozen=True, slots=True)
class RowsCheck:
    """expected: the reference's rows, as the harness sends them. whole: the same without the limit, once with ties in the
    order of all columns, and once in the reverse order; nothing where there are no ties to think of.
    """

    expected: bytes
    whole: tuple[bytes, ...]
    offset: int
    ordered: bool
    output: bytes
    tolerance: Tolerance


def is_match(check: RowsCheck) -> bool:
    """Raises ValueError for what no honest harness sends."""
    expected, got = parsed(check.expected), parsed(check.output)
    if (expected.columns is not None and expected.columns != got.columns) or len(expected.rows) != len(got.rows):
        return False
    whole = [parsed(one).rows for one in check.whole]
    wanted, actual, *ties = _numbered([expected.rows, got.rows, *whole], check.tolerance)
    if ties:
        blocks = _blocks(*ties)
        if _fits(wanted, blocks, check):  # else the reference is another query without its limit
            return _fits(actual, blocks, check)
    return wanted == actual if check.ordered else Counter(wanted) == Counter(actual)


def parsed(content: bytes) -> Table:
    """Of what the harness sends. Raises ValueError."""
    [columns], *rows = [json.loads(line) for line in content.split(b"\n") if line]
    return Table(columns, rows)


def sent(rows: Sequence[Sequence[Any]]) -> bytes:
    """As the harness would."""
    lines = [[len(rows[0]) if rows else None], *rows]
    return "\n".join(json.dumps(line) for line in lines).encode()


# --- rows that tie --------------------------------------------------------------------------------------------------------


def _blocks(forwards: Sequence[int], backwards: Sequence[int]) -> list[Sequence[int]]:
    """Rows that tie, block by block: where both orders have come by the same rows a block ends."""
    blocks, start = [], 0
    balance: Counter[int] = Counter()
    uneven = 0
    for place, (one, other) in enumerate(zip(forwards, backwards, strict=True), 1):
        for row, step in ((one, 1), (other, -1)):
            uneven -= balance[row] != 0
            balance[row] += step
            uneven += balance[row] != 0
        if not uneven:
            blocks.append(forwards[start:place])
            start = place
    return [*blocks, forwards[start:]] if start < len(forwards) else blocks


def _fits(rows: Sequence[int], blocks: Sequence[Sequence[int]], check: RowsCheck) -> bool:
    """Whether the rows may be those that the limit leaves of the blocks."""
    first, last = check.offset, check.offset + len(rows)
    start, here, loose = 0, 0, Counter[int]()
    for block in blocks:
        end = start + len(block)
        count = min(end, last) - max(start, first)
        if count > 0 and check.ordered:
            if Counter(rows[here : here + count]) - Counter(block):
                return False
            here += count
        elif count > 0:
            loose += Counter(block)
            here += count
        start = end
    if check.ordered:
        return here == len(rows)
    return here == len(rows) and not Counter(rows) - loose and _has_all_inner(rows, blocks, check)


def _has_all_inner(rows: Sequence[int], blocks: Sequence[Sequence[int]], check: RowsCheck) -> bool:
    """Whether the rows of blocks that the limit does not cut are all there."""
    inner, start = Counter[int](), 0
    for block in blocks:
        if check.offset <= start and start + len(block) <= check.offset + len(rows):
            inner += Counter(block)
        start += len(block)
    return not inner - Counter(rows)


# --- equal rows -----------------------------------------------------------------------------------------------------------


def _numbered(tables: Sequence[Sequence[Any]], tolerance: Tolerance) -> list[list[int]]:
    """The rows as numbers: equal rows have the same."""
    shapes = [[_shape(row) for row in table] for table in tables]
    by_shape: dict[str, list[list[float]]] = {}
    for shape, numbers in (pair for table in shapes for pair in table):
        by_shape.setdefault(shape, []).append(numbers)
    clusters = {
        shape: [_clusters(column, tolerance) for column in zip(*rows, strict=True)] for shape, rows in by_shape.items()
    }
    taken: dict[str, int] = {}
    numbered = []
    for table in shapes:
        keys = (
            f"{shape}\0{[cluster[repr(number)] for cluster, number in zip(clusters[shape], numbers, strict=True)]}"
            for shape, numbers in table
        )
        numbered.append([taken.setdefault(key, len(taken)) for key in keys])
    return numbered


def _shape(row: Any) -> tuple[str, list[float]]:
    """The row without its numbers, and these."""
    numbers: list[float] = []
    return json.dumps(_without_numbers(row, numbers)), numbers


def _without_numbers(value: Any, numbers: list[float]) -> Any:
    if isinstance(value, int | float) and math.isfinite(value):
        numbers.append(int(value) if isinstance(value, bool) else value)
        return 0
    if isinstance(value, list):
        return [_without_numbers(item, numbers) for item in value]
    if isinstance(value, dict):
        return {key: _without_numbers(value[key], numbers) for key in sorted(value)}
    if isinstance(value, str):
        return _moment(value)
    return repr(value) if isinstance(value, float) else value


def _moment(text: str) -> str:
    """Midnight is its day, as in SQL."""
    if not text[:4].isdigit():
        return text
    midnight = _MIDNIGHT.fullmatch(text)
    return midnight[1] if midnight else _MOMENT.sub(r"\1 \2", text, count=1)


def _clusters(column: Sequence[float], tolerance: Tolerance) -> dict[str, int]:
    """Number, as a text → its cluster of equal numbers."""
    ordered = sorted(set(map(repr, column)), key=lambda text: _number(text))
    values = [_number(text) for text in ordered]
    numbers = dict.fromkeys(ordered[:1], 0)
    first = 0
    for place, (before, value) in enumerate(pairwise(values), 1):
        if not _near(before, value, tolerance) or not _near(values[first], value, tolerance, _CHAIN):
            first = place
        numbers[ordered[place]] = first
    return numbers


def _number(text: str) -> float:
    return float(text) if set(text) & set(".en") else int(text)


def _near(one: float, other: float, tolerance: Tolerance, times: int = 1) -> bool:
    wholes = [isinstance(value, int) or (value.is_integer() and abs(value) < _EXACT) for value in (one, other)]
    if all(wholes):
        return one == other
    if any(isinstance(value, int) for value in (one, other)):
        return abs(one - other) <= times * tolerance.absolute
    return abs(one - other) <= times * max(tolerance.absolute, tolerance.relative * abs(other))
