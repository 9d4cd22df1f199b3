"""Contest problems with inputs and outputs: APPS, TACO, CodeContests, DeepCoder, rStar-Coder."""

from __future__ import annotations

import re
from typing import Any

from reward_sandbox.datasets import cases
from reward_sandbox.datasets.row import NotUnderstood, Reader, Row, mapping, parsed, text


def _apps(row: Row) -> dict[str, Any]:
    return cases.of_pairs(parsed(row, "input_output"), "input_output")


def _is_apps(row: Row) -> bool:
    return isinstance(row["input_output"], str | dict)


def _is_taco(row: Row) -> bool:
    """Its rows have the fields of APPS, and no number of the problem."""
    return _is_apps(row) and not ("problem_id" in row or ("id" in row and "source" not in row))


def _code_contests(row: Row) -> dict[str, Any]:
    """{"input": […], "output": […]} three times: public, private, generated."""
    for field in ("input_file", "output_file"):
        if text(row, field):
            raise NotUnderstood(f"{field}: the program would read or write a file, and not its standard streams")
    inputs: list[Any] = []
    outputs: list[Any] = []
    for field in ("public_tests", "private_tests", "generated_tests"):
        tests = _columns(parsed(row, field), field)
        inputs += tests.get("input") or []
        outputs += tests.get("output") or []
    if not inputs or len(inputs) != len(outputs):
        raise NotUnderstood(f"private_tests: {len(inputs)} inputs and {len(outputs)} outputs in all fields of tests")
    return cases.stdio(inputs, outputs, "private_tests")


def _columns(tests: Any, field: str) -> dict[str, Any]:
    """{"input": […], "output": […]}, also where it is a list of single tests. Raises NotUnderstood."""
    if isinstance(tests, list):
        rows = [mapping(test, field) for test in tests]
        return {name: [row.get(name) for row in rows] for name in ("input", "output")}
    return mapping(tests or {}, field)


def _has_columns(row: Row) -> bool:
    tests = row["private_tests"]
    return isinstance(tests, list) or "input" in (tests if isinstance(tests, dict) else {})


def _deep_coder(row: Row) -> dict[str, Any]:
    """A JSON text: a list of {"input", "output", "type"}, or {"inputs", "outputs"}, by the source of the problem."""
    metadata = parsed(row, "metadata") if row.get("metadata") else {}
    entry = str(metadata.get("func_name") or "") if isinstance(metadata, dict) else ""
    return of_any(parsed(row, "tests"), "tests", entry)


def of_any(tests: Any, field: str, entry: str = "") -> dict[str, Any]:
    """Tests of any of these forms. Raises NotUnderstood."""
    if isinstance(tests, dict):
        return cases.of_pairs(tests, field, entry)
    return cases.of_records([_flat(record) for record in tests] if isinstance(tests, list) else tests, field, entry)


def _flat(record: Any) -> Any:
    """Those from LiveCodeBench have the name of the function a level below."""
    if not isinstance(record, dict) or record.get("testtype") != "functional":
        return record
    metadata = record.get("metadata")
    name = metadata.get("func_name") if isinstance(metadata, dict) else None
    return {"fn_name": name, **record}


def _rstar(row: Row) -> dict[str, Any]:
    """Two JSON lists of texts, and for calls the name of the function, of a class or at the top."""
    inputs, outputs = parsed(row, "inputs"), parsed(row, "outputs")
    name = text(row, "func_name") or _first_function(text(row, "starter_code"))
    return cases.of_pairs({"inputs": inputs, "outputs": outputs, "fn_name": name}, "inputs")


_FUNCTION = re.compile(r"^[ \t]*def +(\w+)[ \t]*\(", re.M)


def _first_function(starter: str) -> str:
    match = _FUNCTION.search(starter)
    return match[1] if match else ""


def _is_deep_coder(row: Row) -> bool:
    return isinstance(row["tests"], str | dict) or (
        isinstance(row["tests"], list) and all(isinstance(test, dict) and "input" in test for test in row["tests"])
    )


def _is_rstar(row: Row) -> bool:
    return all(isinstance(row[field], str | list) for field in ("inputs", "outputs"))


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
    Reader(
        "rstar-coder", "rStar-Coder", ("inputs", "outputs"), _rstar, "`stdio`, `function`", _QUESTION, (), _is_rstar
    ),
)  # fmt: skip
