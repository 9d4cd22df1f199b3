"""Brackets: groups, tuples, intervals (also ]2,5[), sets and set builders, absolute values, angle brackets."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from reward_verifiers.answer.reading import amounts, units
from reward_verifiers.answer.reading.nodes import (
    BOUND,
    Builder,
    Call,
    Const,
    Matrix,
    Node,
    Relation,
    Seq,
    Sym,
    Text,
    renamed,
    symbols,
)
from reward_verifiers.answer.reading.tokens import CannotRead

if TYPE_CHECKING:
    from reward_verifiers.answer.reading.parser import Parser

_CLOSERS = {"(": ")", "[": "]"}
_BARS = ("mid", ":", "|", "vert")


def bracket(p: Parser, opener: str) -> Node:
    """What stands from an opening sign to its closing one."""
    if opener in ("(", "["):
        return _round(p, opener)
    if opener == "]":
        return _outward(p)
    if opener == "{":
        return p.group()
    if opener == "\\{":
        p.at += 1
        return _braces(p)
    if opener == "|":
        p.at += 1
        return _bars(p, opener)
    if units.SPELLINGS.get(opener):
        p.at += 1
        return amounts.money(p, opener)
    raise CannotRead(f"unexpected {opener[:20]!r}")


def _bars(p: Parser, name: str) -> Node:
    p.bars += 1
    inside = p.sum()
    p.bars -= 1
    if not p.accept("|", "vert"):
        raise CannotRead("an absolute value is not closed")
    return Call("abs", (inside,))


def _angled(p: Parser, name: str) -> Node:
    inside = p.nested()
    p.close("rangle")
    items = inside.items if isinstance(inside, Seq) and not inside.open else (inside,)
    return Seq(items, "(", ")")


def _set(p: Parser, name: str) -> Node:
    return _braces(p)


COMMANDS: dict[str, Callable[[Parser, str], Node]] = {
    "langle": _angled,
    "vert": _bars,
    "|": _bars,
    "{": _set,
    "\\{": _set,
}


def _round(p: Parser, opener: str) -> Node:
    p.at += 1
    if p.is_op(_CLOSERS[opener]):
        p.at += 1
        return Seq((), opener, _CLOSERS[opener])
    inside = p.nested()
    if not p.is_op(")", "]") and not (p.is_op("[") and opener == "["):
        raise CannotRead("a bracket is not closed")
    closer = p.token.value
    p.at += 1
    if isinstance(inside, Seq) and not inside.open:
        return (
            _rows(inside)
            if opener == "[" and closer == "]" and _is_rows(inside)
            else Seq(inside.items, opener, ")" if closer == "[" else closer)
        )
    if closer != _CLOSERS[opener]:
        raise CannotRead("brackets that do not match")
    if isinstance(inside, Text):
        raise CannotRead("words in brackets", inside.words)
    return inside


def _is_rows(inside: Seq) -> bool:
    rows = [item for item in inside.items if isinstance(item, Seq) and item.open == "[" and item.close == "]"]
    return len(rows) == len(inside.items) and len({len(row.items) for row in rows}) == 1


def _rows(inside: Seq) -> Node:
    """[[1,2],[3,5]] is a matrix."""
    return Matrix(tuple(row.items for row in inside.items if isinstance(row, Seq)))


def _outward(p: Parser) -> Node:
    """]2,5[ is (2,5)."""
    p.at += 1
    outer, p.outward = p.outward, True
    inside = p.nested()
    p.outward = outer
    if not isinstance(inside, Seq) or inside.open or len(inside.items) != 2 or not p.is_op("[", "]"):
        raise CannotRead("a bracket that opens outward")
    closer = ")" if p.token.value == "[" else "]"
    p.at += 1
    return Seq(inside.items, "(", closer)


def _braces(p: Parser) -> Node:
    if p.accept("\\}"):
        return Seq((), "{", "}")
    first = p.items_until_bar()
    if p.accept(*_BARS):
        conditions = p.items()
        p.close("\\}")
        return _builder(first, conditions)
    p.close("\\}")
    items = first.items if isinstance(first, Seq) and not first.open else (first,)
    return Seq(items, "{", "}")


def _of_numbers(variable: Sym, conditions: Node) -> Node:
    """The conditions of {x : x > 3}, whose letter may be any."""
    if variable.name not in symbols(conditions):
        raise CannotRead("a condition on another letter")
    return renamed(conditions, {variable.name: BOUND.name})


def _builder(element: Node, conditions: Node) -> Node:
    """{x | x > 3} is the set of which the condition speaks; {2k : k in Z} is a set of its own."""
    listed = conditions.items if isinstance(conditions, Seq) and not conditions.open else (conditions,)
    match element:
        case Relation(("in",), (Sym() as variable, Const("R" | "Z" | "N" | "Q" | "C")) as sides):
            if sides[1] == Const("R"):
                return _of_numbers(variable, conditions)
            return Builder(variable, (Relation(("in",), sides), *listed))
        case Sym() as variable:
            return _of_numbers(variable, conditions)
    return Builder(element, listed)
