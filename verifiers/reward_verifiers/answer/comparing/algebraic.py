"""How far from nought an algebraic number must be when it is not nought: the BFMSS bound.

A sum, product, quotient or root of integers has a bound below which it cannot lie without being nought. With so many bits,
"the difference is smaller than that" is a proof.

    C. Burnikel, S. Funke, K. Mehlhorn, S. Schirra, S. Schmitt. A separation bound for real algebraic expressions. 2009
"""

from __future__ import annotations

from fractions import Fraction
from math import log2
from typing import NamedTuple

from reward_verifiers.answer.comparing.rationals import NotHere
from reward_verifiers.answer.reading.nodes import Add, Call, Const, Frac, Mul, Neg, Node, Num, Percent, Pow, Quantity

MAX_DEGREE = 4096


class _Bound(NamedTuple):
    over: float
    """log2 of the bound on the numerator, an algebraic integer, and its conjugates."""
    under: float
    degree: int


def separation_bits(node: Node) -> float:
    """Bits after which a value of `node` that is not nought shows. Raises NotHere for what is no algebraic number."""
    bound = _bound(node)
    return (bound.degree - 1) * bound.over + bound.under


def _integer(value: int) -> float:
    return log2(abs(value)) if abs(value) > 1 else 0.0


def _plus(left: float, right: float) -> float:
    high, low = max(left, right), min(left, right)
    return high + log2(1 + 2.0 ** max(low - high, -60))


def _combined(left: _Bound, right: _Bound, over: float, under: float) -> _Bound:
    degree = left.degree * right.degree
    if degree > MAX_DEGREE:
        raise NotHere
    return _Bound(over, under, degree)


def _bound(node: Node) -> _Bound:
    match node:
        case Num(value):
            return _Bound(_integer(value.numerator), _integer(value.denominator), 1)
        case Const("i"):
            return _Bound(0.0, 0.0, 2)
        case Neg(term):
            return _bound(term)
        case Quantity(value, unit) if unit != "degree":
            return _bound(value)
        case Percent(value):
            return _quotient(_bound(value), _bound(Num(Fraction(100))))
        case Add(terms):
            total = _bound(terms[0])
            for term in terms[1:]:
                other = _bound(term)
                over = _plus(total.over + other.under, other.over + total.under)
                total = _combined(total, other, over, total.under + other.under)
            return total
        case Mul(factors):
            product = _bound(factors[0])
            for factor in factors[1:]:
                other = _bound(factor)
                product = _combined(product, other, product.over + other.over, product.under + other.under)
            return product
        case Frac(over_node, under_node):
            return _quotient(_bound(over_node), _bound(under_node))
        case Call("root", (inner, Num(degree))) if degree.denominator == 1 and 2 <= degree <= 64:
            return _root(_bound(inner), int(degree))
        case Pow(base, Num(exponent)):
            return _power(_bound(base), exponent)
        case Pow(base, Neg(Num(exponent))):
            return _power(_bound(base), -exponent)
        case Pow(base, Frac(Num(over), Num(under))) if under:
            return _power(_bound(base), over / under)
    raise NotHere


def _quotient(over: _Bound, under: _Bound) -> _Bound:
    return _combined(over, under, over.over + under.under, over.under + under.over)


def _root(inner: _Bound, degree: int) -> _Bound:
    if inner.degree * degree > MAX_DEGREE:
        raise NotHere
    if inner.over >= inner.under:
        return _Bound((inner.over + (degree - 1) * inner.under) / degree, inner.under, inner.degree * degree)
    return _Bound(inner.over, ((degree - 1) * inner.over + inner.under) / degree, inner.degree * degree)


def _power(base: _Bound, exponent: Fraction) -> _Bound:
    times = abs(exponent.numerator)
    if times > 10_000 or exponent.denominator > 64:
        raise NotHere
    power_bound = _Bound(base.over * times, base.under * times, base.degree)
    if exponent < 0:
        power_bound = power_bound._replace(over=power_bound.under, under=power_bound.over)
    return _root(power_bound, exponent.denominator) if exponent.denominator > 1 else power_bound
