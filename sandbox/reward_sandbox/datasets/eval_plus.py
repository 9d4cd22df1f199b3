"""EvalPlus' own rows: inputs of HumanEval+ and MBPP+, and a right program that says what comes out of them.

The table of tuples is in EvalPlus' loader: JSON has none, and MBPP's functions are called with them.
"""

from __future__ import annotations

import json
import re
from typing import Any

from reward_sandbox.datasets.python_tests import before
from reward_sandbox.datasets.row import NotUnderstood, Reader, Row, entries, parsed, text

_TEST = """
import copy, json, math
REFERENCE = {}
exec(%(source)r, REFERENCE)
INPUTS = json.loads(%(inputs)r)
WITHIN = %(within)r
SHAPE = %(shape)r
def shaped(value, shape):
    if shape in ("complex", "float"):
        return {"complex": complex, "float": float}[shape](value)
    if shape == "values":
        return {key: tuple(item) for key, item in value.items()}
    if shape is None or not isinstance(value, list):
        return value
    if shape == "tuple":
        return tuple(value)
    if shape == "tuples":
        return tuple(shaped(item, shape) for item in value)
    if shape == "set":
        return set(value) if value else {}
    kind, inner = shape
    return {"list": list, "tuple": tuple}[kind](shaped(item, inner) for item in value)
def arguments_of(values):
    shapes = SHAPE if isinstance(SHAPE, list) else [SHAPE] * len(values)
    return [shaped(value, shapes[place] if place < len(shapes) else None) for place, value in enumerate(values)]
def near(got, wanted):
    if isinstance(wanted, float) or (WITHIN and isinstance(wanted, int) and not isinstance(wanted, bool)):
        return isinstance(got, (int, float)) and (
            got == wanted or got != got and wanted != wanted
            or math.isclose(got, wanted, rel_tol=1e-7, abs_tol=WITHIN or 1e-6))
    if isinstance(wanted, (list, tuple)):
        return isinstance(got, (list, tuple)) and len(got) == len(wanted) and all(map(near, got, wanted))
    return got == wanted
def check(candidate):
    for values in INPUTS:
        arguments = arguments_of(values)
        got = candidate(*copy.deepcopy(arguments))
        if %(is_root)r:
            assert isinstance(got, (int, float))
            assert abs(sum(coefficient * got ** power for power, coefficient in enumerate(arguments[0]))) <= WITHIN
        else:
            assert near(got, REFERENCE[%(entry)r](*copy.deepcopy(arguments)))
"""
_TUPLES = ("list", "tuple")
# The shapes of the arguments, by the number of MBPP's task: a list has one for each argument, all else is for every one.
_SHAPES: tuple[tuple[Any, tuple[int, ...]], ...] = (
    (
        "tuple",
        (2, 116, 132, 143, 222, 261, 273, 394, 399, 421, 424, 429, 470, 560, 579, 596, 616, 630, 726, 740, 744, 809),
    ),
    (_TUPLES, (63, 64, 70, 94, 120, 237, 272, 299, 400, 409, 417, 438, 473, 614, 780)),
    (("tuple", "tuple"), (259, 401, 445)),
    ("tuples", (580, 615, 791)),
    ([_TUPLES], (75, 413, 444, 753, 278)),
    ([None, "tuple"], (106, 750)),
    ([("list", "set")], (115,)),
    (["float", "complex"], (124,)),
    (["complex"], (252,)),
    (["tuple"], (250, 405, 446, 617, 720, 763, 808, 307)),
    (["values"], (722,)),
)
_BY_TASK = {f"Mbpp/{number}": shape for shape, numbers in _SHAPES for number in numbers}
_ANY_ROOT = "HumanEval/32"
"""A task with many right answers."""


def _read(row: Row) -> dict[str, Any]:
    """Inputs, and a right program that says what comes out of them: it runs in the jail of the tests."""
    entry = text(row, "entry_point")
    inputs = [*entries(parsed(row, "base_input"), "base_input"), *(parsed(row, "plus_input") or [])]
    if not all(isinstance(arguments, list) for arguments in inputs):
        raise NotUnderstood("plus_input: each input is a list of the arguments of a call")
    source = text(row, "canonical_solution")
    prompt = text(row, "prompt")
    task = text(row, "task_id")
    parts = {
        "source": source if re.search(rf"^def {re.escape(entry)}\b", source, re.M) else prompt + source,
        "inputs": json.dumps(inputs),
        "entry": entry,
        "within": float(row.get("atol") or 0),
        "shape": _BY_TASK.get(task),
        "is_root": task == _ANY_ROOT,
    }
    return {"kind": "humaneval", "entry": entry, "test_code": _TEST % parts, "prelude": before(prompt, entry)}


READERS = (
    Reader(
        "evalplus",
        "EvalPlus",
        ("entry_point", "base_input", "canonical_solution"),
        _read,
        "`humaneval`",
        solution=("canonical_solution",),
    ),
)
