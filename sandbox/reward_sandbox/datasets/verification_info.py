"""SYNTHETIC-1, SYNTHETIC-2 and verifiable-coding-problems: all about the tests stands in one field."""

from __future__ import annotations

from typing import Any

from reward_sandbox.datasets.contests import of_any
from reward_sandbox.datasets.row import NotUnderstood, Reader, Row, mapping, parsed, text

_FIELD = "verification_info"


def _read(row: Row) -> dict[str, Any]:
    information = mapping(parsed(row, _FIELD), _FIELD)
    if "test_cases" not in information:
        task = f"task_type {text(row, 'task_type')[:60]}: " if text(row, "task_type") else ""
        raise NotUnderstood(
            f"{_FIELD}: {task}it has no test_cases, but {', '.join(map(str, information)) or 'nothing'}"
        )
    reference = of_any(parsed(information, "test_cases"), f"{_FIELD}.test_cases")
    language = str(information.get("language") or "")
    return {**reference, "language": language} if language else reference


_SOLUTION = ("gold_standard_solution",)
READERS = (
    Reader("synthetic-1", "SYNTHETIC-1 and 2", (_FIELD, "task_type"), _read, "`stdio`, `function`", solution=_SOLUTION),
    Reader(
        "verifiable-coding-problems",
        "verifiable-coding-problems",
        (_FIELD,),
        _read,
        "`stdio`, `function`",
        ("prompt", "problem_statement", "problem"),
        _SOLUTION,
    ),
)
