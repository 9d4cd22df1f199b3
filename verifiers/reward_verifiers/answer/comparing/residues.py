"""Exact identity testing: rational functions modulo 2^61 - 1, at secret points."""

from __future__ import annotations

import hashlib
import secrets
from functools import lru_cache

from reward_verifiers.answer.comparing.rationals import MAX_DETERMINANT, NotHere, rational
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
