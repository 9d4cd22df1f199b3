"""Sums of rational multiples of √n·π^k, decided exactly: for square-free n these are independent over the rationals.

(1 + √8)/2 ──▶ {(1, 0): 1/2, (2, 0): 1}        2π√3 ──▶ {(3, 1): 2}
"""

from __future__ import annotations

from fractions import Fraction
from math import isqrt

from reward_verifiers.answer.comparing.rationals import NotHere, bounded, rational
from reward_verifiers.answer.reading.nodes import Add, Call, Const, Frac, Mul, Neg, Node, Num, Pow

Surd = dict[tuple[int, int], Fraction]
"""(n, k) → coefficient of √n·π^k; none is 0."""
_MAX_TERMS = 16
_MAX_POWER = 6
_MAX_RADICAND = 10**8
"""Square factors are looked for up to the cube root of it."""


def surd(node: Node) -> Surd:
    """The value of a constant. Raises NotHere, TooLarge or ZeroDivisionError."""
    match node:
        case Const("pi"):
            return {(1, 1): Fraction(1)}
        case Neg(term):
            return {key: -value for key, value in surd(term).items()}
        case Add(terms):
            total: Surd = {}
            for term in terms:
                for key, value in surd(term).items():
                    total[key] = bounded(total.get(key, Fraction(0)) + value)
            return _checked(total)
        case Mul(factors):
            product = surd(factors[0])
            for factor in factors[1:]:
                product = _times(product, surd(factor))
            return product
        case Frac(over, under):
            return _times(surd(over), _inverse(surd(under)))
        case Pow(base, Num(power)) if power.denominator == 1 and abs(power) <= _MAX_POWER:
            base_value = surd(base)
            raised: Surd = {(1, 0): Fraction(1)}
            for _ in range(abs(int(power))):
                raised = _times(raised, base_value)
            return _inverse(raised) if power < 0 else raised
        case Call("root", (inner, Num(degree))) if degree == 2:
            return _root(rational(inner))
        case Pow(base, exponent) if rational(exponent) == Fraction(1, 2):
            return _root(rational(base))
    number = rational(node)
    return {(1, 0): number} if number else {}


def _checked(terms: Surd) -> Surd:
    if len(terms) > _MAX_TERMS:
        raise NotHere
    return {key: value for key, value in terms.items() if value}


def _times(left: Surd, right: Surd) -> Surd:
    product: Surd = {}
    for (n, k), a in left.items():
        for (m, j), b in right.items():
            square, free = _split(n * m)
            key = (free, k + j)
            product[key] = bounded(product.get(key, Fraction(0)) + a * b * square)
    return _checked(product)


def _inverse(value: Surd) -> Surd:
    match list(value.items()):
        case []:
            raise ZeroDivisionError
        case [((n, k), a)]:
            return {(n, -k): 1 / (a * n)}
        case [((n, k), a), ((m, j), b)] if k == j:  # (a√n + b√m)(a√n - b√m) = a²n - b²m
            under = a * a * n - b * b * m
            return {(n, -k): a / under, (m, -k): -b / under}
    raise NotHere


def _root(value: Fraction) -> Surd:
    if value < 0:
        raise NotHere
    square, free = _split(value.numerator * value.denominator)
    return {(free, 0): Fraction(square, value.denominator)} if value else {}


def _split(number: int) -> tuple[int, int]:
    """√number as a whole number times the root of a square-free one."""
    if number > _MAX_RADICAND:
        raise NotHere
    square, free, prime = 1, 1, 2
    while prime**3 <= number:
        while number % (prime * prime) == 0:
            number //= prime * prime
            square *= prime
        if number % prime == 0:
            number //= prime
            free *= prime
        prime += 1
    # What is left has at most two prime factors.
    root = isqrt(number)
    return (square * root, free) if root * root == number else (square, free * number)
