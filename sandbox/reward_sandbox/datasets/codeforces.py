"""Codeforces as open-r1 has it: official tests, and a checker in Python where several outputs are right."""

from __future__ import annotations

from typing import Any

from reward_sandbox.datasets import cases
from reward_sandbox.datasets.row import NotUnderstood, Reader, Row, parsed, text
from reward_sandbox.jail.spec import Limits

_LEAST = Limits()


def _read(row: Row) -> dict[str, Any]:
    if text(row, "interaction_format"):
        raise NotUnderstood("interaction_format: the problem is interactive, and the row has no interactor")
    if row.get("input_mode") not in (None, "", "stdio"):
        raise NotUnderstood(f"input_mode: the program would use files ({str(row['input_mode'])[:20]})")
    more = parsed(row, "generated_tests")
    tests = [*(parsed(row, "official_tests") or []), *(more if isinstance(more, list) else [])]
    reference = cases.of_records(tests, "official_tests")
    reference["limits"] = _limits(row)
    if checker := text(row, "generated_checker"):
        reference.pop("compare")
        reference |= {"kind": "checker", "checker": {**_CHECKER, "code": checker}}
    return reference


_CHECKER = {"language": "python", "protocol": "stdout", "arguments": ["input", "answer", "output"]}


def _limits(row: Row) -> dict[str, Any]:
    """Those of the problem, and no less than usual: they are meant for compiled programs on other machines."""
    seconds, megabytes = row.get("time_limit") or 0, row.get("memory_limit") or 0
    if not isinstance(seconds, int | float) or not isinstance(megabytes, int | float):
        raise NotUnderstood("time_limit: seconds and memory_limit's MiB are numbers")
    cpu_s = min(max(float(seconds), _LEAST.cpu_s), 60.0)
    memory_mb = min(max(int(megabytes), _LEAST.memory_mb), 4096)
    return {"cpu_s": cpu_s, "wall_s": cpu_s + 2, "memory_mb": memory_mb}


READERS = (
    Reader(
        "codeforces",
        "Codeforces (open-r1)",
        ("official_tests",),
        _read,
        "`stdio`, `checker`",
        ("prompt", "description"),
    ),
)
