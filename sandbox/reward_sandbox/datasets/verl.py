"""Rows as verl has them: Eurus-2-RL-Data and many others, whose tests are a text in reward_model.ground_truth."""

from __future__ import annotations

from typing import Any

from reward_sandbox.datasets.contests import of_any
from reward_sandbox.datasets.row import NotUnderstood, Reader, Row, mapping, parsed, text

_FIELD = "reward_model"
_WHERE = "reward_model.ground_truth"


def _read(row: Row) -> dict[str, Any]:
    """{"inputs", "outputs"}, a list of single tests, or code: a function check(candidate) with its entry_point, or what
    stands behind the program.
    """
    truth = parsed(mapping(parsed(row, _FIELD), _FIELD), "ground_truth")
    if isinstance(truth, list) and truth and all(isinstance(line, str) for line in truth):
        return {"kind": "asserts", "test_code": "\n".join(truth)}
    if isinstance(truth, dict) and text(truth, "functional"):
        return {"kind": "asserts", "test_code": text(truth, "functional")}
    if isinstance(truth, dict) and text(truth, "test_code"):
        return {
            "kind": "humaneval",
            "entry": text(truth, "entry_point"),
            "test_code": text(truth, "test_code"),
            "prelude": text(truth, "import_prefix"),
        }
    if not isinstance(truth, dict | list):
        raise NotUnderstood(f"{_WHERE}: an object or a list of tests is wanted, here is {type(truth).__name__}")
    return of_any(truth, _WHERE)


def _is_code(row: Row) -> bool:
    return isinstance(row[_FIELD], str | dict) and row.get("ability") in ("code", "coding", "Code", None)


READERS = (
    Reader(
        "verl", "Eurus-2-RL-Data, verl's form", (_FIELD,), _read, "`stdio`, `function`, `asserts`, `humaneval`",
        ("prompt",), (), _is_code,
    ),
)  # fmt: skip
