"""Equations and inequalities: the same up to a constant factor, or once denominators are cleared."""

from __future__ import annotations

from reward_verifiers.answer.comparing import residues
from reward_verifiers.answer.comparing.items import Compare, ordered
from reward_verifiers.answer.comparing.rationals import NotHere, TooLarge
from reward_verifiers.answer.comparing.residues import numerator, residue
from reward_verifiers.answer.judged import Outcome, different
from reward_verifiers.answer.options import AnswerOptions
from reward_verifiers.answer.reading.nodes import Add, Neg, Node, Relation, symbols

_ALGEBRAIC = frozenset({"=", "!=", "==", "<", ">", "<=", ">="})
_SYMMETRIC = frozenset({"perp", "parallel"})
MIRROR = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "=": "=", "!=": "!=", "==": "==", "->": "->"}


def equations(gold: Relation, answer: Relation, options: AnswerOptions, compare: Compare) -> Outcome:
    """Equal when left minus right agree up to a constant factor (a positive one for inequalities)."""
    if len(gold.ops) != 1 or len(answer.ops) != 1:
        if gold.ops == answer.ops:
            return ordered(compare, gold.sides, answer.sides, options)
        mirrored = tuple(MIRROR.get(op, op) for op in reversed(answer.ops))
        if gold.ops != mirrored:
            return different("other relations")
        return ordered(compare, gold.sides, answer.sides[::-1], options)
    op, other = gold.ops[0], answer.ops[0]
    sides = answer.sides
    if not {op, other} <= _ALGEBRAIC:
        if op != other:
            return different("another relation")
        return _either_way(gold, sides, options, compare, is_symmetric=op in _SYMMETRIC)
    if other != op:
        if MIRROR.get(other) != op:
            return different("another relation")
        sides = sides[::-1]
    if symbols(gold) != symbols(answer):
        return different("other unknowns")
    left = Add((gold.sides[0], Neg(gold.sides[1])))
    right = Add((sides[0], Neg(sides[1])))
    try:
        ratios = {_ratio(left, right, index) for index in range(3)}
    except (NotHere, TooLarge):
        return _either_way(gold, sides, options, compare, is_symmetric=op == "=")
    except ZeroDivisionError:
        return different("an equation that always holds")
    if len(ratios) != 1 or 0 in ratios:
        return _cleared(left, right) if op == "=" else different("different equations")
    if op in ("=", "!=", "==") or _small_positive(ratios.pop()):
        return Outcome(True, "the same equation up to a constant factor")
    return different("different equations")


def _either_way(
    gold: Relation, sides: tuple[Node, ...], options: AnswerOptions, compare: Compare, *, is_symmetric: bool
) -> Outcome:
    there = ordered(compare, gold.sides, sides, options)
    return ordered(compare, gold.sides, sides[::-1], options) if is_symmetric and there.equal is not True else there


def _cleared(left: Node, right: Node) -> Outcome:
    """xy = 6 is y = 6/x: the same once denominators are cleared."""
    try:
        ratios = {numerator(left, k) * residues.inverse(numerator(right, k)) % residues.PRIME for k in range(3)}
    except (NotHere, TooLarge, ZeroDivisionError):
        return different("different equations")
    if len(ratios) == 1 and 0 not in ratios:
        return Outcome(True, "the same equation without its denominators")
    return different("different equations")


def _ratio(left: Node, right: Node, index: int) -> int:
    return residue(left, index) * residues.inverse(residue(right, index)) % residues.PRIME


def _small_positive(ratio: int) -> bool:
    """Whether a residue is a positive fraction of small integers."""
    return any(0 < ratio * under % residues.PRIME < 10**6 for under in range(1, 1000))
