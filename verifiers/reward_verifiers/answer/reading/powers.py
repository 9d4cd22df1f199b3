"""A value with what stands behind it: exponents, primes, !, %, °."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reward_verifiers.answer.reading import amounts, functions, layouts
from reward_verifiers.answer.reading.atoms import subscript
from reward_verifiers.answer.reading.nodes import Call, Const, Node, Percent, Pow, Sym
from reward_verifiers.answer.reading.tokens import CannotRead

if TYPE_CHECKING:
    from reward_verifiers.answer.reading.parser import Parser

MAX_POSTFIX = 4
_POSTFIX = frozenset({"!", "%", "°"})


def power(p: Parser) -> Node:
    base = postfix(p)
    while p.is_op("^", "**"):
        if p.is_op("^") and p.ahead().value in ("T", "top", "intercal", "t") and layouts.is_layout(base):
            p.at += 2
            base = layouts.transposed(base)
            continue
        if p.is_op("^") and p.ahead().value == "{" and p.ahead(2).value in ("T", "top") and p.ahead(3).value == "}":
            p.at += 4
            base = layouts.transposed(base)
            continue
        p.at += 1
        if p.accept("°") or _braced_op(p, "°"):
            return amounts.degrees(p, base)
        if p.is_op("prime", "'") or (p.is_op("{") and p.ahead().value in ("prime", "'")):
            return _after(p, functions.primed(p, base))
        if isinstance(base, Const) and base.name in "RZNQC" and not p.is_op("n"):
            base = functions.number_set(p, base)
            continue
        if isinstance(base, Sym) and base.name[0] in "fghFGHPQ" and functions.is_inverse(p):
            base = functions.inverse_call(p, base)
            continue
        raised = exponent(p)
        base = functions.combination(base, raised) or Pow(base, raised)
        return _after(p, base)
    return base


def _braced_op(p: Parser, op: str) -> bool:
    if p.is_op("{") and p.ahead().value == op and p.ahead(2).value == "}":
        p.at += 3
        return True
    return False


def exponent(p: Parser) -> Node:
    if p.is_op("{"):
        return p.group()
    p.deeper()
    node = p.factor()  # x^12 is x^{12} to a person; TeX would take one digit, and nobody means that
    p.depth -= 1
    return node


def postfix(p: Parser) -> Node:
    node = p.atom()
    if isinstance(node, Sym) and p.is_op("_") and p.stream[p.at - 1].value == "}":  # {g}_{k}
        p.at += 1
        node = Sym(f"{node.name}_{subscript(p)}")
    return _after(p, node)


def _after(p: Parser, node: Node) -> Node:
    for _ in range(MAX_POSTFIX):
        if p.token.value not in _POSTFIX:
            return node
        if p.is_op("!") and (p.ahead().value != "=" or p.ahead().spaced):
            p.at += 1
            node = Call("factorial", (node,))
        elif p.accept("%"):
            node = Percent(node)
        elif p.is_op("°"):
            p.at += 1
            node = amounts.degrees(p, node)
        else:
            return node
    raise CannotRead(f"more than {MAX_POSTFIX} signs after a value")
