"""SYNTHETIC-1 and verifiable-coding-problems: all about the tests stands in one field."""

from __future__ import annotations

from typing import Any

from reward_sandbox.datasets import cases
from reward_sandbox.datasets.row import NotUnderstood, Reader, Row, mapping, parsed, text

_FIELD = "verification_info"


def _read(row: Row) -> dict[str, Any]:
    task = text(row, "task_type")
    if task and task != "verifiable_code":
        raise NotUnderstood(f"task_type: {task[:60]} is no task of programs against tests")
    information = mapping(parsed(row, _FIELD), _FIELD)
    if "test_cases" not in information:
        raise NotUnderstood(f"{_FIELD}: it has no test_cases, but {', '.join(map(str, information)) or 'nothing'}")
    tests = information["test_cases"]
    reference = (
        cases.of_pairs(tests, f"{_FIELD}.test_cases")
        if isinstance(tests, dict)
        else cases.of_records(tests, f"{_FIELD}.test_cases")
    )
    language = str(information.get("language") or "")
    return {**reference, "language": language} if language else reference


_SOLUTION = ("gold_standard_solution",)
READERS = (
    Reader("synthetic-1", "SYNTHETIC-1", (_FIELD, "task_type"), _read, "`stdio`, `function`", solution=_SOLUTION),
    Reader(
        "verifiable-coding-problems",
        "verifiable-coding-problems",
        (_FIELD,),
        _read,
        "`stdio`, `function`",
        solution=_SOLUTION,
    ),
)
