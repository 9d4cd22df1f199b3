"""Calls against the expected ones: argument by argument, and the best pairing of all."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from typing import Any

from reward_verifiers import json_schema
from reward_verifiers.format.calls import ToolCall
from reward_verifiers.structured.compare import normal_space, same
from reward_verifiers.structured.fields import compiled
from reward_verifiers.tool_call.options import ArgumentRule, ExpectedCall
from reward_verifiers.verifier import BadReference

_DEFAULT = ArgumentRule()
_MISSING = object()
MAX_DEPTH = 50


class Tools:
    """The tools that there are, by name. Without any, calls are not checked."""

    def __init__(self, tools: Sequence[dict[str, Any]]) -> None:
        """Raises BadReference."""
        self._parameters: dict[str, dict[str, Any]] = {}
        for tool in tools:
            function = tool.get("function", tool)
            name = function.get("name") if isinstance(function, dict) else None
            parameters = function.get("parameters", function.get("input_schema", {})) if name else None
            if not isinstance(name, str) or not isinstance(parameters, dict):
                raise BadReference("tools: each has a name, and parameters that are a JSON schema")
            closed = {"additionalProperties": False} if "properties" in parameters else {}
            self._parameters[name] = {**closed, **parameters}
            next(json_schema.errors(self._parameters[name], {}), None)

    def fault(self, call: ToolCall) -> str:
        """Why the call cannot be made; "" where it can."""
        if not self._parameters:
            return ""
        if call.name not in self._parameters:
            return "there is no such tool"
        path, why = next(json_schema.errors(self._parameters[call.name], call.arguments), ("", ""))
        return f"{path}: {why}" if path else why

    def default(self, name: str, argument: str) -> Any:
        properties = self._parameters.get(name, {}).get("properties")
        schema = properties.get(argument) if isinstance(properties, dict) else None
        return schema.get("default", _MISSING) if isinstance(schema, dict) else _MISSING

    def typed(self, call: ToolCall) -> ToolCall:
        """A call of a wire that writes text alone, with what the text writes where the tool does not take text."""
        if call.typed:
            return call
        properties = self._parameters.get(call.name, {}).get("properties")
        properties = properties if isinstance(properties, dict) else {}
        return call._replace(arguments={k: _typed(v, properties.get(k)) for k, v in call.arguments.items()})


def _typed(text: Any, schema: Any) -> Any:
    kind = schema.get("type") if isinstance(schema, dict) else None
    if kind == "string" or not isinstance(text, str):
        return text
    try:
        return json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return {"True": True, "False": False, "None": None}.get(text, text)


def _refuse(name: str) -> Any:
    raise ValueError(name)


def argument_share(call: ToolCall, fault: str, expected: ExpectedCall, tools: Tools) -> tuple[float, str]:
    """The share of its arguments that are right, 0 for another tool; and what is wrong, "" where nothing is.

    `fault`: what the tool's schema says against the call.
    """
    if call.name != expected.name:
        return 0.0, f"{call.name[:50]!r} instead of {expected.name!r}"
    if fault:
        return 0.0, f"{call.name[:50]!r} cannot be called so: {fault}"
    faults = {name: _argument_fault(name, call, expected, tools) for name in {*expected.arguments, *expected.rules}}
    for name in call.arguments.keys() - faults.keys():
        is_default = tools.default(call.name, name) is not _MISSING and equal(
            call.arguments[name], tools.default(call.name, name)
        )
        if not is_default:
            faults[name] = "was not asked for"
    wrong = sorted(f"{name[:50]} {why}" for name, why in faults.items() if why)
    share = 1 - len(wrong) / len(faults) if faults else 1.0
    return share, wrong[0] if wrong else ""


def _argument_fault(name: str, call: ToolCall, expected: ExpectedCall, tools: Tools) -> str:
    rule = expected.rules.get(name, _DEFAULT)
    if rule.absent:
        return "must not be there" if name in call.arguments else ""
    rights = [expected.arguments[name]] if name in expected.arguments else []
    rights += rule.any_of or []
    if name not in call.arguments:
        default = tools.default(call.name, name)
        stands = default is not _MISSING and any(equal(default, right) for right in rights)
        return "" if rule.optional or stands else "is missing"
    value = call.arguments[name]
    if rule.anything:
        return ""
    if rule.pattern is not None:
        fits = isinstance(value, str) and len(value) <= 5000 and compiled(rule.pattern).fullmatch(value)
        return "" if fits else "does not match"
    return "" if any(_right(value, right, rule) for right in rights) else "is another value"


def _right(value: Any, right: Any, rule: ArgumentRule) -> bool:
    if rule.compare == "equal":
        return equal(value, right)
    if rule.compare == "set":
        return _same_items(value, right)
    if isinstance(value, str) and (len(value) > 5000 or (rule.compare == "number" and not isinstance(right, str))):
        return False
    return same(value, right, rule.compare, rule.tolerance)


def _same_items(value: Any, right: Any) -> bool:
    """The same items in any order, each as often."""
    if not isinstance(value, list | tuple | set | frozenset) or not isinstance(right, list) or len(value) != len(right):
        return False
    left = list(right)
    for item in value:
        place = next((at for at, other in enumerate(left) if equal(item, other)), None)
        if place is None:
            return False
        del left[place]
    return True


def equal(value: Any, right: Any, depth: int = 0) -> bool:
    """Equal in type and value. 1 and 1.0 are one number; text may differ in its Unicode form and in extra spaces.

    >>> equal(1, 1.0), equal(1, True), equal("1", 1), equal([1, {"a": None}], [1.0, {"a": None}])
    (True, False, False, True)
    """
    if depth > MAX_DEPTH:
        return False
    if isinstance(value, bool) or isinstance(right, bool):
        return value is right
    if isinstance(value, int | float) and isinstance(right, int | float):
        return value == right or _close(value, right)
    if isinstance(value, str) and isinstance(right, str):
        return value == right or (len(value) <= 4 * len(right) + 100 and normal_space(value) == normal_space(right))
    if isinstance(value, list | tuple) and isinstance(right, list):
        return len(value) == len(right) and all(equal(a, b, depth + 1) for a, b in zip(value, right, strict=True))
    if isinstance(value, dict) and isinstance(right, dict):
        return value.keys() == right.keys() and all(equal(value[key], right[key], depth + 1) for key in right)
    return value is None and right is None


def _close(value: float, right: float) -> bool:
    try:
        return math.isclose(value, right, rel_tol=1e-9)
    except OverflowError:
        return False


Weights = list[list[float]]
"""By expected call, by call made: what the pair is worth, 0 to 1."""


def best_pairs(weights: Weights, ordered: bool) -> float:
    """The greatest sum of weights, where each call is in one pair at most."""
    if not weights or not weights[0]:
        return 0.0
    return _aligned(weights) if ordered else _assigned(weights)


def _aligned(weights: Weights) -> float:
    """Pairs that do not cross."""
    best = [0.0] * (len(weights[0]) + 1)
    for row in weights:
        before = best[:]
        for at, weight in enumerate(row, 1):
            best[at] = max(before[at], best[at - 1], before[at - 1] + weight)
    return best[-1]


def _assigned(weights: Weights) -> float:
    """Any pairs: the Hungarian method with potentials (Kuhn, 1955), O(n³) for at most 64 calls."""
    if len(weights) > len(weights[0]):
        weights = [list(column) for column in zip(*weights, strict=True)]
    rows, columns = len(weights), len(weights[0])
    u, v = [0.0] * (rows + 1), [0.0] * (columns + 1)
    owner = [0] * (columns + 1)
    for row in range(1, rows + 1):
        _augment(lambda i, j: -weights[i - 1][j - 1], row, columns, u, v, owner)
    return sum(weights[owner[column] - 1][column - 1] for column in range(1, columns + 1) if owner[column])


def _augment(
    cost: Callable[[int, int], float], row: int, columns: int, u: list[float], v: list[float], owner: list[int]
) -> None:
    """Pair one more row by the cheapest augmenting path."""
    owner[0] = row
    column = 0
    way = [0] * (columns + 1)
    slack = [math.inf] * (columns + 1)
    used = [False] * (columns + 1)
    while owner[column]:
        used[column] = True
        current, delta, following = owner[column], math.inf, 0
        for other in range(1, columns + 1):
            if used[other]:
                continue
            reduced = cost(current, other) - u[current] - v[other]
            if reduced < slack[other]:
                slack[other], way[other] = reduced, column
            if slack[other] < delta:
                delta, following = slack[other], other
        for other in range(columns + 1):
            if used[other]:
                u[owner[other]] += delta
                v[other] -= delta
            else:
                slack[other] -= delta
        column = following
    while column:
        owner[column] = owner[way[column]]
        column = way[column]
