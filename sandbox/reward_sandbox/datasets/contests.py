"""Contest problems with inputs and outputs: APPS, TACO, CodeContests, DeepCoder."""

from __future__ import annotations

from typing import Any

from reward_sandbox.datasets import cases
from reward_sandbox.datasets.row import NotUnderstood, Reader, Row, mapping, parsed, text


def _apps(row: Row) -> dict[str, Any]:
    return cases.of_pairs(parsed(row, "input_output"), "input_output")


def _is_apps(row: Row) -> bool:
    return isinstance(row["input_output"], str | dict)


def _is_taco(row: Row) -> bool:
    """Its rows have the fields of APPS, and no number of the problem."""
    return _is_apps(row) and "problem_id" not in row


def _code_contests(row: Row) -> dict[str, Any]:
    """{"input": […], "output": […]} three times: public, private, generated."""
    for field in ("input_file", "output_file"):
        if text(row, field):
            raise NotUnderstood(f"{field}: the program would read or write a file, and not its standard streams")
    inputs: list[Any] = []
    outputs: list[Any] = []
    for field in ("public_tests", "private_tests", "generated_tests"):
        tests = mapping(parsed(row, field) or {}, field)
        inputs += tests.get("input") or []
        outputs += tests.get("output") or []
    if not inputs or len(inputs) != len(outputs):
        raise NotUnderstood(f"private_tests: {len(inputs)} inputs and {len(outputs)} outputs in all fields of tests")
    return cases.stdio(inputs, outputs, "private_tests")


def _has_columns(row: Row) -> bool:
    return "input" in (row["private_tests"] if isinstance(row["private_tests"], dict) else {})


def _deep_coder(row: Row) -> dict[str, Any]:
    """A JSON text: a list of {"input", "output", "type"}, or {"inputs", "outputs"}, by the source of the problem."""
    tests = parsed(row, "tests")
    metadata = parsed(row, "metadata") if row.get("metadata") else {}
    entry = str(metadata.get("func_name") or "") if isinstance(metadata, dict) else ""
    if isinstance(tests, dict):
        return cases.of_pairs(tests, "tests", entry)
    return cases.of_records([_flat(record) for record in tests] if isinstance(tests, list) else tests, "tests", entry)


def _flat(record: Any) -> Any:
    """Those from LiveCodeBench have the name of the function a level below, and a call's arguments as lines of JSON."""
    if not isinstance(record, dict) or record.get("testtype") != "functional":
        return record
    metadata = record.get("metadata")
    name = metadata.get("func_name") if isinstance(metadata, dict) else None
    return {"type": "functional", "fn_name": name, **as_call(record, "tests")}


def as_call(record: Row, field: str) -> dict[str, Any]:
    """A call of LiveCodeBench: an argument a line, each in JSON. Raises NotUnderstood."""
    lines = str(record.get("input", "")).split("\n")
    arguments = [parsed({field: line}, field) for line in lines if line.strip()]
    return {"input": arguments, "output": parsed({field: record.get("output")}, field)}


def _is_deep_coder(row: Row) -> bool:
    return isinstance(row["tests"], str | dict) or (
        isinstance(row["tests"], list) and all(isinstance(test, dict) and "input" in test for test in row["tests"])
    )


_QUESTION = ("question", "problem", "description")
READERS = (
    Reader(
        "apps", "APPS", ("input_output",), _apps, "`stdio`, `function`", _QUESTION, ("solutions",), _is_apps
    ),
    Reader(
        "taco", "TACO", ("input_output", "question"), _apps, "`stdio`, `function`", _QUESTION, ("solutions",), _is_taco
    ),
    Reader(
        "code_contests", "CodeContests", ("public_tests", "private_tests"), _code_contests, "`stdio`", _QUESTION,
        ("solutions",), _has_columns,
    ),
    Reader(
        "deepcoder", "DeepCoder", ("tests",), _deep_coder, "`stdio`, `function`", _QUESTION, ("solutions",),
        _is_deep_coder,
    ),
)  # fmt: skip
