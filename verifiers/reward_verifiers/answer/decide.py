"""Are two answers the same? Equal, different, or not known; with the rule that decided.

compare(gold, answer)
  named      x = 5 is 5; x = 1, y = 2 is (1, 2)
  forms      is it worked out, in the form asked for?
  relations  2x - y = 1 is y = 2x - 1; x > 3 is (3, \\infty)
  sequences  tuples in order, sets and bare lists in any
  scalars    exact rationals, then residues modulo a prime, then many digits
"""

from __future__ import annotations

from collections.abc import Sequence

from reward_verifiers.answer import evaluate, forms, named
from reward_verifiers.answer.evaluate import NotHere, TooLarge, rational_or_none, residue
from reward_verifiers.answer.judged import UNKNOWN, Outcome, different
from reward_verifiers.answer.nodes import (
    Add,
    Based,
    Const,
    Matrix,
    Neg,
    Node,
    Num,
    Relation,
    Seq,
    Sym,
    Text,
    Unevaluated,
    Union,
    symbols,
)
from reward_verifiers.answer.options import AnswerOptions
from reward_verifiers.answer.regions import region
from reward_verifiers.answer.regions import same as same_region
from reward_verifiers.answer.scalars import scalars

MAX_UNORDERED = 64
_ANY_FORM = AnswerOptions(form="any")


def compare(gold: Node, answer: Node, options: AnswerOptions) -> Outcome:
    """Whether `answer` is the same answer as `gold`."""
    gold, answer = named.same_parameter(gold, answer)
    gold, answer = named.settled(gold, named.is_bare(answer)), named.settled(answer, named.is_bare(gold))
    if gold == answer:
        return Outcome(True, "the same expression")
    left, right = named.unlabelled(gold, answer, _same_value)
    if left is None or right is None:
        return different("the sides of the equation differ")
    if objection := forms.objection(left, right, options.form):
        return different(objection)
    return _same_kind(left, right, options)


def _same_value(left: Node, right: Node) -> bool:
    return bool(_same_kind(left, right, _ANY_FORM).equal)


def _same_kind(gold: Node, answer: Node, options: AnswerOptions) -> Outcome:
    if gold == answer:
        return Outcome(True, "the same expression")
    if type(gold) is Unevaluated or type(answer) is Unevaluated:
        return UNKNOWN
    if isinstance(gold, Text) or isinstance(answer, Text):
        return _texts(gold, answer)
    if isinstance(gold, Based) or isinstance(answer, Based):
        return _based(gold, answer, options)
    if isinstance(gold, Matrix) or isinstance(answer, Matrix):
        return _matrices(gold, answer, options)
    if isinstance(gold, Relation | Union) or isinstance(answer, Relation | Union) or Const("R") in (gold, answer):
        return _relations(gold, answer, options)
    if isinstance(gold, Seq) or isinstance(answer, Seq):
        return _sequences(gold, answer, options)
    return scalars(gold, answer, options)


def _relations(gold: Node, answer: Node, options: AnswerOptions) -> Outcome:
    left, right = region(gold), region(answer)
    if left is not None and right is not None:
        same = same_region(left, right)
        return Outcome(same, "the same set of numbers" if same else "different sets of numbers")
    if isinstance(gold, Relation) and isinstance(answer, Relation):
        return _equations(gold, answer, options)
    if isinstance(gold, Union) and isinstance(answer, Union) and gold.minus is None and answer.minus is None:
        return _unordered(gold.parts, answer.parts, options)
    if isinstance(gold, Seq) and isinstance(answer, Seq):
        return _sequences(gold, answer, options)
    return different("one is a condition, the other is not")


_MIRROR = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "=": "=", "!=": "!=", "==": "==", "->": "->"}


def _equations(gold: Relation, answer: Relation, options: AnswerOptions) -> Outcome:
    """Equal when left minus right agree up to a constant factor (a positive one for inequalities)."""
    if len(gold.ops) != 1 or len(answer.ops) != 1:
        if gold.ops == answer.ops:
            return _ordered(gold.sides, answer.sides, options)
        mirrored = tuple(_MIRROR.get(op, op) for op in reversed(answer.ops))
        return (
            _ordered(gold.sides, answer.sides[::-1], options) if gold.ops == mirrored else different("other relations")
        )
    op, other = gold.ops[0], answer.ops[0]
    sides = answer.sides
    if other != op:
        if _MIRROR.get(other) != op:
            return different("another relation")
        sides = sides[::-1]
    if symbols(gold) != symbols(answer):
        return different("other unknowns")
    left = Add((gold.sides[0], Neg(gold.sides[1])))
    right = Add((sides[0], Neg(sides[1])))
    try:
        ratios = {_ratio(left, right, index) for index in range(3)}
    except (NotHere, TooLarge):
        return _ordered(gold.sides, sides, options)
    except ZeroDivisionError:
        return different("an equation that always holds")
    if len(ratios) != 1 or 0 in ratios:
        return different("different equations")
    if op in ("=", "!=", "==") or _small_positive(ratios.pop()):
        return Outcome(True, "the same equation up to a constant factor")
    return different("different equations")


def _ratio(left: Node, right: Node, index: int) -> int:
    return residue(left, index) * evaluate.inverse(residue(right, index)) % evaluate.PRIME


def _small_positive(ratio: int) -> bool:
    """Whether a residue is a positive fraction of small integers."""
    return any(0 < ratio * under % evaluate.PRIME < 10**6 for under in range(1, 1000))


# --- lists, tuples, sets, matrices ------------------------------------------------------------------------------------


def _sequences(gold: Node, answer: Node, options: AnswerOptions) -> Outcome:
    if not isinstance(gold, Seq) or not isinstance(answer, Seq):
        # {5} and 5 are the same answer; (5) was read as 5 already.
        if isinstance(gold, Seq) and len(gold.items) == 1:
            return _same_kind(gold.items[0], answer, options)
        if isinstance(answer, Seq) and len(answer.items) == 1:
            return _same_kind(gold, answer.items[0], options)
        return different("one answer against several")
    if options.order != "any" and "{" in (gold.open, answer.open) and _is_tuple(gold if gold.open != "{" else answer):
        return different("a set is not a tuple")
    brackets = (gold.open, gold.close) == (answer.open, answer.close)
    if _is_tuple(gold) and _is_tuple(answer) and not brackets and len(gold.items) == 2:
        return different("other brackets: an end point is in the one and not in the other")
    ordered = options.order == "strict" or (options.order == "auto" and (_is_tuple(gold) or _is_tuple(answer)))
    if ordered:
        return _ordered(gold.items, answer.items, options)
    # {1, 1, 2} is {1, 2}; in a bare list a repetition counts only when the reference has one.
    wanted = _distinct(gold.items)
    if "{" not in (gold.open, answer.open) and len(wanted) < len(gold.items):
        return _unordered(gold.items, answer.items, options)
    return _unordered(wanted, _distinct(answer.items), options)


def _is_tuple(node: Seq) -> bool:
    return node.open in ("(", "[")


def _distinct(items: Sequence[Node]) -> tuple[Node, ...]:
    return tuple(dict.fromkeys(items))


def _ordered(gold: Sequence[Node], answer: Sequence[Node], options: AnswerOptions) -> Outcome:
    if len(gold) != len(answer):
        return different("another number of items")
    unknown = False
    for left, right in zip(gold, answer, strict=True):
        outcome = compare(left, right, options)
        if outcome.equal is False:
            return different(f"an item differs: {outcome.rule}")
        unknown |= outcome.equal is None
    return UNKNOWN if unknown else Outcome(True, "the same items in the same order")


def _unordered(gold: Sequence[Node], answer: Sequence[Node], options: AnswerOptions) -> Outcome:
    if len(gold) != len(answer):
        return different("another number of items")
    if len(gold) > MAX_UNORDERED:
        keys = [sorted(map(rational_or_none, items), key=repr) for items in (gold, answer)]
        if None in keys[0] or None in keys[1]:
            return UNKNOWN
        return Outcome(keys[0] == keys[1], "the same items" if keys[0] == keys[1] else "other items")
    left, unknown = list(answer), False
    for item in gold:
        for position, other in enumerate(left):
            equal = compare(item, other, options).equal
            if equal:
                del left[position]
                break
            unknown |= equal is None
        else:
            return UNKNOWN if unknown else different("an item is missing")
    return Outcome(True, "the same items in any order")


def _matrices(gold: Node, answer: Node, options: AnswerOptions) -> Outcome:
    if isinstance(gold, Matrix) and isinstance(answer, Matrix):
        shape, other = [len(row) for row in gold.rows], [len(row) for row in answer.rows]
        if shape != other:
            return different("another shape")
        return _ordered([x for row in gold.rows for x in row], [x for row in answer.rows for x in row], options)
    matrix, rest = (gold, answer) if isinstance(gold, Matrix) else (answer, gold)
    if (
        isinstance(matrix, Matrix)
        and isinstance(rest, Seq)
        and rest.open in ("(", "[")
        and 1
        in (
            len(matrix.rows),
            len(matrix.rows[0]),
        )
    ):
        cells = [x for row in matrix.rows for x in row]
        return _ordered(cells, rest.items, options) if matrix is gold else _ordered(rest.items, cells, options)
    return different("one is a matrix, the other is not")


# --- words and bases --------------------------------------------------------------------------------------------------


def _texts(gold: Node, answer: Node) -> Outcome:
    if isinstance(gold, Text) and isinstance(answer, Text):
        return Outcome(gold.words == answer.words, "the same words" if gold.words == answer.words else "other words")
    if isinstance(gold, Text) and isinstance(answer, Sym):
        return Outcome(gold.words == answer.name.casefold(), "the same word")
    return different("words against maths")


def _based(gold: Node, answer: Node, options: AnswerOptions) -> Outcome:
    if options.base == "value":
        values = [int(n.digits, n.base) if isinstance(n, Based) else rational_or_none(n) for n in (gold, answer)]
        return Outcome(values[0] == values[1], "values of numbers in bases")
    if isinstance(gold, Based) and isinstance(answer, Based):
        return Outcome(gold == answer, "digits and base")
    based, other = (gold, answer) if isinstance(gold, Based) else (answer, gold)
    if isinstance(based, Based) and based.base == 10:
        same = rational_or_none(other) == int(based.digits)
        return Outcome(same, "a number in base ten" if same else "different numbers")
    if based is answer:
        if isinstance(answer, Based) and options.base == answer.base:
            return Outcome(rational_or_none(other) == int(answer.digits), "digits in the base of the domain")
        return different("another base")
    if isinstance(other, Num) and isinstance(based, Based):
        same = other.places is None and str(other.value) == based.digits
        return Outcome(same, "the digits in the base of the reference" if same else "other digits, or another base")
    return different("one is in a base, the other is not")
