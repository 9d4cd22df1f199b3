"""Test code of plain asserts, read as calls with their expected values: so that no test runs beside the solution.

assert add(1, 2) == 3        ──▶  call add(1, 2), expect 3
assert is_prime(7)           ──▶  expect True        (`assert not …`: False)
assert abs(f(x) - 0.5) < 1e-6 ──▶ expect 0.5 within 1e-6
"""

from __future__ import annotations

import ast
import builtins
import operator
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from reward_sandbox.grading.compare import Tolerance


class NotPlain(ValueError):
    """The test code does something else than assert calls on literals; the message says where."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call of the solution and what it must give."""

    entry: str
    args: list[Any]
    kwargs: dict[str, Any]
    expected: Any
    truth: bool = False
    """Whether only the truth of the result counts."""
    tolerance: Tolerance | None = None


def calls(test_code: str, entry: str, candidate: str | None = None) -> list[Call]:
    """The calls that `test_code` asserts. Raises NotPlain.

    With `candidate` the asserts are those in the body of the function `check(candidate)`, as HumanEval writes them.
    """
    try:
        tree = ast.parse(test_code)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise NotPlain("the test code is no Python") from error
    names = {entry: entry} if candidate is None else {candidate: entry}
    body = tree.body
    if candidate is not None:
        functions = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "check"]
        if len(functions) != 1 or len(functions[0].args.args) != 1:
            raise NotPlain("there is no check(candidate)")
        names = {functions[0].args.args[0].arg: entry}
        body = functions[0].body
        _only_setup(node for node in tree.body if node is not functions[0])
    found = []
    for node in body:
        if isinstance(node, ast.Assert):
            read = _assertion(node.test, names)
            if read is not None:
                found.append(read)
        elif not _is_idle(node):
            raise NotPlain(f"line {node.lineno} is no assert")
    if not found:
        raise NotPlain("there are no asserts")
    return found


def makes_objects(test_code: str) -> bool:
    """Whether the tests make objects of the solution's classes, which only exist beside it. Only the tests are looked at,
    so that no solution can choose to be run beside them.
    """
    tree = ast.parse(test_code)
    own = {node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}
    own |= {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    called = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    return any(name[:1].isupper() and not hasattr(builtins, name) for name in called - own)


def _only_setup(nodes: Iterator[ast.stmt]) -> None:
    for node in nodes:
        assigned = isinstance(node, ast.Assign) and all(isinstance(target, ast.Name) for target in node.targets)
        if not (assigned or _is_idle(node) or _calls_check(node)):
            raise NotPlain(f"line {node.lineno} is no assert")


def _is_idle(node: ast.stmt) -> bool:
    return isinstance(node, ast.Pass) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))


def _calls_check(node: ast.stmt) -> bool:
    call = node.value if isinstance(node, ast.Expr) else None
    return isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "check"


def _assertion(test: ast.expr, names: dict[str, str]) -> Call | None:
    """None for `assert True`, which holds whatever the solution does."""
    match test:
        case ast.Constant(value=True):
            return None
        case ast.UnaryOp(op=ast.Not(), operand=ast.Call() as call) if _is_ours(call, names):
            return _call(call, names, expected=False, truth=True)
        case ast.Call() as call if _is_ours(call, names):
            return _call(call, names, expected=True, truth=True)
        case ast.Compare(left=ast.Call() as call, ops=[ast.Eq() | ast.Is()], comparators=[value]) if _is_ours(
            call, names
        ):
            return _call(call, names, expected=_literal(value))
        case ast.Compare(left=value, ops=[ast.Eq()], comparators=[ast.Call() as call]) if _is_ours(call, names):
            return _call(call, names, expected=_literal(value))
        case ast.Compare(
            left=ast.Call(
                func=ast.Name(id="abs"), args=[ast.BinOp(left=ast.Call() as call, op=ast.Sub(), right=value)]
            ),
            ops=[ast.Lt() | ast.LtE()],
            comparators=[bound],
        ) if _is_ours(call, names):
            near = Tolerance(absolute=float(_literal(bound)), relative=0)
            return _call(call, names, expected=float(_literal(value)), tolerance=near)
    raise NotPlain(f"line {test.lineno} asserts something else than a call")


def _is_ours(call: ast.Call, names: dict[str, str]) -> bool:
    return isinstance(call.func, ast.Name) and call.func.id in names


def _call(
    call: ast.Call, names: dict[str, str], *, expected: Any, truth: bool = False, tolerance: Tolerance | None = None
) -> Call:
    if any(isinstance(argument, ast.Starred) for argument in call.args) or any(k.arg is None for k in call.keywords):
        raise NotPlain(f"line {call.lineno} spreads its arguments")
    arguments = [_literal(argument) for argument in call.args]
    keywords = {keyword.arg or "": _literal(keyword.value) for keyword in call.keywords}
    name = call.func.id if isinstance(call.func, ast.Name) else ""
    return Call(names[name], arguments, keywords, expected, truth, tolerance)


def _literal(node: ast.expr) -> Any:
    try:
        return ast.literal_eval(node)
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
        # Arithmetic of numbers, such as 2**31 - 1 or -1.5 * 2.
        return _arithmetic(node)


_BOUND = 10**400
_OPERATORS: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}


def _arithmetic(node: ast.expr) -> Any:
    match node:
        case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
            return value
        case ast.UnaryOp(op=ast.USub(), operand=inner):
            return -_arithmetic(inner)
        case ast.BinOp(left=left, op=ast.Add() | ast.Sub() | ast.Mult() | ast.Div() | ast.Pow() as sign, right=right):
            a, b = _arithmetic(left), _arithmetic(right)
            if isinstance(sign, ast.Pow) and (abs(a) > 1000 or abs(b) > 400):
                raise NotPlain(f"line {node.lineno} holds too large a power")
            try:
                made = _OPERATORS[type(sign)](a, b)
            except (ZeroDivisionError, OverflowError) as error:
                raise NotPlain(f"line {node.lineno} divides by zero") from error
            if isinstance(made, int) and abs(made) > _BOUND:
                raise NotPlain(f"line {node.lineno} holds too large a number")
            return made
    raise NotPlain(f"line {node.lineno} holds more than literals")
