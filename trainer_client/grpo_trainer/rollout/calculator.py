"""A calculator in the trainer's process: exact, and bounded in all that a hostile policy may write.

>>> Calculator().call("", "calculate", {"expression": "(2 + 3) * 7 / 2"}).output
'17.5'
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any

from grpo_trainer.rollout.tools import ToolReply, schema

MAX_CHARACTERS = 200
MAX_BITS = 4096
"""Of a numerator or a denominator, and of what a power may become."""
DIGITS = 12
"""Significant ones of a result that is no whole number."""

_BINARY: dict[type[ast.operator], Callable[[Fraction, Fraction], Fraction]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: lambda one, other: Fraction(one // other),
    ast.Mod: operator.mod,
}


class Refused(ValueError):
    """The message is for the policy."""


class Calculator:
    """The tool `calculate`. It keeps nothing of a session."""

    schemas: Sequence[Mapping[str, Any]] = (
        schema(
            "calculate", "Works out an expression of numbers, + - * / // % ** and brackets.", "expression", "e.g. 2*3"
        ),
    )

    def call(self, session: str, name: str, arguments: Mapping[str, Any]) -> ToolReply:
        expression = arguments.get("expression")
        if name != "calculate" or not isinstance(expression, str):
            return ToolReply("refused", "error: calculate needs an expression")
        try:
            return ToolReply("ok", _shown(evaluate(expression)))
        except Refused as error:
            return ToolReply("refused", f"error: {error}")


def evaluate(expression: str) -> Fraction:
    """The exact value. Raises Refused."""
    if len(expression) > MAX_CHARACTERS:
        raise Refused(f"an expression has at most {MAX_CHARACTERS} characters")
    try:
        # `ast` reads and runs nothing. Of what it can read, numbers and their operators alone are let through.
        tree = ast.parse(expression.strip(), mode="eval")
        return _value(tree.body)
    except ZeroDivisionError:
        raise Refused("division by zero") from None
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        raise error if isinstance(error, Refused) else Refused("that is no expression") from None


def _value(node: ast.expr) -> Fraction:
    match node:
        case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
            return _bounded(Fraction(str(number)))
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_value(operand)
        case ast.UnaryOp(op=ast.UAdd(), operand=operand):
            return _value(operand)
        case ast.BinOp(left=left, op=ast.Pow(), right=right):
            return _power(_value(left), _value(right))
        case ast.BinOp(left=left, op=sign, right=right) if type(sign) in _BINARY:
            return _bounded(_BINARY[type(sign)](_value(left), _value(right)))
    raise Refused("that is no expression of numbers")


def _power(base: Fraction, exponent: Fraction) -> Fraction:
    if exponent.denominator != 1:
        raise Refused("an exponent is a whole number")
    if abs(exponent) * _bits(base) > MAX_BITS:
        raise Refused("the result is too large")
    return base ** int(exponent)


def _bounded(value: Fraction) -> Fraction:
    if _bits(value) > MAX_BITS:
        raise Refused("the result is too large")
    return value


def _bits(value: Fraction) -> int:
    return max(value.numerator.bit_length(), value.denominator.bit_length())


def _shown(value: Fraction) -> str:
    if value.denominator == 1:
        return str(value.numerator)
    try:
        return f"{float(value):.{DIGITS}g}"
    except OverflowError:
        raise Refused("the result is too large") from None
