"""In which form an answer must stand: worked out, in lowest terms, factored, expanded."""

from __future__ import annotations

from fractions import Fraction
from math import gcd

from reward_verifiers.answer.comparing.rationals import NotHere, TooLarge, rational
from reward_verifiers.answer.judged import NOT_WORKED_OUT
from reward_verifiers.answer.reading.nodes import (
    Add,
    Big,
    Call,
    Frac,
    Mul,
    Neg,
    Node,
    Num,
    Pow,
    Relation,
    Seq,
    Sym,
    Union,
    children,
    symbols,
    walk,
)

_OPEN_CALLS = frozenset({"factorial", "binom", "gcd", "lcm", "max", "min", "mod", "det", "gamma"})


def _is_rational(node: Node) -> bool:
    try:
        rational(node)
    except TooLarge:
        return True
    except (NotHere, ZeroDivisionError):
        return False
    return True


def _scientific(factors: tuple[Node, ...]) -> bool:
    """1.6 \\times 10^{-19} is a number as people write numbers."""
    match factors:
        case (Num() | Neg(Num()), Pow(Num(base), Num() | Neg(Num()))):
            return base == 10
    return False


def _sum_to_do(node: Node) -> bool:
    """Whether an arithmetic step between rational numbers is left standing in `node` itself."""
    match node:
        case Add(terms):
            return sum(map(_is_rational, terms)) > 1
        case Mul(factors):
            return sum(map(_is_rational, factors)) > 1 and not _scientific(factors)
        case Pow(base, exponent):
            return _is_rational(base) and _is_rational(exponent) and base != Num(Fraction(10))
        case Call(name, args):
            return name in _OPEN_CALLS and all(map(_is_rational, args))
        case Frac(Frac(), _) | Frac(_, Frac()):
            return False
    return False


def unevaluated(node: Node) -> bool:
    """Whether something is left to work out.

    Integrals, sums, limits, determinants always; sums, products, powers and factorials of rational numbers where the
    whole is a rational number, so that 1 + \\sqrt 2 and 6\\cdot\\sqrt 2 stay answers.
    """
    inside = walk(node)
    kinds = set(map(type, inside))
    if Big in kinds or (Call in kinds and any(isinstance(inner, Call) and inner.name == "det" for inner in inside)):
        return True
    if isinstance(node, Seq | Union):
        return any(map(unevaluated, children(node)))
    if len(inside) == 1 or Sym in kinds or Relation in kinds:
        return False
    return any(map(_sum_to_do, inside)) and _is_rational(node)


def reduced(node: Node) -> bool:
    """Fractions of integers in lowest terms, nothing left to work out."""
    if unevaluated(node):
        return False
    for inner in walk(node):
        match inner:
            case Frac(Num(over) | Neg(Num(over)), Num(under) | Neg(Num(under))):
                whole = over.denominator == under.denominator == 1
                if not whole or gcd(over.numerator, under.numerator) != 1 or under == 1:
                    return False
    return True


def factors(node: Node) -> int:
    """How many factors that are not constants stand at the top, powers counted."""
    match node:
        case Neg(term):
            return factors(term)
        case Mul(parts):
            return sum(map(factors, parts))
        case Frac(over, under):
            return factors(over) + factors(under)
        case Pow(base, Num(exponent)) if exponent.denominator == 1 and exponent > 0:
            return factors(base) * min(exponent.numerator, 1000)
    return 1 if symbols(node) else 0


def expanded(node: Node) -> bool:
    """No product or power of a sum."""
    for inner in walk(node):
        match inner:
            case Mul(parts):
                if any(isinstance(part, Add) for part in parts):
                    return False
            case Pow(Add(), Num(exponent)) if exponent > 1:
                return False
    return True


def objection(gold: Node, answer: Node, form: str) -> str | None:
    """Why `answer` does not stand in the form asked for; None when it does. The gold's own form is always allowed."""
    if form == "any" or gold == answer:
        return None
    if form == "reduced" and not reduced(answer):
        return "not in lowest terms"
    if form == "factored" and factors(answer) < factors(gold):
        return "not factored"
    if form == "expanded" and not expanded(answer):
        return "not expanded"
    if form == "evaluated" and unevaluated(answer) and not unevaluated(gold):
        return NOT_WORKED_OUT
    return None
