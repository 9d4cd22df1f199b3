"""Values of scalar expressions, three ways, each within bounds:

    rational(node)      exact, for what has no symbols, roots or functions          Fraction
    residue(node, at)   exact identity testing: rational functions modulo 2^61 - 1   int
    numeric(node, at)   everything else, to many digits, complex                     mpmath number

Each raises NotHere when the expression is beyond its way, and TooLarge when it is beyond all bounds.
"""

from __future__ import annotations

import hashlib
import math
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from fractions import Fraction
from functools import lru_cache
from typing import Any

from mpmath.ctx_mp import MPContext

from reward_verifiers.answer.reading.nodes import (
    Add,
    Call,
    Const,
    Frac,
    Matrix,
    Mul,
    Neg,
    Node,
    Num,
    Percent,
    Pow,
    Quantity,
    Sym,
)

PRIME = (1 << 61) - 1
MAX_BITS = 20_000
MAX_FACTORIAL = 2_000
MAX_DETERMINANT = 12
DIGITS = 50
"""Working precision of `numeric` at first; what agrees to about 35 digits is looked at with more."""


class NotHere(ValueError):
    """This way of evaluating does not cover the expression."""


class TooLarge(ValueError):
    """The value is beyond the bounds that keep evaluation cheap."""


# --- exact rationals --------------------------------------------------------------------------------------------------


def rational(node: Node) -> Fraction:
    """The exact value of a rational constant. Raises NotHere, TooLarge or ZeroDivisionError."""
    match node:
        case Num(value):
            return value
        case Neg(term):
            return -rational(term)
        case Add(terms):
            return _bounded(sum(map(rational, terms), Fraction(0)))
        case Mul(factors):
            product = Fraction(1)
            for factor in factors:
                product = _bounded(product * rational(factor))
            return product
        case Frac(over, under):
            return _bounded(rational(over) / rational(under))
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
            return _bounded(_determinant([[rational(cell) for cell in row] for row in rows]))
    raise NotHere


def _of_integers(name: str, values: list[Fraction]) -> Fraction:
    if name in ("max", "min"):
        return max(values) if name == "max" else min(values)
    if any(value.denominator != 1 for value in values):
        raise NotHere
    whole = [value.numerator for value in values]
    if name == "mod" and len(whole) == 2:
        return Fraction(whole[0] % whole[1])
    if name == "gamma" and len(whole) == 1:
        return Fraction(_factorial(values[0] - 1))
    return Fraction(math.gcd(*whole) if name == "gcd" else math.lcm(*whole))


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
        product = _bounded(product * rows[column][column])
        for below in range(column + 1, size):
            times = rows[below][column] / rows[column][column]
            rows[below] = [_bounded(a - times * b) for a, b in zip(rows[below], rows[column], strict=True)]
    return product


def rational_or_none(node: Node) -> Fraction | None:
    """The exact value, or None where there is none within bounds."""
    try:
        return rational(node)
    except (NotHere, TooLarge, ZeroDivisionError):
        return None


def _bounded(value: Fraction) -> Fraction:
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


# --- residues ---------------------------------------------------------------------------------------------------------


_SALT = secrets.token_bytes(16)


@lru_cache(maxsize=4096)
def residue_point(name: str, index: int) -> int:
    """The value of a symbol at the index-th point. Secret: whoever knows it can write an expression that agrees there."""
    digest = hashlib.blake2b(f"{index}:{name}".encode(), digest_size=8, key=_SALT).digest()
    return int.from_bytes(digest, "big") % PRIME


def residue(node: Node, index: int) -> int:
    """The value modulo PRIME at the index-th point of a rational function of symbols, pi and e.

    Equal functions agree; different ones of degree d agree with chance at most d / 2^61. Raises NotHere for roots, i and
    functions, ZeroDivisionError at a pole.
    """
    match node:
        case Num(value):
            over, under = value.numerator, value.denominator
            return over % PRIME if under == 1 else over * pow(under, -1, PRIME) % PRIME
        case Sym(name) | Const("pi" | "e" as name):
            return residue_point(name, index)
        case Neg(term):
            return -residue(term, index) % PRIME
        case Add(terms):
            return sum(residue(term, index) for term in terms) % PRIME
        case Mul(factors):
            product = 1
            for factor in factors:
                product = product * residue(factor, index) % PRIME
            return product
        case Frac(over, under) | Call("ratio", (over, under)):
            return residue(over, index) * inverse(residue(under, index)) % PRIME
        case Pow(base, exponent):
            power = rational(exponent)
            if power.denominator != 1 or power.numerator.bit_length() > 64:
                raise NotHere
            root = residue(base, index)
            return pow(inverse(root), -power.numerator, PRIME) if power < 0 else pow(root, power.numerator, PRIME)
        case Percent(value):
            return residue(value, index) * pow(100, -1, PRIME) % PRIME
        case Quantity(value, unit) if unit != "degree":
            return residue(value, index)
        case Call("det", (Matrix(rows),)):
            return _residue_determinant([[residue(cell, index) for cell in row] for row in rows])
        case Call(name, args) if name.endswith("()"):
            # An unknown function is any function: the same values at the same arguments.
            return residue_point(f"{name}{[residue(argument, index) for argument in args]}", index)
    raise NotHere


def numerator(node: Node, index: int) -> int:
    """Modulo PRIME at the index-th point, with the denominators multiplied out; nothing is cancelled."""
    return _parts(node, index)[0]


def _parts(node: Node, index: int) -> tuple[int, int]:
    match node:
        case Neg(term):
            over, under = _parts(term, index)
            return -over % PRIME, under
        case Add(terms):
            over, under = _parts(terms[0], index)
            for term in terms[1:]:
                a, b = _parts(term, index)
                over, under = (over + a, under) if b == under else (over * b + a * under, under * b)
                over, under = over % PRIME, under % PRIME
            return over, under
        case Mul(factors):
            over, under = 1, 1
            for factor in factors:
                a, b = _parts(factor, index)
                over, under = over * a % PRIME, under * b % PRIME
            return over, under
        case Frac(top, bottom):
            (a, b), (c, d) = _parts(top, index), _parts(bottom, index)
            return a * d % PRIME, b * c % PRIME
    return residue(node, index), 1


def _residue_determinant(rows: list[list[int]]) -> int:
    size, product = len(rows), 1
    if size > MAX_DETERMINANT or any(len(row) != size for row in rows):
        raise NotHere
    for column in range(size):
        pivot = next((row for row in range(column, size) if rows[row][column]), None)
        if pivot is None:
            return 0
        if pivot != column:
            rows[column], rows[pivot], product = rows[pivot], rows[column], -product
        product = product * rows[column][column] % PRIME
        under = inverse(rows[column][column])
        for below in range(column + 1, size):
            times = rows[below][column] * under
            rows[below] = [(a - times * b) % PRIME for a, b in zip(rows[below], rows[column], strict=True)]
    return product % PRIME


def inverse(value: int) -> int:
    """Modulo PRIME. Raises ZeroDivisionError for 0."""
    if value == 0:
        raise ZeroDivisionError
    return pow(value, -1, PRIME)


# --- many digits ------------------------------------------------------------------------------------------------------

_CTX: Any = MPContext()
_CTX.dps = DIGITS
FIRST_BITS = _CTX.prec
_GUARD_BITS = 30
_CONSTANTS = frozenset({"pi", "e", "i"})
MAX_PRECISION = 8_000
"""Bits of working precision at most; what needs more is not decided."""


class _Spread:
    """How many bits apart the terms of sums were, since `precision` began: what a sum may hide."""

    bits = 0
    lost = 0
    """The most bits that one sum lost."""


@contextmanager
def precision(bits: int) -> Iterator[None]:
    """Works with so many bits in the block."""
    before, _CTX.prec = _CTX.prec, bits
    _Spread.bits = _Spread.lost = 0
    try:
        yield
    finally:
        _CTX.prec = before


def spread_bits() -> int:
    """The bits that sums may have hidden in the block of `precision`."""
    return _Spread.bits + _Spread.lost


def lost_bits() -> int:
    """The most bits that one sum lost in the block of `precision`."""
    return _Spread.lost


def size(value: Any) -> int:
    """Bits before the point."""
    return max(0, int(_CTX.mag(value))) if value else 0


def _tiny() -> Any:
    return _CTX.ldexp(1, _GUARD_BITS - _CTX.prec)


def _constant(name: str) -> Any:
    if name == "i":
        return _CTX.mpc(0, 1)
    return +_CTX.pi if name == "pi" else +_CTX.e


_MAX_EXPONENT = 50_000


@lru_cache(maxsize=4096)
def numeric_point(name: str, index: int, flavour: str) -> Any:
    """The value of a symbol at the index-th point: `positive`, `secret`, `negative`, `complex` or `integer`.

    A secret point is positive too, and nobody can write an expression that is only right there.
    """
    if flavour == "secret":
        return _CTX.mpf(residue_point(name, index)) / PRIME * 3 + _CTX.mpf("0.21")
    # The others are not secret, so that verdicts near a branch cut do not change from process to process.
    digest = hashlib.blake2b(f"{flavour}{index}:{name}".encode(), digest_size=8).digest()
    parts = [int.from_bytes(half, "big") / 2**32 for half in (digest[:4], digest[4:])]
    if flavour == "integer":
        return _CTX.mpf(2 + int(parts[0] * 30))
    if flavour == "complex":
        return _CTX.mpc(_CTX.mpf(parts[0]) * 4 - 2, _CTX.mpf(parts[1]) * 4 - 2)
    return (_CTX.mpf(parts[0]) * 3 + _CTX.mpf("0.21")) * (-1 if flavour == "negative" else 1)


def numeric(node: Node, at: Mapping[str, Any]) -> Any:
    """The value to DIGITS digits. Raises NotHere, TooLarge or ZeroDivisionError."""
    match node:
        case Num(value):
            over = _CTX.mpf(value.numerator)
            return over if value.denominator == 1 else over / value.denominator
        case Sym(name):
            if name not in at:
                raise NotHere
            return at[name]
        case Const(name):
            if name not in _CONSTANTS:
                raise NotHere
            return _constant(name)
        case Neg(term):
            return -numeric(term, at)
        case Add(terms):
            values = [numeric(term, at) for term in terms]
            total = _CTX.fsum(values)
            sizes = [_CTX.mag(value) for value in values if value]
            if sizes:
                lost = max(sizes) - (_CTX.mag(total) if total else max(sizes) - _CTX.prec)
                _Spread.bits += int(max(sizes) - min(sizes))
                _Spread.lost = max(_Spread.lost, int(lost))
            # Relative from here on: what cancels to nothing is nothing.
            return _CTX.mpf(0) if abs(total) <= max(map(abs, values)) * _tiny() else total
        case Mul(factors):
            product = _CTX.mpf(1)
            for factor in factors:
                product *= numeric(factor, at)
            return _finite(product)
        case Frac(over, under) | Call("ratio", (over, under)):
            return _finite(numeric(over, at) / numeric(under, at))
        case Pow(base, exponent):
            value, degree = numeric(base, at), _odd_root(exponent)
            if degree and _CTX.im(value) == 0 and value < 0:
                # x^{2/3} is the square of the real cube root, as \\sqrt[3]{x}^2 is.
                value, exponent = -_power(-value, _CTX.mpf(1) / degree), Mul((exponent, Num(Fraction(degree))))
            return _power(value, numeric(exponent, at))
        case Percent(value):
            return numeric(value, at) / 100
        case Quantity(value, "degree"):
            return numeric(value, at) * _constant("pi") / 180
        case Quantity(value):
            return numeric(value, at)
        case Call(name, args):
            values = [numeric(argument, at) for argument in args]
            _Spread.bits += _hidden_by(name, values)
            return _call(name, values)
    raise NotHere


def _odd_root(exponent: Node) -> int | None:
    """The odd denominator, above 1, of a rational exponent."""
    try:
        under = rational(exponent).denominator
    except (NotHere, TooLarge, ZeroDivisionError):
        return None
    return under if 1 < under < 100 and under % 2 else None


def _hidden_by(name: str, values: list[Any]) -> int:
    """Bits that a function hides: cos of nearly nothing is nearly 1, and tanh of 60 too."""
    hidden = 0
    for value in values:
        size = _CTX.mag(value) if value else 0
        if size < -8:
            hidden += -3 * int(size)
        elif name in ("tanh", "coth") and size < 16:
            hidden += int(4 * abs(value))
    return hidden


def _finite(value: Any) -> Any:
    if not _CTX.isfinite(value):
        raise ZeroDivisionError
    if value and abs(_CTX.mag(value)) > 4 * _MAX_EXPONENT:
        raise TooLarge
    return value


def _power(base: Any, exponent: Any) -> Any:
    if base == 0:
        if _CTX.re(exponent) > 0:
            return _CTX.mpf(0)
        if exponent == 0:
            return _CTX.mpf(1)
        raise ZeroDivisionError
    if abs(exponent) * (abs(_CTX.mag(base)) + 5) > _MAX_EXPONENT:
        raise TooLarge
    return _finite(base**exponent)


def _snapped(value: Any, argument: Any) -> Any:
    """sin(pi) is 0, not 1e-51; sin of something tiny is that tiny thing."""
    if abs(argument) < 1e-6:
        return value
    if abs(value) < _tiny():
        return _CTX.mpf(0)
    if isinstance(value, _CTX.mpc):
        real = 0 if abs(value.real) < _tiny() * abs(value) else value.real
        imag = 0 if abs(value.imag) < _tiny() * abs(value) else value.imag
        return _CTX.mpc(real, imag) if imag else real
    return value


_UNARY = {
    "sin": "sin", "cos": "cos", "tan": "tan", "cot": "cot", "sec": "sec", "csc": "csc", "arcsin": "asin",
    "arccos": "acos", "arctan": "atan", "arccot": "acot", "arcsec": "asec", "arccsc": "acsc", "sinh": "sinh",
    "cosh": "cosh", "tanh": "tanh", "coth": "coth", "sech": "sech", "csch": "csch", "arsinh": "asinh",
    "arcosh": "acosh", "artanh": "atanh", "floor": "floor", "ceil": "ceil", "abs": "fabs", "sgn": "sign", "arg": "arg",
    "Re": "re", "Im": "im",
}  # fmt: skip
_STEPS = frozenset({"floor", "ceil"})
REAL_ONLY = frozenset({"abs", "floor", "ceil", "sgn"})


def _call(name: str, args: list[Any]) -> Any:
    if any(abs(_CTX.mag(value)) > 200 for value in args if value and name not in ("log", "root", "abs")):
        raise TooLarge
    match name, args:
        case "root", (value, degree):
            if degree == 0:
                raise ZeroDivisionError
            if degree == int(_CTX.re(degree)) and int(_CTX.re(degree)) % 2 and _CTX.im(value) == 0 and value < 0:
                return -_power(-value, 1 / degree)  # the real root, as people mean it
            return _snapped(_power(value, 1 / degree), 1)
        case "log", (value, base):
            if value == 0 or base in (0, 1):
                raise ZeroDivisionError
            return _snapped(_CTX.log(value) / _CTX.log(base), 1)
        case "factorial", (value,):
            if abs(value) > MAX_FACTORIAL:
                raise TooLarge
            return _finite(_CTX.factorial(value))
        case "binom", (n, k):
            if max(abs(n), abs(k)) > MAX_FACTORIAL:
                raise TooLarge
            return _finite(_CTX.binomial(n, k))
        case "gamma", (value,):
            if abs(value) > MAX_FACTORIAL:
                raise TooLarge
            return _finite(_CTX.gamma(value))
        case "max" | "min", values if values and all(_CTX.im(value) == 0 for value in values):
            return max(values) if name == "max" else min(values)
    if name not in _UNARY or len(args) != 1:
        raise NotHere
    value = args[0]
    if name in _STEPS and abs(value - _CTX.nint(_CTX.re(value))) < _tiny() * 100:
        return _CTX.nint(_CTX.re(value))
    return _snapped(_finite(getattr(_CTX, _UNARY[name])(value)), value)


def close(left: Any, right: Any, lost: int = 0) -> bool:
    """Equal to about 35 digits, relatively: there is no absolute tolerance."""
    return bool(abs(left - right) <= max(abs(left), abs(right)) * _tiny() * 2 ** (23 + lost))


def is_real(value: Any) -> bool:
    """Whether a value has no imaginary part, but for what rounding leaves."""
    return bool(abs(_CTX.im(value)) <= abs(value) * _tiny() * 2**23)


def shown(value: Any) -> str:
    """Fifteen digits of a numeric value."""
    return str(_CTX.nstr(value, 15))


def fraction(value: Any) -> Fraction | None:
    """A real numeric value as the binary fraction that it is; None for a complex one."""
    if _CTX.im(value) != 0:
        return None
    sign, mantissa, exponent, _ = _CTX.mpf(_CTX.re(value))._mpf_
    size = Fraction(int(mantissa)) * Fraction(2) ** int(exponent)
    return -size if sign else size
