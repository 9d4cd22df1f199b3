"""Inputs and outputs, as tests: of programs that read and print, or of calls.

{"inputs": [[[3, 1], 2]], "outputs": [[4]], "fn_name": "f"}  ──▶  f([3, 1], 2) must return 4
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from reward_sandbox.datasets.row import NotUnderstood, Row, entries, mapping, parsed

STDIO = {"kind": "stdio", "compare": "float"}
"""Outputs are compared by words, and numbers with a point within a tolerance, as these data sets' own graders do."""
_CALLS = ("function_call", "functional", "call-based", "call_based", "function")
_WHOLE = "function_call"
"""Tests whose input, where it is a text, is the list of the arguments; else each of its lines is one."""
_STREAMS = ("stdin_stdout", "stdin", "stdio", "standard_input")
PRELUDE = """import bisect, collections, copy, datetime, fractions, functools, heapq, io, itertools, json, math, operator
import random, re, string, sys, time
from bisect import *
from collections import *
from functools import *
from heapq import *
from itertools import *
from math import acos, asin, atan, atan2, ceil, comb, cos, e, exp, fabs, factorial, floor, gcd, hypot, inf, isqrt, log
from math import log10, log2, pi, sin, sqrt, tan
from typing import *
"""
"""Calls find the names that these data sets' own graders import for them."""


def of_pairs(value: Any, field: str, entry: str = "") -> dict[str, Any]:
    """{"inputs": […], "outputs": […], "fn_name": …}. Raises NotUnderstood."""
    pairs = mapping(value, field)
    inputs, outputs = entries(pairs.get("inputs"), f"{field}.inputs"), entries(pairs.get("outputs"), f"{field}.outputs")
    if len(inputs) != len(outputs):
        raise NotUnderstood(f"{field}: {len(inputs)} inputs and {len(outputs)} outputs")
    entry = pairs.get("fn_name") or entry
    return calls(entry, inputs, outputs, field) if entry else stdio(inputs, outputs, field)


def of_records(value: Any, field: str, entry: str = "") -> dict[str, Any]:
    """[{"input": …, "output": …, "type": …, "fn_name": …}]. Raises NotUnderstood."""
    records = [mapping(record, f"{field}[{index}]") for index, record in enumerate(entries(value, field))]
    for index, record in enumerate(records):
        if "input" not in record or "output" not in record:
            raise NotUnderstood(f"{field}[{index}]: it has no input and output, but {', '.join(record) or 'nothing'}")
    kinds = {_kind(record) for record in records} - {""}
    unknown = kinds - {*_CALLS, *_STREAMS}
    if unknown or (kinds & {*_CALLS} and kinds & {*_STREAMS}):
        raise NotUnderstood(f"{field}: tests of type {', '.join(sorted(kinds))}")
    names = {str(record["fn_name"]) for record in records if record.get("fn_name")}
    if len(names) > 1:
        raise NotUnderstood(f"{field}: tests of several functions: {', '.join(sorted(names))}")
    entry = next(iter(names), entry)
    inputs, outputs = [record["input"] for record in records], [record["output"] for record in records]
    if _WHOLE in kinds:
        inputs = [parsed({field: call_input}, field) for call_input in inputs]
        outputs = [_parsed_or_text(wanted) for wanted in outputs] if _are_texts(records) else outputs
    if kinds & {*_CALLS} and not entry:
        raise NotUnderstood(f"{field}: the tests call a function that has no name (fn_name)")
    if entry and not kinds & {*_STREAMS}:
        return calls(entry, inputs, outputs, field)
    return stdio(inputs, outputs, field)


def _kind(record: Row) -> str:
    return str(record.get("type") or record.get("testtype") or "").lower()


def _are_texts(records: Sequence[Row]) -> bool:
    """Whether the data set has all inputs and outputs as texts, as a table's column of one type demands."""
    return all(isinstance(record["input"], str) and isinstance(record["output"], str) for record in records)


def _parsed_or_text(value: str) -> Any:
    try:
        return parsed({"output": value}, "output")
    except NotUnderstood:
        return value


def stdio(inputs: Sequence[Any], outputs: Sequence[Any], field: str) -> dict[str, Any]:
    """Raises NotUnderstood."""
    tests = [
        {"stdin": _lines(call_input, field), "stdout": _lines(wanted, field)}
        for call_input, wanted in zip(inputs, outputs, strict=True)
    ]
    return {**STDIO, "tests": tests}


def calls(entry: str, inputs: Sequence[Any], outputs: Sequence[Any], field: str) -> dict[str, Any]:
    """Raises NotUnderstood. Where every output is a list of one element the result may be that element, or the list: the
    data sets write both, and their own graders take both.
    """
    pairs = [_call(call_input, wanted, field) for call_input, wanted in zip(inputs, outputs, strict=True)]
    is_wrapped = all(isinstance(wanted, list) and len(wanted) == 1 for _, wanted in pairs)
    tests = []
    for arguments, wanted in pairs:
        more = {"or_expected": [wanted]} if is_wrapped else {}
        tests.append({"args": arguments, "expected": wanted[0] if is_wrapped else wanted, **more})
    return {"kind": "function", "entry": entry, "tests": tests, "prelude": PRELUDE}


def _call(call_input: Any, wanted: Any, field: str) -> tuple[list[Any], Any]:
    """The arguments, and the result: a list and a value, or two texts, of a JSON value a line. Raises NotUnderstood."""
    if isinstance(call_input, str) and isinstance(wanted, str):
        try:
            return [json.loads(line) for line in call_input.split("\n") if line.strip()], json.loads(wanted)
        except (ValueError, RecursionError):
            pass
    if not isinstance(call_input, list):
        raise NotUnderstood(f"{field}: the input of a call is a list of its arguments, here is {_short(call_input)}")
    return [_with_numbers(argument) for argument in call_input], wanted


def _lines(value: Any, field: str) -> str:
    """A text, or its lines."""
    if isinstance(value, str):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, list) and all(isinstance(line, str | int | float) for line in value):
        return "".join(f"{line}\n" for line in value)
    raise NotUnderstood(f"{field}: the input and output of a program are texts, here is {_short(value)}")


def _with_numbers(value: Any) -> Any:
    """JSON has no numbers for keys; where all keys are written as numbers they were some."""
    if isinstance(value, dict) and value and all(str(key).lstrip("-").isdigit() for key in value):
        return {int(key): item for key, item in value.items()}
    return value


def _short(value: Any) -> str:
    return repr(value)[:60]
