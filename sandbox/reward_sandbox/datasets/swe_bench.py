"""SWE-bench and those of its form (SWE-Gym, SWE-smith): an issue, its patch, and the tests that must pass then.

The rows name a commit of a repository and do not hold it: `files` or `archive` have to be added, as kind repo has them.
"""

from __future__ import annotations

from typing import Any

from reward_sandbox.datasets.row import NotUnderstood, Reader, Row, entries, mapping, parsed, text


def _read(row: Row) -> dict[str, Any]:
    failing, passing = parsed(row, "FAIL_TO_PASS"), parsed(row, "PASS_TO_PASS") or []
    reference: dict[str, Any] = {
        "kind": "repo",
        "expect": {"FAIL_TO_PASS": entries(failing, "FAIL_TO_PASS"), "PASS_TO_PASS": list(passing)},
        "test_patch": text(row, "test_patch"),
        "solution_patch": text(row, "patch"),
    }
    if files := parsed(row, "files"):
        return reference | {"files": mapping(files, "files")}
    if archive := text(row, "archive"):
        return reference | {"archive": archive}
    raise NotUnderstood("files: the row names a repository and does not hold it; add its `files` or an `archive`")


READERS = (
    Reader(
        "swe-bench",
        "SWE-bench, SWE-Gym, SWE-smith",
        ("FAIL_TO_PASS", "PASS_TO_PASS"),
        _read,
        "`repo`",
        ("problem_statement",),
        ("patch",),
    ),
)
