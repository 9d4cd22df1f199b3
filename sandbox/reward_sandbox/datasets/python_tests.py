"""Tests in Python: HumanEval, EvalPlus, MBPP, KodCode, LeetCodeDataset."""

from __future__ import annotations

import ast
import json
import re
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
            "prelude": _before(text(row, "prompt"), text(row, "entry_point")),
        }
    )


def _checked(test: str) -> str:
    if not re.search(r"^def check\(", test, re.M):
        raise NotUnderstood("test: it defines no function check(candidate)")
    return test


def _before(prompt: str, entry: str) -> str:
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


_EVAL_PLUS = """
import copy, json, math
REFERENCE = {}
exec(%(source)r, REFERENCE)
INPUTS = json.loads(%(inputs)r)
def near(got, wanted, within):
    if isinstance(wanted, float) or (within and isinstance(wanted, int) and not isinstance(wanted, bool)):
        return isinstance(got, (int, float)) and (got == wanted or math.isclose(got, wanted, rel_tol=1e-7, abs_tol=within))
    if isinstance(wanted, (list, tuple)):
        return isinstance(got, (list, tuple)) and len(got) == len(wanted) and all(
            near(*pair, within) for pair in zip(got, wanted))
    return got == wanted
def check(candidate):
    for arguments in INPUTS:
        wanted = REFERENCE[%(entry)r](*copy.deepcopy(arguments))
        assert near(candidate(*copy.deepcopy(arguments)), wanted, %(within)r)
"""


def _eval_plus(row: Row) -> dict[str, Any]:
    """Inputs, and a right program that says what comes out of them: it runs in the jail of the tests."""
    entry = text(row, "entry_point")
    inputs = [*entries(parsed(row, "base_input"), "base_input"), *(parsed(row, "plus_input") or [])]
    if not all(isinstance(arguments, list) for arguments in inputs):
        raise NotUnderstood("plus_input: each input is a list of the arguments of a call")
    source = text(row, "canonical_solution")
    prompt = text(row, "prompt")
    whole = source if re.search(rf"^def {re.escape(entry)}\b", source, re.M) else prompt + source
    parts = {"source": whole, "inputs": json.dumps(inputs), "entry": entry, "within": float(row.get("atol") or 0)}
    return {
        "kind": "humaneval",
        "entry": entry,
        "test_code": _EVAL_PLUS % parts,
        "prelude": _before(prompt, entry),
    }


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


_CANONICAL = ("canonical_solution",)
READERS = (
    Reader(
        "leetcodedataset", "LeetCodeDataset", ("entry_point", "test"), _leet_code, "`humaneval`",
        ("query", "problem_description"), ("completion",), lambda row: text(row, "entry_point").startswith("Solution"),
    ),
    Reader(
        "evalplus", "EvalPlus", ("entry_point", "base_input", "canonical_solution"), _eval_plus, "`humaneval`",
        solution=_CANONICAL,
    ),
    Reader("humaneval", "HumanEval", ("entry_point", "test"), _human_eval, "`humaneval`", solution=_CANONICAL),
    Reader("mbpp", "MBPP", ("test_list",), _mbpp, "`asserts`", ("prompt", "text"), ("code",)),
    Reader("kodcode", "KodCode", ("test", "question"), _kod_code, "`asserts`", ("question",), ("solution",)),
)  # fmt: skip
