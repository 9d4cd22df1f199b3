"""Tests in Python: HumanEval, BigCodeBench, MBPP, KodCode, AceCode, LeetCodeDataset."""

from __future__ import annotations

import ast
import re
import sys
from typing import Any

from reward_sandbox.datasets.row import NotUnderstood, Reader, Row, entries, parsed, text

_LIBRARIES = re.compile(r"^[ \t]*(?:import|from)[ \t]+(numpy|scipy|pandas|sympy|sklearn|torch|networkx)\b", re.M)


def _with_libraries(reference: dict[str, Any]) -> dict[str, Any]:
    """With what the tests import, so that a sandbox without it gives no verdict."""
    libraries = sorted(set(_LIBRARIES.findall(reference["test_code"])))
    return {**reference, "requires": libraries} if libraries else reference


def _human_eval(row: Row) -> dict[str, Any]:
    """test: a function check(candidate). What the prompt defines before the function belongs to the program."""
    return _with_libraries(
        {
            "kind": "humaneval",
            "entry": text(row, "entry_point"),
            "test_code": _checked(text(row, "test")),
            "prelude": before(text(row, "prompt"), text(row, "entry_point")),
        }
    )


def _checked(test: str) -> str:
    if not re.search(r"^def check\(", test, re.M):
        raise NotUnderstood("test: it defines no function check(candidate)")
    return test


def before(prompt: str, entry: str) -> str:
    """The imports and definitions of a prompt, without the function that is asked for."""
    try:
        tree = ast.parse(prompt)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ""
    root = entry.partition(".")[0].removesuffix("()")
    kept = [node for node in tree.body if getattr(node, "name", None) != root]
    return "\n".join(ast.unparse(node) for node in kept if not _is_docstring(node))


def _is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _mbpp(row: Row) -> dict[str, Any]:
    """test_list: asserts; MBPP+ has a program of its own in `test` besides."""
    if text(row, "test"):
        return _with_libraries({"kind": "asserts", "test_code": text(row, "test"), **_called(row)})
    lines = [line for field in ("test_imports",) for line in row.get(field) or []]
    lines += [text(row, "test_setup_code")]
    for field in ("test_list", "challenge_test_list"):
        lines += row.get(field) or []
    if not all(isinstance(line, str) for line in lines):
        raise NotUnderstood("test_list: a list of asserts is wanted")
    return _with_libraries({"kind": "asserts", "test_code": "\n".join(filter(None, lines)), **_called(row)})


def _called(row: Row) -> dict[str, Any]:
    """The function that the asserts call and the row's own solution defines."""
    defined = re.findall(r"^def (\w+)", text(row, "code", "canonical_solution"), re.M)
    asserts = "\n".join(line for line in row.get("test_list") or [] if isinstance(line, str))
    names = [name for name in defined if re.search(rf"\b{name}\b", asserts)]
    return {"entry": names[0]} if len(names) == 1 else {}


def _kod_code(row: Row) -> dict[str, Any]:
    """test: functions as pytest runs them, which import from `solution`."""
    return _with_libraries({"kind": "asserts", "test_code": text(row, "test"), **_declared(row)})


def _declared(row: Row) -> dict[str, Any]:
    information = parsed(row, "test_info") if row.get("test_info") else []
    names = [
        part["function_name"] for part in information or [] if isinstance(part, dict) and part.get("function_name")
    ]
    return {"entry": str(names[0])} if len(names) == 1 else {}


def _leet_code(row: Row) -> dict[str, Any]:
    """As HumanEval; the prompt is the imports and helpers that LeetCode has."""
    return _with_libraries(
        {
            "kind": "humaneval",
            "entry": text(row, "entry_point"),
            "test_code": _checked(text(row, "test")),
            "prelude": text(row, "prompt"),
        }
    )


def _big_code_bench(row: Row) -> dict[str, Any]:
    """A class TestCases of unittest, which finds the names that the prompt imports as the program does."""
    prompt = text(row, "code_prompt", "complete_prompt")
    entry = text(row, "entry_point")
    header = before(prompt, entry) or before(f"{prompt.rstrip()}\n    pass\n", entry)
    libraries = parsed(row, "libs")
    names = {str(name).partition(".")[0] for name in libraries} if isinstance(libraries, list) else set()
    return {
        "kind": "unittest",
        "entry": entry,
        "test_code": text(row, "test"),
        "prelude": header,
        "requires": sorted(name for name in names - sys.stdlib_module_names if name.isidentifier()),
    }


def _ace_code(row: Row) -> dict[str, Any]:
    """test_cases: asserts, each a text."""
    asserts = entries(parsed(row, "test_cases"), "test_cases")
    if not all(isinstance(line, str) for line in asserts):
        raise NotUnderstood("test_cases: a list of asserts is wanted")
    return _with_libraries({"kind": "asserts", "test_code": "\n".join(asserts)})


_CANONICAL = ("canonical_solution",)
READERS = (
    Reader(
        "leetcodedataset", "LeetCodeDataset", ("entry_point", "test"), _leet_code, "`humaneval`",
        ("query", "problem_description"), ("completion",), lambda row: text(row, "entry_point").startswith("Solution"),
    ),
    Reader(
        "bigcodebench", "BigCodeBench", ("entry_point", "test", "libs"), _big_code_bench, "`unittest`",
        ("instruct_prompt", "complete_prompt"), _CANONICAL,
    ),
    Reader("humaneval", "HumanEval", ("entry_point", "test"), _human_eval, "`humaneval`", solution=_CANONICAL),
    Reader("mbpp", "MBPP", ("test_list",), _mbpp, "`asserts`", ("prompt", "text"), ("code",)),
    Reader("acecode", "AceCode", ("test_cases", "question"), _ace_code, "`asserts`", ("question",)),
    Reader("kodcode", "KodCode", ("test", "question"), _kod_code, "`asserts`", ("question",), ("solution",)),
)  # fmt: skip
