"""Sets by a condition, piecewise functions, congruences."""

from __future__ import annotations

from fractions import Fraction

from reward_verifiers.answer.comparing.equations import MIRROR
from reward_verifiers.answer.comparing.items import Compare, ordered, unordered
from reward_verifiers.answer.comparing.progressions import linear
from reward_verifiers.answer.comparing.rationals import rational_or_none
from reward_verifiers.answer.judged import UNKNOWN, Outcome, different
from reward_verifiers.answer.options import AnswerOptions
from reward_verifiers.answer.reading.nodes import (
    ANY,
    Builder,
    Call,
    Cases,
    Const,
    Neg,
    Node,
    Num,
    Relation,
    Seq,
    Sym,
    Text,
    renamed,
    symbols,
)


def builders(gold: Node, answer: Node, options: AnswerOptions, compare: Compare, same_kind: Compare) -> Outcome:
    """{2k : k in Z}: the same element under the same conditions, whatever the letter is called."""
    gold, answer = _as_builder(gold), _as_builder(answer)
    if not isinstance(gold, Builder) or not isinstance(answer, Builder):
        return UNKNOWN
    ours, theirs = sorted(_letters_of(gold)), sorted(_letters_of(answer))
    if len(ours) != len(theirs):
        return different("another number of letters")
    other = renamed(answer, dict(zip(theirs, ours, strict=True)))
    if not isinstance(other, Builder):
        return UNKNOWN
    conditions = unordered(compare, gold.conditions, other.conditions, options)
    if not conditions.equal:
        return conditions
    return same_kind(gold.element, other.element, options)


def _as_builder(node: Node) -> Node:
    """n >= 3, n \\in Z is the set of such n."""
    match node:
        case Builder(Relation(("in",), (Sym() as letter, _)) as first, conditions):
            return _with_closed_bounds(Builder(letter, (first, *conditions)))
        case Builder():
            return _with_closed_bounds(node)
        case Seq(items, "") if is_of_whole_numbers(node):
            return _with_closed_bounds(Builder(Sym(next(iter(symbols(node)))), items))
    return node


def is_of_whole_numbers(node: Node) -> bool:
    """n >= 3, n \\in Z: conditions on one letter, which names a whole number."""
    return (
        isinstance(node, Seq)
        and len(node.items) > 1
        and len(symbols(node)) == 1
        and all(isinstance(item, Relation) for item in node.items)
        and any(_is_whole(item) for item in node.items)
    )


def _is_whole(node: Node) -> bool:
    match node:
        case Relation(("in",), (Sym(), Const(name))):
            return name[0] in "ZN"
    return False


def _with_closed_bounds(builder: Builder) -> Builder:
    """n > 2 is n >= 3 for a whole number n."""
    if not any(map(_is_whole, builder.conditions)):
        return builder
    return Builder(builder.element, tuple(_closed(condition) for condition in builder.conditions))


def _closed(condition: Node) -> Node:
    match condition:
        case Relation((("<" | ">") as op,), (Sym() as letter, bound)):
            value = rational_or_none(bound)
            if value is not None and value.denominator == 1:
                return Relation((op + "=",), (letter, _number(value + (1 if op == ">" else -1))))
        case Relation((("<" | ">" | "<=" | ">=") as op,), (bound, Sym() as letter)) if not symbols(bound):
            return _closed(Relation((MIRROR[op],), (letter, bound)))
    return condition


def _letters_of(builder: Builder) -> frozenset[str]:
    return frozenset().union(*(symbols(condition) for condition in builder.conditions))


def cases(gold: Node, answer: Node, options: AnswerOptions, compare: Compare) -> Outcome:
    """The same values under the same conditions, in any order."""
    if not isinstance(gold, Cases) or not isinstance(answer, Cases):
        return different("one is piecewise, the other is not")
    if len(gold.values) != len(answer.values):
        return different("another number of pieces")
    left = list(zip(answer.values, answer.conditions, strict=True))
    for value, condition in zip(gold.values, gold.conditions, strict=True):
        match = next(
            (
                piece
                for piece in left
                if compare(value, piece[0], options).equal and _same_condition(condition, piece[1], options, compare)
            ),
            None,
        )
        if match is None:
            return different("a piece differs")
        left.remove(match)
    return Outcome(True, "the same pieces")


def _same_condition(gold: Node, answer: Node, options: AnswerOptions, compare: Compare) -> bool:
    return _OTHERWISE in (gold, answer) or bool(compare(gold, answer, options).equal)


_OTHERWISE = Text("otherwise")


def is_congruence(node: Node) -> bool:
    """Whether it is x = a modulo n."""
    return isinstance(node, Call) and node.name == "congruent"


def as_congruence(node: Node) -> Node:
    """x = 7k + 3 says that x is 3 modulo 7."""
    match node:
        case Relation(("=",), (Sym() as left, right)) if len(symbols(right)) == 1:
            line = linear(right, next(iter(symbols(right))))
            if line and line[0] and line[0].denominator == line[1].denominator == 1:
                return Call("congruent", (left, _number(line[1]), _number(abs(line[0]))))
    return node


def _number(value: Fraction) -> Node:
    return Num(value) if value >= 0 else Neg(Num(-value))


def congruences(gold: Node, answer: Node, options: AnswerOptions, compare: Compare) -> Outcome:
    if not is_congruence(gold) or not is_congruence(answer):
        return different("one is a congruence, the other is not")
    (left, rest, modulus), (other_left, other_rest, other_modulus) = gold.args, answer.args  # type: ignore[attr-defined]
    values = [rational_or_none(node) for node in (rest, modulus, other_rest, other_modulus)]
    if None in values or not values[1]:
        return ordered(compare, (left, rest, modulus), (other_left, other_rest, other_modulus), options)
    a, n, b, m = values
    same_left = ANY in (left, other_left) or compare(left, other_left, options).equal
    same = same_left and abs(n) == abs(m) and ((a - b) / n).denominator == 1  # type: ignore[arg-type,operator]
    return Outcome(bool(same), "the same congruence" if same else "another congruence")
