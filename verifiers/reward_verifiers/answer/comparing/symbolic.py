"""The second stage: sympy works out integrals, sums, limits. Slow, unbounded,
only ever run in a worker that can be killed.

It is handed trees of our own reader, never text: what we have not read whole, sympy does not see.

    equal(gold, answer)     True, False, or None when sympy cannot tell
"""

from __future__ import annotations

import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from reward_verifiers.address_space import mapped_bytes
from reward_verifiers.answer.reading.nodes import (
    Add,
    Big,
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

MEMORY_BYTES = 160 << 20
"""Address space that one comparison may take."""
MAX_CACHED = 2_000
"""Comparisons after which sympy's caches are emptied."""
_SAME_NAME = frozenset("sin cos tan cot sec csc sinh cosh tanh coth sech csch gamma factorial sign arg".split())
_NAMES = {
    "arcsin": "asin", "arccos": "acos", "arctan": "atan", "arccot": "acot", "arcsec": "asec", "arccsc": "acsc",
    "arsinh": "asinh",
    "arcosh": "acosh", "artanh": "atanh", "abs": "Abs", "ceil": "ceiling", "floor": "floor", "binom": "binomial",
    "gcd": "gcd",
    "lcm": "lcm", "max": "Max", "min": "Min", "mod": "Mod", "sgn": "sign",
}  # fmt: skip


class NotSymbolic(ValueError):
    """The tree holds what sympy is not given."""


@contextmanager
def _bounded_memory() -> Iterator[None]:
    """Raises MemoryError in the block once it asks for more than MEMORY_BYTES."""
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    limit = mapped_bytes() + MEMORY_BYTES
    if soft != resource.RLIM_INFINITY:
        limit = min(limit, soft)
    resource.setrlimit(resource.RLIMIT_AS, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


class _Count:
    comparisons = 0


def equal(gold: Node, answer: Node) -> bool | None:
    """Whether sympy holds the two for equal; None when it cannot tell."""
    from sympy.core.cache import clear_cache

    _Count.comparisons += 1
    if _Count.comparisons % MAX_CACHED == 0:
        clear_cache()
    try:
        with _bounded_memory():
            return _equal(expression(gold), expression(answer))
    except MemoryError:
        raise
    except Exception:  # of sympy's own making: it cannot tell
        return None


def _equal(gold: Any, answer: Any) -> bool | None:
    import sympy

    if isinstance(gold, sympy.MatrixBase) or isinstance(answer, sympy.MatrixBase):
        return None
    left, right = gold.doit(), answer.doit()
    if left == right:
        return True
    if any(side.has(sympy.oo, sympy.zoo, sympy.nan) for side in (left, right)):
        return False
    if any(side.has(sympy.Integral, sympy.Sum, sympy.Product, sympy.Limit) for side in (left, right)):
        return sympy.simplify(left - right) == 0 or None
    difference = sympy.simplify(left - right)
    if difference == 0:
        return True
    if not difference.free_symbols:
        verdict = difference.equals(0)
        return None if verdict is None else bool(verdict)
    return False


def expression(node: Node) -> Any:
    """A tree as sympy's. Raises NotSymbolic."""
    import sympy

    match node:
        case Num(value):
            return sympy.Rational(value.numerator, value.denominator)
        case Sym(name):
            return sympy.Symbol(name)
        case Const(name) if name in _CONSTANTS:
            return getattr(sympy, _CONSTANTS[name])
        case Neg(term):
            return -expression(term)
        case Add(terms):
            return sympy.Add(*map(expression, terms))
        case Mul(factors):
            return sympy.Mul(*map(expression, factors))
        case Frac(over, under) | Call("ratio", (over, under)):
            return expression(over) / expression(under)
        case Pow(base, exponent):
            return sympy.Pow(expression(base), expression(exponent))
        case Percent(value):
            return expression(value) / 100
        case Quantity(value, "degree"):
            return expression(value) * sympy.pi / 180
        case Call("root", (inner, degree)):
            return sympy.Pow(expression(inner), 1 / expression(degree))
        case Call("log", (inner, base)):
            return sympy.log(expression(inner)) / sympy.log(expression(base))
        case Call("det", (Matrix(rows),)):
            return sympy.Matrix([[expression(cell) for cell in row] for row in rows]).det()
        case Call(name, args):
            return _call(name)(*map(expression, args))
        case Big():
            return _big(node)
    raise NotSymbolic(type(node).__name__)


_CONSTANTS = {"pi": "pi", "e": "E", "i": "I", "inf": "oo"}


def _call(name: str) -> Callable[..., Any]:
    import sympy

    if name.endswith("()"):
        function_class: Callable[..., Any] = sympy.Function(name[:-2])
        return function_class
    sympy_name = name if name in _SAME_NAME else _NAMES.get(name)
    if sympy_name is None:
        raise NotSymbolic(name)
    function: Callable[..., Any] = getattr(sympy, sympy_name)
    return function


def _big(node: Big) -> Any:
    import sympy

    variable, body = sympy.Symbol(node.variable), expression(node.body)
    bounds = [expression(bound) for bound in node.bounds]
    if node.name == "lim":
        return sympy.Limit(body, variable, bounds[0], node.side or ("-" if bounds[0] == sympy.oo else "+-"))
    if node.name == "int":
        return sympy.Integral(body, (variable, *bounds) if bounds else variable)
    return (sympy.Sum if node.name == "sum" else sympy.Product)(body, (variable, *bounds))
