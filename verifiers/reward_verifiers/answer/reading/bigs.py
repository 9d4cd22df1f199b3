"""Integrals, sums, products and limits: read into their parts, worked out in the second stage."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import TYPE_CHECKING

from reward_verifiers.answer.reading.nodes import (
    Add,
    Big,
    Const,
    Mul,
    Neg,
    Node,
    Num,
    Relation,
    Sym,
    children,
    rebuilt,
)
from reward_verifiers.answer.reading.tokens import CannotRead

if TYPE_CHECKING:
    from reward_verifiers.answer.reading.parser import Parser


def _bounds(p: Parser) -> tuple[Node | None, Node | None]:
    low = high = None
    while p.is_op("_", "^"):
        lower = p.accept("_")
        if not lower:
            p.at += 1
        bound = p.group() if p.is_op("{") else (p.argument() if p.token.kind != "op" else p.factor())
        if lower:
            low = bound
        else:
            high = bound
    return low, high


def _series(p: Parser, name: str) -> Node:
    """\\sum_{k=1}^{5} k."""
    low, high = _bounds(p)
    match low:
        case Relation(("=",), (Const("i"), start)) if high is not None:  # an index, and no imaginary unit
            return Big("sum" if name == "sum" else "prod", "i", _indexed(p.term()), (start, high))
        case Relation(("=",), (Sym(variable), start)) if high is not None:
            return Big("sum" if name == "sum" else "prod", variable, p.term(), (start, high))
    raise CannotRead("a sum without its bounds")


def _indexed(node: Node) -> Node:
    if node == Const("i"):
        return Sym("i")
    inner = children(node)
    return rebuilt(node, tuple(map(_indexed, inner))) if inner else node


def _limit(p: Parser, name: str) -> Node:
    """\\lim_{x \\to 0} …; one-sided with 0^+."""
    if not p.accept("_"):
        raise CannotRead("a limit of nothing")
    p.close("{")
    variable = p.atom()
    if not isinstance(variable, Sym) or not p.accept("to", "rightarrow", "longrightarrow"):
        raise CannotRead("a limit without its point")
    point = _point(p)
    side = ""
    if p.accept("^"):
        braces = p.accept("{")
        side = p.token.value
        if side not in ("+", "-"):
            raise CannotRead("a limit from no side")
        p.at += 1
        if braces:
            p.close("}")
    p.close("}")
    return Big("lim", variable.name, p.term(), (point,), side)


def _point(p: Parser) -> Node:
    negative = p.accept("-")
    if not negative:
        p.accept("+")
    point = p.postfix()
    if p.is_op("/"):
        raise CannotRead("a limit at a fraction")
    return Neg(point) if negative else point


def _integral(p: Parser, name: str) -> Node:
    """\\int_0^1 … dx."""
    low, high = _bounds(p)
    if (low is None) != (high is None):
        raise CannotRead("an integral with one bound")
    body = p.sum()
    variable, body = _without_differential(body)
    return Big("int", variable, body, () if low is None or high is None else (low, high))


def _without_differential(body: Node) -> tuple[str, Node]:
    match body:
        case Mul((*factors, Sym("d"), Sym(variable))):
            return variable, (Mul(tuple(factors)) if len(factors) > 1 else factors[0]) if factors else Num(_ONE)
        case Add((*terms, last)):
            variable, rest = _without_differential(last)
            return variable, Add((*terms, rest))
        case Neg(term):
            variable, rest = _without_differential(term)
            return variable, Neg(rest)
    raise CannotRead("an integral without its differential")


_ONE = Fraction(1)
COMMANDS: dict[str, Callable[[Parser, str], Node]] = {"sum": _series, "prod": _series, "lim": _limit, "int": _integral}
