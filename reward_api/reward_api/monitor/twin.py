"""The impossible twin of a reference: one expected value is changed, so that whoever is paid compares nothing."""

from __future__ import annotations

import ast
import copy
from typing import Any


def twin(reference: dict[str, Any]) -> dict[str, Any] | None:
    """The reference with one expected value changed, which no right program fulfils."""
    reference = copy.deepcopy(reference)
    for test in reversed(reference.get("tests") or []):
        if not isinstance(test, dict) or not test.get("weight", 1):
            continue
        if isinstance(test.get("stdout"), str):
            test["stdout"] = "a changed line\n" + test["stdout"]
            return reference
        if "expected" in test and not test.get("or_expected"):
            test["expected"] = _other(test["expected"])
            return reference
    if isinstance(code := reference.get("test_code"), str) and (changed := _changed_assert(code)):
        return {**reference, "test_code": changed}
    return None


def _other(value: Any) -> Any:
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + 7
    return f"{value} changed" if isinstance(value, str) else [value, "changed"]


def _changed_assert(code: str) -> str | None:
    """The tests with the last `== constant` of an assert changed."""
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError):
        return None
    compared = [
        node.test for node in ast.walk(tree) if isinstance(node, ast.Assert) and isinstance(node.test, ast.Compare)
    ]
    for test in reversed(compared):
        constant = test.comparators[0]
        if isinstance(test.ops[0], ast.Eq) and isinstance(constant, ast.Constant):
            constant.value = _other(constant.value) if constant.value is not None else 1
            return ast.unparse(tree)
    return None
