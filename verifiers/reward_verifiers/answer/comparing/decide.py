"""Are two answers the same? Equal, different, or not known; with the rule that decided.

compare(gold, answer)
  named      x = 5 is 5; x = 1, y = 2 is (1, 2)
  forms      is it worked out, in the form asked for?
  relations  2x - y = 1 is y = 2x - 1; x > 3 is (3, \\infty)
  sequences  tuples in order, sets and bare lists in any
  scalars    exact rationals, then residues modulo a prime, then many digits
"""

from __future__ import annotations

import re
from fractions import Fraction
from itertools import pairwise

from reward_verifiers.answer.comparing import as_written, forms, named, vectors
from reward_verifiers.answer.comparing.equations import equations
from reward_verifiers.answer.comparing.families import (
    as_congruence,
    builders,
    cases,
    congruences,
    is_congruence,
    is_of_whole_numbers,
)
from reward_verifiers.answer.comparing.items import distinct, ordered, unordered
from reward_verifiers.answer.comparing.progressions import WHOLE, same_numbers
from reward_verifiers.answer.comparing.rationals import rational_or_none
from reward_verifiers.answer.comparing.regions import is_solved, region
from reward_verifiers.answer.comparing.regions import same as same_region
from reward_verifiers.answer.comparing.scalars import rounds, scalars
from reward_verifiers.answer.judged import Outcome, different
from reward_verifiers.answer.options import AnswerOptions
from reward_verifiers.answer.reading.nodes import (
    BOUND,
    Add,
    Based,
    Big,
    Builder,
    Call,
    Cases,
    Conditioned,
    Const,
    Frac,
    Letters,
    Matrix,
    Mul,
    Neg,
    Node,
    Num,
    Pow,
    Quantity,
    Relation,
    Seq,
    Sym,
    Text,
    Time,
    Union,
    renamed,
    symbols,
)

_POINT = re.compile(r"[A-Z]\(\)")
_ANY_FORM = AnswerOptions(form="any")


def compare(gold: Node, answer: Node, options: AnswerOptions) -> Outcome:
    """Whether `answer` is the same answer as `gold`."""
    if _is_number(gold) and _is_number(answer):  # neither a name nor a form to look at
        return Outcome(True, "the same expression") if gold == answer else scalars(gold, answer, options)
    if _is_arithmetic(gold) and _is_arithmetic(answer):  # no name
        objection = forms.objection(gold, answer, options.form)
        return different(objection) if objection else _same_kind(gold, answer, options)
    if contradicts(answer) and not contradicts(gold):
        return different("the answer contradicts itself")
    if same_numbers(gold, answer):
        return Outcome(True, "the same numbers for all whole numbers")
    if isinstance(gold, Conditioned) and isinstance(answer, Conditioned) and _conditions_differ(gold, answer):
        return different("other conditions")
    if _begin_apart(gold, answer):
        return different("other conditions")
    gold, answer = named.counted(gold, answer), named.counted(answer, gold)
    gold, answer = named.same_letters(gold, as_congruence(answer) if is_congruence(gold) else answer)
    if named.names_differ(gold, answer):
        return different("other names")
    if (values := named.values_by_name(gold, answer)) is not None:
        return ordered(compare, *values, options)
    gold, answer = named.settled(gold, named.is_bare(answer)), named.settled(answer, named.is_bare(gold))
    if gold == answer:
        return Outcome(True, "the same expression")
    if named.is_unsolved(gold, answer):
        return different("the equation is left unsolved")
    left, right = named.unlabelled(gold, answer, _same_value, rounds)
    if left is None or right is None:
        return different("the sides of the equation differ")
    if objection := forms.objection(left, right, options.form):
        return different(objection)
    outcome = _same_kind(left, right, options)
    if not outcome.equal:
        for other in named.other_constants(left, right):
            if _same_kind(left, other, options).equal:
                return Outcome(True, "the same, with its constants named otherwise")
    return outcome


def _is_number(node: Node) -> bool:
    return type(node) is Num or (type(node) is Neg and type(node.term) is Num)


_ARITHMETIC = frozenset({Num, Neg, Add, Mul, Frac, Pow})


def _is_arithmetic(node: Node) -> bool:
    return type(node) in _ARITHMETIC and not symbols(node)


def contradicts(answer: Node) -> bool:
    """x < -7 : (-\\infty, -7) says the same twice, or it contradicts itself."""
    match answer:
        case Conditioned(value, (Relation(("in",), (Relation() as same, other)),)) if same == value:
            left, right = region(value), region(other)
            return left is None or right is None or not same_region(left, right)
        case Conditioned(value, conditions):
            return any(_is_foreign(condition, value) for condition in conditions)
    return False


def _conditions_differ(gold: Conditioned, answer: Conditioned) -> bool:
    """x^2 (x > 0) is not x^2 (x < 0). The letters of whole numbers are left: n > 0 and n \\ge 1 say the same of them."""
    if any(symbols(condition) & WHOLE for condition in (*gold.conditions, *answer.conditions)):
        return False
    left, right = (
        region(conditions[0] if len(conditions) == 1 else Seq(conditions))
        for conditions in (gold.conditions, answer.conditions)
    )
    return left is not None and right is not None and not same_region(left, right)


def _begin_apart(gold: Node, answer: Node) -> bool:
    """n >= 11 is not n >= 1. One apart is the same: the natural numbers begin at 0 or 1."""
    ours, theirs = named.first_index(gold), named.first_index(answer)
    return ours is not None and theirs is not None and abs(ours - theirs) > 1


def _is_foreign(condition: Node, value: Node) -> bool:
    """7 (x > 3), x > 7 (x > 9): a condition on what the value does not speak of, or a second one."""
    bounded = isinstance(value, Relation) and not set(value.ops) & {"=", "~", "=="}
    return bounded or not symbols(condition) <= symbols(value)


def _same_value(left: Node, right: Node) -> bool | None:
    return _same_kind(left, right, _ANY_FORM).equal


def _same_kind(gold: Node, answer: Node, options: AnswerOptions) -> Outcome:
    gold, answer = vectors.alike(_point(gold, answer), _point(answer, gold))
    if gold == answer:
        return Outcome(True, "the same expression")
    if isinstance(gold, Big) and isinstance(answer, Big) and _same_big(gold, answer):
        return Outcome(True, "the same expression")
    if isinstance(gold, Time) or isinstance(answer, Time):
        return as_written.times(gold, answer, options)
    if isinstance(gold, Letters) or isinstance(answer, Letters):
        return as_written.letters(gold, answer, options, _same_kind)
    if isinstance(gold, Text) or isinstance(answer, Text):
        return as_written.texts(gold, answer)
    if isinstance(gold, Based) or isinstance(answer, Based):
        return as_written.based(gold, answer, options)
    if isinstance(gold, Matrix) or isinstance(answer, Matrix):
        return _matrices(gold, answer, options)
    if any(isinstance(node, Builder) or is_of_whole_numbers(node) for node in (gold, answer)):
        return builders(gold, answer, options, compare, _same_kind)
    if isinstance(gold, Cases) or isinstance(answer, Cases):
        return cases(gold, answer, options, compare)
    if isinstance(gold, Const) and gold.name in "RZNQC" and answer == Sym(gold.name):
        return Outcome(True, "the same set of numbers")
    if is_congruence(gold) or is_congruence(answer):
        return congruences(gold, answer, options, compare)
    if any(isinstance(node, Relation | Union) or _is_conditions(node) for node in (gold, answer)) or _is_number_set(
        gold, answer
    ):
        return _relations(gold, answer, options)
    if isinstance(gold, Seq) or isinstance(answer, Seq):
        return _sequences(gold, answer, options)
    if _is_long_ratio(gold) and _is_long_ratio(answer):
        return _ratios(gold, answer, options)
    return scalars(gold, answer, options)


def _is_long_ratio(node: Node) -> bool:
    return isinstance(node, Call) and node.name == "ratio" and len(node.args) > 2


def _ratios(gold: Node, answer: Node, options: AnswerOptions) -> Outcome:
    """1 : 2 : 3 is 2 : 4 : 6."""
    ours, theirs = gold.args, answer.args  # type: ignore[attr-defined]
    if len(ours) != len(theirs):
        return different("a ratio of more or fewer parts")
    crossed = [
        (Mul((left, theirs[0])), Mul((right, ours[0]))) for left, right in zip(ours[1:], theirs[1:], strict=True)
    ]
    return ordered(compare, [left for left, _ in crossed], [right for _, right in crossed], _ANY_FORM)


def _same_big(gold: Big, answer: Big) -> bool:
    """The same sum, integral or limit, whatever its letter is called."""
    if (gold.name, gold.side, len(gold.bounds)) != (answer.name, answer.side, len(answer.bounds)):
        return False
    if answer.variable != gold.variable and gold.variable in symbols(answer.body):
        return False
    body = renamed(answer.body, {answer.variable: gold.variable})
    pairs = [(gold.body, body), *zip(gold.bounds, answer.bounds, strict=True)]
    return all(_same_kind(left, right, _ANY_FORM).equal for left, right in pairs)


def _side_by_side(node: Node) -> Node:
    return Seq(node.args) if isinstance(node, Call) and node.name == "both" else node


def _is_conditions(node: Node) -> bool:
    """x >= -3 and x <= 4."""
    if isinstance(node, Call) and node.name == "both":
        return True
    first = node.items[0] if isinstance(node, Seq) and node.items else None
    return isinstance(first, Relation) and first.ops != ("=",)


def _is_number_set(*nodes: Node) -> bool:
    return any(isinstance(node, Const) and node.name[0] in "RZNQC" for node in nodes)


def _relations(gold: Node, answer: Node, options: AnswerOptions) -> Outcome:
    left, right = region(gold), region(answer)
    if left is not None and right is not None:
        if is_solved(gold) and not is_solved(answer):
            return different("the inequality is left unsolved")
        if _other_letter(gold, answer):
            return different("an inequality for another letter")
        same = same_region(left, right)
        return Outcome(same, "the same set of numbers" if same else "different sets of numbers")
    if isinstance(gold, Relation) and isinstance(answer, Relation):
        if left is not None and is_solved(gold) and len(gold.ops) == len(answer.ops) == 1 and answer.ops[0] != "=":
            return different("the inequality is left unsolved")
        return equations(gold, answer, options, compare)
    if isinstance(gold, Union) and isinstance(answer, Union):
        if (gold.minus is None) != (answer.minus is None):
            return different("one leaves out what the other does not")
        if gold.minus is not None and answer.minus is not None:
            rest = compare(gold.minus, answer.minus, options)
            if not rest.equal:
                return rest
        return unordered(compare, gold.parts, answer.parts, options)
    gold, answer = _side_by_side(gold), _side_by_side(answer)
    if isinstance(gold, Seq) and isinstance(answer, Seq):
        return _sequences(gold, answer, options)
    return different("one is a condition, the other is not")


def _other_letter(gold: Node, answer: Node) -> bool:
    """x > 7 is not y > 7; a set of numbers has no letter, and that of {t : t > 7} may be any."""
    ours, theirs = ({name.removeprefix("angle ") for name in symbols(node)} - {BOUND.name} for node in (gold, answer))
    return bool(ours and theirs) and not ours & theirs


# --- lists, tuples, sets, matrices ------------------------------------------------------------------------------------


def _point(node: Node, other: Node) -> Node:
    """P(1, 2) names the point (1, 2), where that is asked for."""
    if not isinstance(other, Seq) or not _is_tuple(other):
        return node
    match node:
        case Call(name, items) if _POINT.fullmatch(name) and len(items) > 1:
            return Seq(items, "(", ")")
        case Mul((Sym(name), Seq(items) as point)) if _is_tuple(point) and _POINT.fullmatch(f"{name}()"):
            return point
    return node


def _is_one_value_twice(answer: Seq) -> bool:
    """Whether two items are one exact value, written in two ways: 1/4 or 0.25."""
    if len(answer.items) != 2 or symbols(answer):
        return False
    left, right = answer.items
    return left != right and _same_value(left, right) is True


def _sequences(gold: Node, answer: Node, options: AnswerOptions) -> Outcome:
    if isinstance(gold, Seq) and _is_tuple(gold) and isinstance(answer, Call) and answer.name == "binom":
        return ordered(compare, gold.items, answer.args, options)  # a column, as some write it
    gold, answer = _progression(gold), _progression(answer)
    if not isinstance(gold, Seq) or not isinstance(answer, Seq):
        # {5} and 5 are the same answer; (5) was read as 5 already.
        if isinstance(gold, Seq) and len(gold.items) == 1:
            return _same_kind(gold.items[0], answer, options)
        if isinstance(answer, Seq) and len(answer.items) == 1:
            return _same_kind(gold, answer.items[0], options)
        if isinstance(answer, Seq) and not answer.open and _is_one_value_twice(answer):
            return _same_kind(gold, answer.items[0], options)
        if isinstance(gold, Seq) and not gold.open and _is_one_value_twice(gold):
            return _same_kind(gold.items[0], answer, options)
        return different("one answer against several")
    if options.order != "any" and "{" in (gold.open, answer.open) and _is_tuple(gold if gold.open != "{" else answer):
        return different("a set is not a tuple")
    brackets = (gold.open, gold.close) == (answer.open, answer.close)
    if _is_tuple(gold) and _is_tuple(answer) and not brackets and len(gold.items) == 2:
        return different("other brackets: an end point is in the one and not in the other")
    in_order = options.order == "strict" or (
        options.order == "auto" and (_is_tuple(gold) or _is_tuple(answer) or _leaves_units_out(gold, answer))
    )
    if in_order:
        return ordered(compare, gold.items, answer.items, options)
    # {1, 1, 2} is {1, 2}; in a bare list a repetition counts only when the reference has one.
    wanted = distinct(gold.items)
    if "{" not in (gold.open, answer.open) and len(wanted) < len(gold.items):
        return unordered(compare, gold.items, answer.items, options)
    return unordered(compare, wanted, distinct(answer.items), options)


_DOTS = Sym("…")


def _progression(node: Node) -> Node:
    """{1, 2, 3, ..., 10} is {1, 2, ..., 10}: the items before the dots are the first two, where all have one step."""
    if not isinstance(node, Seq) or node.items.count(_DOTS) != 1:
        return node
    at = node.items.index(_DOTS)
    values = [rational_or_none(item) for item in node.items[:at]]
    if len(values) < 3 or None in values:
        return node
    steps = {after - before for before, after in pairwise(values)}  # type: ignore[operator]
    return Seq((*node.items[:2], *node.items[at:]), node.open, node.close) if len(steps) == 1 else node


def _is_tuple(node: Seq) -> bool:
    return node.open in ("(", "[")


def _leaves_units_out(gold: Seq, answer: Seq) -> bool:
    """Bare numbers for "6 cats and 4 dogs": only their order says which is which."""
    units = {item.unit for item in gold.items if isinstance(item, Quantity)}
    return len(units) > 1 and not any(isinstance(item, Quantity | Relation) for item in answer.items)


def _matrices(gold: Node, answer: Node, options: AnswerOptions) -> Outcome:
    if isinstance(gold, Matrix) and isinstance(answer, Matrix):
        shape, other = [len(row) for row in gold.rows], [len(row) for row in answer.rows]
        if shape != other:
            return different("another shape")
        return ordered(compare, [x for row in gold.rows for x in row], [x for row in answer.rows for x in row], options)
    matrix, rest = (gold, answer) if isinstance(gold, Matrix) else (answer, gold)
    if isinstance(matrix, Matrix) and isinstance(rest, Sym) and (identity := _identity(rest.name, len(matrix.rows))):
        return _matrices(gold, identity, options) if matrix is gold else _matrices(identity, answer, options)
    if isinstance(rest, Call) and rest.name == "binom":  # a column, as some write it
        column = Matrix(tuple((part,) for part in rest.args))
        return _matrices(gold, column, options) if matrix is gold else _matrices(column, answer, options)
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
        ours, theirs = (cells, rest.items) if matrix is gold else (rest.items, cells)
        return ordered(compare, ours, theirs, options)
    return different("one is a matrix, the other is not")


def _identity(name: str, size: int) -> Node | None:
    """I, I_2: the identity matrix of that size."""
    if name not in ("I", f"I_{size}"):
        return None
    return Matrix(tuple(tuple(Num(Fraction(int(i == k))) for k in range(size)) for i in range(size)))
