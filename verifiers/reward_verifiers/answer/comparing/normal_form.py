"""The normal form of an answer as text: equal answers mostly share it, so that majorities can be counted by it.

\\frac{2}{4} ──▶ 1/2        (x+1)^2 ──▶ x^2 + 2*x + 1        \\sqrt{8} ──▶ 2.82842712474619
"""

from __future__ import annotations

from fractions import Fraction
from functools import reduce

from reward_verifiers.answer.comparing.digits import numeric, shown
from reward_verifiers.answer.comparing.rationals import NotHere, TooLarge, rational, rational_or_none
from reward_verifiers.answer.reading.nodes import (
    Add,
    Based,
    Big,
    Builder,
    Call,
    Cases,
    Conditioned,
    Const,
    Frac,
    Letters,
    Matrix,
    Mul,
    Neg,
    Node,
    Num,
    Percent,
    PlusMinus,
    Pow,
    Quantity,
    Relation,
    Seq,
    Sym,
    Text,
    Time,
    Union,
    symbols,
)

Polynomial = dict[tuple[tuple[str, int], ...], Fraction | int]
"""Monomial → coefficient; whole ones as int, whose arithmetic takes a tenth of the time."""
_ONE: Polynomial = {(): 1}
_STRUCTURES = frozenset({Seq, Matrix, Relation, Union, Text, Letters, Time, Conditioned, Builder, Cases})
"""What has no value."""
_MAX_TERMS = 60
_MAX_DEGREE = 12
_MAX_BITS = 1_000
"""Longer exact values are shown by their first digits."""


def canonical(node: Node) -> str:
    """The normal form of a node. Never raises; the length is not bounded."""
    if isinstance(node, Quantity):
        return f"{canonical(node.value)} {node.unit}".strip()
    if type(node) in _STRUCTURES:
        return _structure(node)
    if symbols(node):
        try:
            return _polynomial_text(_polynomial(node))
        except NotHere:
            return _structure(node)
    exact = rational_or_none(node)
    if exact is not None:
        bits = exact.numerator.bit_length() + exact.denominator.bit_length()
        return str(exact) if bits < _MAX_BITS else shown(numeric(Num(exact), {}))
    try:
        return shown(numeric(node, {}))
    except (NotHere, TooLarge, ZeroDivisionError, OverflowError, ValueError):
        return _structure(node)


def _structure(node: Node) -> str:
    match node:
        case Num(value):
            return str(value)
        case Sym(name) | Const(name):
            return name.lstrip("\\")
        case Text(written) | Letters(written) | Time(written):
            return written
        case Conditioned(value):
            return canonical(value)
        case Big(name, variable, body, bounds, direction):
            return f"{name}[{variable}: {', '.join(map(canonical, bounds))}{direction}] {_wrapped(body)}"
        case Builder(element, conditions):
            return "{" + canonical(element) + " : " + ", ".join(map(canonical, conditions)) + "}"
        case Cases(values, conditions):
            pairs = zip(values, conditions, strict=True)
            return "; ".join(sorted(f"{canonical(piece)} if {canonical(condition)}" for piece, condition in pairs))
        case Neg(term):
            return f"-{_wrapped(term)}"
        case Add(terms):
            return " + ".join(sorted(map(canonical, terms)))
        case Mul(factors):
            return "*".join(sorted(map(_wrapped, factors)))
        case Frac(over, under):
            return f"{_wrapped(over)}/{_wrapped(under)}"
        case Pow(base, exponent):
            return f"{_wrapped(base)}^{_wrapped(exponent)}"
        case Call(name, args):
            return f"{name.removesuffix('()')}({', '.join(map(canonical, args))})"
        case PlusMinus(term):
            return f"±{_wrapped(term)}"
        case Percent(value):
            return f"{canonical(value)}%"
        case Based(digits, base):
            return f"{digits}_{base}"
        case Seq(items, left, right):
            inside = [canonical(item) for item in items]
            return left + ", ".join(inside if left in ("(", "[") else sorted(inside)) + right
        case Matrix(rows):
            return "[" + ", ".join("[" + ", ".join(map(canonical, row)) + "]" for row in rows) + "]"
        case Union(parts, minus):
            return " ∪ ".join(map(canonical, parts)) + (f" \\ {canonical(minus)}" if minus else "")
        case Relation(ops, sides):
            chain = [canonical(sides[0])]
            for op, side in zip(ops, sides[1:], strict=True):
                chain += [op, canonical(side)]
            return " ".join(chain)
    return repr(node)


def _wrapped(node: Node) -> str:
    text = canonical(node)
    return f"({text})" if " " in text or "/" in text or text.startswith("-") else text


def _polynomial(node: Node) -> Polynomial:
    """Monomial → coefficient. Raises NotHere for what is no polynomial, or a big one."""
    match node:
        case Sym(name) | Const("pi" | "e" as name):
            return {((name.lstrip("\\"), 1),): 1}
        case Neg(term):
            return {key: -value for key, value in _polynomial(term).items()}
        case Add(terms):
            total: Polynomial = {}
            for term in terms:
                for key, value in _polynomial(term).items():
                    total[key] = total.get(key, 0) + value
            return total
        case Mul(factors):
            return reduce(_times, map(_polynomial, factors), _ONE)
        case Frac(over, under) if not symbols(under):
            return {key: Fraction(value, _constant(under)) for key, value in _polynomial(over).items()}
        case Pow(base, Num(power)) if power.denominator == 1 and 0 <= power <= _MAX_DEGREE and symbols(base):
            return reduce(_times, [_polynomial(base)] * int(power), _ONE)
    return {(): _constant(node)}


def _constant(node: Node) -> Fraction | int:
    try:
        value = rational(node)
    except (TooLarge, ZeroDivisionError) as error:
        raise NotHere from error
    if value == 0:
        raise NotHere
    return value.numerator if value.denominator == 1 else value


def _times(left: Polynomial, right: Polynomial) -> Polynomial:
    if left == _ONE:
        return right
    if len(left) * len(right) > _MAX_TERMS * _MAX_TERMS:
        raise NotHere
    product: Polynomial = {}
    for a, x in left.items():
        for b, y in right.items():
            powers = dict(a)
            for name, power in b:
                powers[name] = powers.get(name, 0) + power
            key = tuple(sorted(powers.items()))
            product[key] = product.get(key, 0) + x * y
    if len(product) > _MAX_TERMS:
        raise NotHere
    return product


def _polynomial_text(terms: Polynomial) -> str:
    shown_terms = []
    for key, value in sorted(terms.items(), key=lambda item: (-sum(p for _, p in item[0]), item[0])):
        if value == 0:
            continue
        letters = "*".join(name if power == 1 else f"{name}^{power}" for name, power in key)
        shown_terms.append(letters if letters and value == 1 else f"{value}*{letters}" if letters else str(value))
    return " + ".join(shown_terms) or "0"
