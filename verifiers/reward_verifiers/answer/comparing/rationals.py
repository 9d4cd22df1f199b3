"""The value of an expression without symbols, roots and functions, as an exact fraction."""

from __future__ import annotations

import math
from fractions import Fraction

from reward_verifiers.answer.reading.nodes import (
    Add,
    Call,
    Frac,
    Matrix,
    Mul,
    Neg,
    Node,
    Num,
    Percent,
    Pow,
    Quantity,
)

MAX_BITS = 20_000
MAX_FACTORIAL = 2_000
MAX_DETERMINANT = 12


class NotHere(ValueError):
    """This way of evaluating does not cover the expression."""


class TooLarge(ValueError):
    """The value is beyond the bounds that keep evaluation cheap."""


def rational(node: Node) -> Fraction:
    """The exact value of a rational constant. Raises NotHere, TooLarge or ZeroDivisionError."""
    match node:
        case Num(value):
            return value
        case Neg(term):
            return -rational(term)
        case Add(terms):
            return bounded(sum(map(rational, terms), Fraction(0)))
        case Mul(factors):
            product = Fraction(1)
            for factor in factors:
                product = bounded(product * rational(factor))
            return product
        case Frac(over, under):
            return bounded(rational(over) / rational(under))
        case Pow(base, exponent):
            return _rational_power(rational(base), rational(exponent))
        case Percent(value):
            return rational(value) / 100
        case Quantity(value, "degree"):
            raise NotHere
        case Quantity(value):
            return rational(value)
        case Call("factorial", (inner,)):
            return Fraction(_factorial(rational(inner)))
        case Call("binom", (n, k)):
            return _binomial(rational(n), rational(k))
        case Call("abs", (inner,)):
            return abs(rational(inner))
        case Call("floor", (inner,)):
            return Fraction(rational(inner).__floor__())
        case Call("ceil", (inner,)):
            return Fraction(rational(inner).__ceil__())
        case Call("root", (inner, degree)):
            return _rational_root(rational(inner), rational(degree))
        case Call("ratio", (over, under)):
            return rational(over) / rational(under)
        case Call("gcd" | "lcm" | "max" | "min" | "mod" | "gamma" as name, args):
            return _of_integers(name, [rational(argument) for argument in args])
        case Call("det", (Matrix(rows),)):
            return bounded(_determinant([[rational(cell) for cell in row] for row in rows]))
    raise NotHere


def _of_integers(name: str, values: list[Fraction]) -> Fraction:
    if name in ("max", "min"):
        return max(values) if name == "max" else min(values)
    if any(value.denominator != 1 for value in values):
        raise NotHere
    whole = [value.numerator for value in values]
    match name, whole:
        case "mod", [value, modulus]:
            return Fraction(value % modulus)
        case "gamma", [value]:
            return Fraction(_factorial(Fraction(value - 1)))
        case "gcd", _:
            return Fraction(math.gcd(*whole))
        case "lcm", _:
            return Fraction(math.lcm(*whole))
    raise NotHere


def _determinant(rows: list[list[Fraction]]) -> Fraction:
    size = len(rows)
    if size > MAX_DETERMINANT or any(len(row) != size for row in rows):
        raise NotHere
    product = Fraction(1)
    for column in range(size):
        pivot = next((row for row in range(column, size) if rows[row][column]), None)
        if pivot is None:
            return Fraction(0)
        if pivot != column:
            rows[column], rows[pivot], product = rows[pivot], rows[column], -product
        product = bounded(product * rows[column][column])
        for below in range(column + 1, size):
            times = rows[below][column] / rows[column][column]
            rows[below] = [bounded(a - times * b) for a, b in zip(rows[below], rows[column], strict=True)]
    return product


def rational_or_none(node: Node) -> Fraction | None:
    """The exact value, or None where there is none within bounds."""
    try:
        return rational(node)
    except (NotHere, TooLarge, ZeroDivisionError):
        return None


def bounded(value: Fraction) -> Fraction:
    if value.numerator.bit_length() + value.denominator.bit_length() > MAX_BITS:
        raise TooLarge
    return value


def _rational_power(base: Fraction, exponent: Fraction) -> Fraction:
    if exponent.denominator != 1:
        return _rational_root(base, 1 / exponent) if exponent.numerator == 1 else _mixed_power(base, exponent)
    power = exponent.numerator
    if base == 0 and power < 0:
        raise ZeroDivisionError
    if base in (0, 1, -1):
        return base ** (power % 2 + 2) if power else Fraction(1)
    bits = max(base.numerator.bit_length(), base.denominator.bit_length())
    if abs(power) > MAX_BITS or bits * abs(power) > MAX_BITS:
        raise TooLarge
    return base**power


def _mixed_power(base: Fraction, exponent: Fraction) -> Fraction:
    return _rational_power(_rational_root(base, Fraction(exponent.denominator)), Fraction(exponent.numerator))


def _rational_root(value: Fraction, degree: Fraction) -> Fraction:
    """The exact root when it is rational."""
    if degree.denominator != 1 or not 2 <= degree <= 64 or value < 0:
        raise NotHere
    return Fraction(_integer_root(value.numerator, int(degree)), _integer_root(value.denominator, int(degree)))


def _integer_root(value: int, degree: int) -> int:
    if value < 2:
        return value
    guess = 1 << -(-value.bit_length() // degree)
    while True:
        better = ((degree - 1) * guess + value // guess ** (degree - 1)) // degree
        if better >= guess:
            break
        guess = better
    if guess**degree != value:
        raise NotHere
    return guess


def _factorial(value: Fraction) -> int:
    if value.denominator != 1 or value < 0:
        raise NotHere
    if value > MAX_FACTORIAL:
        raise TooLarge
    product = 1
    for factor in range(2, value.numerator + 1):
        product *= factor
    return product


def _binomial(n: Fraction, k: Fraction) -> Fraction:
    if n.denominator != 1 or k.denominator != 1 or n < 0 or k < 0:
        raise NotHere
    if n > MAX_FACTORIAL:
        raise TooLarge
    return Fraction(_factorial(n), _factorial(k) * _factorial(n - k)) if k <= n else Fraction(0)
