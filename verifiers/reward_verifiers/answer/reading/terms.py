"""Products and quotients, with and without a sign between the factors, and mixed numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reward_verifiers.answer.reading import amounts, layouts
from reward_verifiers.answer.reading.nodes import (
    Call,
    Frac,
    Mul,
    Node,
    Num,
    Percent,
    Quantity,
    Relation,
    Seq,
    Sym,
    Text,
)
from reward_verifiers.answer.reading.relations import RELATIONS
from reward_verifiers.answer.reading.tokens import CannotRead, Token

if TYPE_CHECKING:
    from reward_verifiers.answer.reading.parser import Parser

_TIMES = frozenset({"*", "times", "cdot"})
_ENDS = frozenset(["", *"+-=),;<>"])
"""Signs that end a term whatever stands before, and the end: most terms end at one."""
_BEHIND_CLOSING = frozenset(["", *")],;}", "\\}", "cup", "cap", "setminus", "and", "or"])
"""What opens nothing, so that a [ before it closes."""
_NO_FACTOR = frozenset(
    "rfloor rceil rangle mid \\ pm mp cup setminus cap vert pmod bmod mod land wedge over choose "
    "checkmark ldots hline &".split()
)


def ends(token: Token) -> bool:
    """Whether a term ends before this token whatever it is. \\+ is no plus."""
    return token.value in _ENDS and token.kind != "cmd"


def term(p: Parser) -> Node:
    factors = [p.factor()]
    while True:
        if ends(p.stream[p.at]):
            break
        if p.is_op("times") and layouts.has_vector(factors[-1]):
            p.at += 1
            layouts.multiply(p, factors)
        elif p.accept(*_TIMES):
            factors.append(p.factor())
        elif p.accept("/"):
            under = p.factor()
            over = factors[0] if len(factors) == 1 else Mul(tuple(factors))
            factors = [_mixed(over, under)]
        elif p.accept("cap"):
            factors = [Call("cap", tuple(sorted((_product(factors), p.factor()), key=repr)))]
        elif p.is_op("bmod", "mod") and not p.modular:
            p.at += 1
            over = factors[0] if len(factors) == 1 else Mul(tuple(factors))
            factors = [Call("mod", (over, p.factor()))]
        elif amounts.starts(p):
            return amounts.amount(p, _product(factors))
        elif starts_factor(p):
            if not _add_factor(p, factors):
                break
        else:
            break
        if len(factors) > 300:
            raise CannotRead("more than 300 factors")
    return _product(factors)


def _product(factors: list[Node]) -> Node:
    if len(factors) == 1:
        return factors[0]
    if any(isinstance(factor, Text | Relation) or _is_worded(factor) for factor in factors):
        return amounts.rate(factors)
    if all(isinstance(factor, Sym) and factor.name.startswith("circled ") for factor in factors):
        return Seq(tuple(factors))  # ①③ names two statements
    return Mul(tuple(factors))


def _add_factor(p: Parser, factors: list[Node]) -> bool:
    """Another factor without a sign before it; False for a condition in brackets, which is none."""
    start, spaced = p.at, p.token.spaced
    following = p.power()
    if isinstance(following, Relation) and p.stream[start].value == "(":
        p.conditions.append(following)
        return False
    factors.append(following)
    if len(factors) == 2:
        factors[:] = _joined(p, factors[0], following, spaced)
    return True


def _mixed(over: Node, under: Node) -> Node:
    """`1 1/2` was read as the two numbers 1 and 1 before the slash came."""
    match over, under:
        case (Mul((Num(whole, None), Num(top, None))), Num(bottom, None)):
            if 0 < top < bottom:
                return Num(whole + top / bottom)
            raise CannotRead("two numbers side by side")
    return Frac(over, under)


def _joined(p: Parser, first: Node, second: Node, spaced: bool) -> list[Node]:
    """Two factors without a sign between them: a mixed number, or a product."""
    match first, second:
        case (Num(whole, None), Quantity(Frac(Num(top, None), Num(bottom, None)), "degree")) if 0 < top < bottom:
            return [Quantity(Num(whole + top / bottom), "degree")]
        case (Num(whole, None), Frac(Num(top, None), Num(bottom, None))) if (
            whole.denominator == top.denominator == 1 and 0 < top < bottom
        ):
            return [Num(whole + top / bottom)]
        case (Num(whole, None), Percent(Frac(Num(top, None), Num(bottom, None)))) if 0 < top < bottom:
            return [Percent(Num(whole + top / bottom))]
        case (Num(_, None), Num(top, None)) if spaced and p.is_op("/") and top.denominator == 1:
            return [Mul((first, second))]
        case (Num(), Num()):
            raise CannotRead("two numbers side by side")
    return [first, second]


def starts_factor(p: Parser) -> bool:
    kind, value = p.token.kind, p.token.value
    if kind in ("num", "sci", "repeating", "sym"):
        return True
    if kind == "cmd":
        if value in _NO_FACTOR:
            return value == "vert" and not p.bars
        return value not in RELATIONS and value not in _TIMES and not value.startswith("end ")
    if value == "(":
        return p.ahead().value not in ("mod", "pmod", "bmod")
    if value == "[" and (p.outward or p.stream[p.at - 1].value == "infty" or p.ahead().value in _BEHIND_CLOSING):
        return False  # it closes ]2,5[ and [2,\\infty[ and [0,1[
    return value in ("[", "{", "\\{") or (value == "|" and not p.bars)


def _is_worded(node: Node) -> bool:
    return isinstance(node, Frac) and any(isinstance(side, Text) for side in (node.over, node.under))
