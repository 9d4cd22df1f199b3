"""Numbers by a whole number: x = 7k + 3 for k in Z, x = 3 modulo 7, a quarter turn and k\\pi.

They are compared as sets of numbers: where the letter begins, what it is called and how the set is split say nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from reward_verifiers.answer.comparing.rationals import rational_or_none
from reward_verifiers.answer.reading.nodes import (
    ANY,
    Builder,
    Call,
    Conditioned,
    Const,
    Node,
    Num,
    Relation,
    Seq,
    Sym,
    put,
    symbols,
    walk,
)

WHOLE = frozenset("ijklmn")
_PLACES = (0, 1, -1, 2, 5, -13, 101, 1009)
"""Where an expression is a line, if it is one at all of them."""
_MOST = 720
"""Numbers of one common period: a set of more is not compared."""
_PI = Const("pi")


@dataclass(frozen=True, slots=True)
class _Progression:
    """step * k + start for every whole number k, in ones or in pi. step: not 0."""

    step: Fraction
    start: Fraction
    is_in_pi: bool


@dataclass(frozen=True, slots=True)
class _Numbers:
    """All numbers of these progressions. name: what they are the values of, where that stands there."""

    name: str | None
    parts: tuple[_Progression, ...]


def same_numbers(gold: Node, answer: Node) -> bool:
    """Whether both say which numbers, for a letter of which the reference says that it is a whole number."""
    if not isinstance(gold, Seq | Conditioned | Builder | Call):
        return False
    ours = _numbers(gold, needs_condition=True)
    theirs = _numbers(answer, needs_condition=False) if ours else None
    if ours is None or theirs is None or (ours.name and theirs.name and ours.name != theirs.name):
        return False
    parts = (*ours.parts, *theirs.parts)
    if len({part.is_in_pi for part in parts}) > 1:
        return False
    scale = math.lcm(*(value.denominator for part in parts for value in (part.step, part.start)))
    scaled = [(abs(int(part.step * scale)), int(part.start * scale)) for part in parts]
    period = math.lcm(*(step for step, _ in scaled))
    if sum(period // step for step, _ in scaled) > _MOST:
        return False
    count = len(ours.parts)
    return _residues(scaled[:count], period) == _residues(scaled[count:], period)


def _residues(scaled: Iterable[tuple[int, int]], period: int) -> set[int]:
    """Of (step, start) pairs."""
    return {number % period for step, start in scaled for number in range(start, start + period, step)}


def _numbers(node: Node, *, needs_condition: bool) -> _Numbers | None:
    """needs_condition: it must stand there that the letter is a whole number."""
    match node:
        case Call("congruent", (left, rest, modulus)) if left == ANY or isinstance(left, Sym):
            start, step = rational_or_none(rest), rational_or_none(modulus)
            if start is None or not step:
                return None
            name = left.name if isinstance(left, Sym) else None
            return _Numbers(name, (_Progression(step, start, False),))
        case Builder(element, conditions) | Conditioned(element, conditions):
            terms = element.items if isinstance(element, Seq) and not element.open else (element,)
        case Seq(items, ""):
            terms = tuple(item for item in items if not _is_in(item))
            conditions = tuple(item for item in items if _is_in(item))
        case _:
            terms, conditions = (node,), ()
    letter = _letter(terms, conditions, needs_condition=needs_condition)
    return _by_letter(terms, letter) if letter else None


def _is_in(node: Node) -> bool:
    return isinstance(node, Relation) and node.ops == ("in",)


def _letter(terms: Sequence[Node], conditions: Sequence[Node], *, needs_condition: bool) -> str | None:
    """What stands for the whole number."""
    match conditions:
        case (Relation(("in",), (Sym(name), Const("Z"))),):
            return name
        case () if not needs_condition:
            names = frozenset().union(*(symbols(_value(term)) for term in terms))
            return next(iter(names)) if len(names) == 1 and names <= WHOLE else None
    return None


def _value(term: Node) -> Node:
    match term:
        case Relation(("=",), (Sym(), value)):
            return value
    return term


def _by_letter(terms: Sequence[Node], letter: str) -> _Numbers | None:
    names: set[str | None] = set()
    parts: list[_Progression] = []
    for term in terms:
        value = _value(term)
        names.add(None if value is term else term.sides[0].name)  # type: ignore[attr-defined]
        part = _progression(value, letter)
        if part is None:
            return None
        parts.append(part)
    name, *others = names
    return None if others or name == letter else _Numbers(name, tuple(parts))


def _progression(value: Node, letter: str) -> _Progression | None:
    line = linear(value, letter)
    if line:
        return _Progression(*line, False) if line[0] else None
    if _PI not in walk(value):
        return None
    once, twice = (linear(put(value, {_PI: Num(Fraction(pi))}), letter) for pi in (1, 2))
    if not once or not twice or not once[0] or (2 * once[0], 2 * once[1]) != twice:
        return None
    return _Progression(*once, True)


def linear(node: Node, name: str) -> tuple[Fraction, Fraction] | None:
    """(a, b) of a k + b."""
    zero, one, *others = (rational_or_none(put(node, {Sym(name): Num(Fraction(k))})) for k in _PLACES)
    if zero is None or one is None:
        return None
    step = one - zero
    line = all(value == zero + step * k for k, value in zip(_PLACES[2:], others, strict=True))
    return (step, zero) if line else None
