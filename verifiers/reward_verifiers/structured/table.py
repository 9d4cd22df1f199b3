"""The columns that a reference asks for in a CSV table."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import date

from reward_verifiers.structured.compare import number_of
from reward_verifiers.structured.fields import compiled
from reward_verifiers.structured.options import ColumnRule, StructuredReference
from reward_verifiers.structured.trees import Rows

_INTEGER = re.compile(r"[-+]?\d{1,300}")


def faults(rows: Rows, reference: StructuredReference) -> Iterator[tuple[str, str]]:
    """(column, reason) of what does not fit."""
    if reference.min_rows is not None and len(rows) < reference.min_rows:
        yield "", f"{len(rows)} rows, and not {reference.min_rows} or more"
    if reference.max_rows is not None and len(rows) > reference.max_rows:
        yield "", f"{len(rows)} rows, and not {reference.max_rows} or fewer"
    for column in reference.columns:
        if column.name not in rows.header:
            yield column.name, "is missing"
        else:
            yield from _cell_faults(column, [row[column.name] for row in rows])


def _cell_faults(column: ColumnRule, cells: Sequence[str]) -> Iterator[tuple[str, str]]:
    if column.unique and len(set(cells)) != len(cells):
        yield column.name, "a cell stands twice"
    for number, cell in enumerate(cells, 1):
        if why := _fault(column, cell):
            yield f"{column.name}, row {number}", why
            return


def _fault(column: ColumnRule, cell: str) -> str:
    if not cell:
        return "is empty" if column.required else ""
    if not _has_type(cell, column.type):
        return f"is no {column.type}"
    if column.values is not None and cell not in column.values:
        return "is not one of the values"
    number = number_of(cell)
    if (column.minimum is not None or column.maximum is not None) and number is None:
        return "is no number"
    if number is not None and column.minimum is not None and number < column.minimum:
        return f"is below {column.minimum:g}"
    if number is not None and column.maximum is not None and number > column.maximum:
        return f"is above {column.maximum:g}"
    if column.pattern is not None and not compiled(column.pattern).fullmatch(cell):
        return "does not match the pattern"
    return ""


def _has_type(cell: str, kind: str) -> bool:
    if kind == "integer":
        return bool(_INTEGER.fullmatch(cell))
    if kind == "number":
        return number_of(cell) is not None
    if kind == "boolean":
        return cell.lower() in ("true", "false")
    if kind == "date":
        try:
            date.fromisoformat(cell)
        except ValueError:
            return False
    return True
