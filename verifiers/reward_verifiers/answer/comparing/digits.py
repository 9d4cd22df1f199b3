"""The value of every other expression, to many digits, complex."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from fractions import Fraction
from functools import lru_cache
from typing import Any

from mpmath.ctx_mp import MPContext

from reward_verifiers.answer.comparing.rationals import MAX_FACTORIAL, NotHere, TooLarge, rational
from reward_verifiers.answer.comparing.residues import PRIME, residue_point
from reward_verifiers.answer.reading.nodes import (
    Add,
    Call,
    Const,
    Frac,
    Mul,
    Neg,
    Node,
    Num,
    Percent,
    Pow,
    Quantity,
    Sym,
)

DIGITS = 50
"""Working precision of `numeric` at first; what agrees to about 35 digits is looked at with more."""
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
