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
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise

from reward_verifiers.answer.comparing import evaluate, forms, named, vectors
from reward_verifiers.answer.comparing.evaluate import NotHere, TooLarge, numerator, rational_or_none, residue
from reward_verifiers.answer.comparing.regions import is_solved, region
from reward_verifiers.answer.comparing.regions import same as same_region
from reward_verifiers.answer.comparing.scalars import rounds, scalars
from reward_verifiers.answer.judged import UNKNOWN, Outcome, different
from reward_verifiers.answer.options import AnswerOptions
from reward_verifiers.answer.reading import words
from reward_verifiers.answer.reading.nodes import (
    ANY,
    BOUND,
    Add,
    Based,
    Big,
    Builder,
    Call,
    Cases,
    Const,
    Frac,
    Given,
    Letters,
    Matrix,
    Mul,
    Neg,
    Node,
    Num,
    Quantity,
    Relation,
    Seq,
    Sym,
    Text,
    Time,
    Union,
    children,
    rebuilt,
    renamed,
    symbols,
)

MAX_UNORDERED = 64
_ANY_FORM = AnswerOptions(form="any")


def compare(gold: Node, answer: Node, options: AnswerOptions) -> Outcome:
    """Whether `answer` is the same answer as `gold`."""
    if contradicts(answer) and not contradicts(gold):
        return different("the answer contradicts itself")
    gold, answer = named.same_letters(gold, _as_congruence(answer) if _is_congruence(gold) else answer)
    if named.names_differ(gold, answer):
        return different("other names")
    if (values := named.values_by_name(gold, answer)) is not None:
        return _ordered(*values, options)
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


def contradicts(answer: Node) -> bool:
    """x < -7 : (-\\infty, -7) says the same twice, or it contradicts itself."""
    match answer:
        case Given(value, (Relation(("in",), (Relation() as same, other)),)) if same == value:
            left, right = region(value), region(other)
            return left is None or right is None or not same_region(left, right)
        case Given(value, conditions):
            return any(_is_foreign(condition, value) for condition in conditions)
    return False


def _is_foreign(condition: Node, value: Node) -> bool:
    """7 (x > 3), x > 7 (x > 9): a condition on what the value does not speak of, or a second one."""
    bounded = isinstance(value, Relation) and not set(value.ops) & {"=", "~", "=="}
    return bounded or not symbols(condition) <= symbols(value)


def _same_value(left: Node, right: Node) -> bool | None:
    return _same_kind(left, right, _ANY_FORM).equal


def _same_kind(gold: Node, answer: Node, options: AnswerOptions) -> Outcome:
    gold, answer = vectors.alike(gold, answer)
    if gold == answer:
        return Outcome(True, "the same expression")
    if isinstance(gold, Big) and isinstance(answer, Big) and _same_big(gold, answer):
        return Outcome(True, "the same expression")
    if isinstance(gold, Time) or isinstance(answer, Time):
        return _times(gold, answer, options)
    if isinstance(gold, Letters) or isinstance(answer, Letters):
        return _letters(gold, answer, options)
    if isinstance(gold, Text) or isinstance(answer, Text):
        return _texts(gold, answer)
    if isinstance(gold, Based) or isinstance(answer, Based):
        return _based(gold, answer, options)
    if isinstance(gold, Matrix) or isinstance(answer, Matrix):
        return _matrices(gold, answer, options)
    if _is_of_whole_numbers(gold) or _is_of_whole_numbers(answer):
        return _builders(gold, answer, options)
    for structure, way in ((Builder, _builders), (Cases, _cases)):
        if isinstance(gold, structure) or isinstance(answer, structure):
            return way(gold, answer, options)
    if isinstance(gold, Const) and gold.name in "RZNQC" and answer == Sym(gold.name):
        return Outcome(True, "the same set of numbers")
    if _is_congruence(gold) or _is_congruence(answer):
        return _congruences(gold, answer, options)
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
    return _ordered([left for left, _ in crossed], [right for _, right in crossed], _ANY_FORM)


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
        return _equations(gold, answer, options)
    if isinstance(gold, Union) and isinstance(answer, Union):
        if (gold.minus is None) != (answer.minus is None):
            return different("one leaves out what the other does not")
        if gold.minus is not None and answer.minus is not None:
            rest = compare(gold.minus, answer.minus, options)
            if not rest.equal:
                return rest
        return _unordered(gold.parts, answer.parts, options)
    gold, answer = _side_by_side(gold), _side_by_side(answer)
    if isinstance(gold, Seq) and isinstance(answer, Seq):
        return _sequences(gold, answer, options)
    return different("one is a condition, the other is not")


def _other_letter(gold: Node, answer: Node) -> bool:
    """x > 7 is not y > 7; a set of numbers has no letter, and that of {t : t > 7} may be any."""
    ours, theirs = ({name.removeprefix("angle ") for name in symbols(node)} - {BOUND.name} for node in (gold, answer))
    return bool(ours and theirs) and not ours & theirs


_ALGEBRAIC = frozenset({"=", "!=", "==", "<", ">", "<=", ">="})
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
    if not {op, other} <= _ALGEBRAIC:
        if op != other:
            return different("another relation")
        return _ordered(gold.sides, sides, options)
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
        there = _ordered(gold.sides, sides, options)
        return _ordered(gold.sides, sides[::-1], options) if op == "=" and there.equal is not True else there
    except ZeroDivisionError:
        return different("an equation that always holds")
    if len(ratios) != 1 or 0 in ratios:
        return _cleared(left, right) if op == "=" else different("different equations")
    if op in ("=", "!=", "==") or _small_positive(ratios.pop()):
        return Outcome(True, "the same equation up to a constant factor")
    return different("different equations")


def _cleared(left: Node, right: Node) -> Outcome:
    """xy = 6 is y = 6/x: the same once denominators are cleared."""
    try:
        ratios = {numerator(left, k) * evaluate.inverse(numerator(right, k)) % evaluate.PRIME for k in range(3)}
    except (NotHere, TooLarge, ZeroDivisionError):
        return different("different equations")
    if len(ratios) == 1 and 0 not in ratios:
        return Outcome(True, "the same equation without its denominators")
    return different("different equations")


def _ratio(left: Node, right: Node, index: int) -> int:
    return residue(left, index) * evaluate.inverse(residue(right, index)) % evaluate.PRIME


def _small_positive(ratio: int) -> bool:
    """Whether a residue is a positive fraction of small integers."""
    return any(0 < ratio * under % evaluate.PRIME < 10**6 for under in range(1, 1000))


# --- lists, tuples, sets, matrices ------------------------------------------------------------------------------------


def _sequences(gold: Node, answer: Node, options: AnswerOptions) -> Outcome:
    if isinstance(gold, Seq) and _is_tuple(gold) and isinstance(answer, Call) and answer.name == "binom":
        return _ordered(gold.items, answer.args, options)  # a column, as some write it
    gold, answer = _progression(gold), _progression(answer)
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


def _distinct(items: Sequence[Node]) -> tuple[Node, ...]:
    return tuple(dict.fromkeys(items))


def _inside(options: AnswerOptions) -> AnswerOptions:
    """The order that a domain names is that of the items, not of the tuples among them."""
    return _auto_order(options.key) if options.order == "any" else options


@lru_cache(maxsize=64)
def _auto_order(key: str) -> AnswerOptions:
    return AnswerOptions.model_validate_json(key).model_copy(update={"order": "auto"})


def _ordered(gold: Sequence[Node], answer: Sequence[Node], options: AnswerOptions) -> Outcome:
    if len(gold) != len(answer):
        return different("another number of items")
    unknown, options = False, _inside(options)
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
    left, unknown, options = list(answer), False, _inside(options)
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
        return _ordered(cells, rest.items, options) if matrix is gold else _ordered(rest.items, cells, options)
    return different("one is a matrix, the other is not")


def _identity(name: str, size: int) -> Node | None:
    """I, I_2: the identity matrix of that size."""
    if name not in ("I", f"I_{size}"):
        return None
    return Matrix(tuple(tuple(Num(Fraction(int(i == k))) for k in range(size)) for i in range(size)))


# --- sets by a condition, piecewise functions, congruences ------------------------------------------------------------


def _builders(gold: Node, answer: Node, options: AnswerOptions) -> Outcome:
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
    conditions = _unordered(gold.conditions, other.conditions, options)
    if not conditions.equal:
        return conditions
    elements = _same_kind(gold.element, other.element, options)
    if elements.equal is False and _same_multiples(gold, other):
        return Outcome(True, "the same whole numbers")
    return elements


def _as_builder(node: Node) -> Node:
    """n >= 3, n \\in Z is the set of such n."""
    match node:
        case Builder(Relation(("in",), (Sym() as letter, _)) as first, conditions):
            return _with_closed_bounds(Builder(letter, (first, *conditions)))
        case Builder():
            return _with_closed_bounds(node)
        case Seq(items, "") if _is_of_whole_numbers(node):
            return _with_closed_bounds(Builder(Sym(next(iter(symbols(node)))), items))
    return node


def _is_of_whole_numbers(node: Node) -> bool:
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
            return _closed(Relation((_MIRROR[op],), (letter, bound)))
    return condition


def _letters_of(builder: Builder) -> frozenset[str]:
    return frozenset().union(*(symbols(condition) for condition in builder.conditions))


def _same_multiples(gold: Builder, answer: Builder) -> bool:
    """2k+1 and 2k-1 are the odd numbers, for k in Z."""
    match gold.conditions:
        case (Relation(("in",), (Sym(name), Const("Z"))),):
            ours, theirs = _linear(gold.element, name), _linear(answer.element, name)
            if ours and theirs:
                (step, start), (other, other_start) = ours, theirs
                return abs(step) == abs(other) and step != 0 and ((start - other_start) / step).denominator == 1
    return False


def _linear(node: Node, name: str) -> tuple[Fraction, Fraction] | None:
    """(a, b) of a k + b."""
    zero, one, *others = (rational_or_none(_put(node, name, k)) for k in _PLACES)
    if zero is None or one is None:
        return None
    step = one - zero
    line = all(value == zero + step * k for k, value in zip(_PLACES[2:], others, strict=True))
    return (step, zero) if line else None


_PLACES = (0, 1, -1, 2, 5, -13, 101, 1009)
"""Where an expression is a line, if it is one at all of them."""


def _put(node: Node, name: str, value: int) -> Node:
    if isinstance(node, Sym):
        return Num(Fraction(value)) if node.name == name else node
    inner = children(node)
    return rebuilt(node, tuple(_put(child, name, value) for child in inner)) if inner else node


def _cases(gold: Node, answer: Node, options: AnswerOptions) -> Outcome:
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
                if compare(value, piece[0], options).equal and _same_condition(condition, piece[1], options)
            ),
            None,
        )
        if match is None:
            return different("a piece differs")
        left.remove(match)
    return Outcome(True, "the same pieces")


def _same_condition(gold: Node, answer: Node, options: AnswerOptions) -> bool:
    return _OTHERWISE in (gold, answer) or bool(compare(gold, answer, options).equal)


_OTHERWISE = Text("otherwise")


def _is_congruence(node: Node) -> bool:
    return isinstance(node, Call) and node.name == "congruent"


def _as_congruence(node: Node) -> Node:
    """x = 7k + 3 says that x is 3 modulo 7."""
    match node:
        case Relation(("=",), (Sym() as left, right)) if len(symbols(right)) == 1:
            line = _linear(right, next(iter(symbols(right))))
            if line and line[0] and line[0].denominator == line[1].denominator == 1:
                return Call("congruent", (left, _number(line[1]), _number(abs(line[0]))))
    return node


def _number(value: Fraction) -> Node:
    return Num(value) if value >= 0 else Neg(Num(-value))


def _congruences(gold: Node, answer: Node, options: AnswerOptions) -> Outcome:
    if not _is_congruence(gold) or not _is_congruence(answer):
        return different("one is a congruence, the other is not")
    (left, rest, modulus), (other_left, other_rest, other_modulus) = gold.args, answer.args  # type: ignore[attr-defined]
    values = [rational_or_none(node) for node in (rest, modulus, other_rest, other_modulus)]
    if None in values or not values[1]:
        return _ordered((left, rest, modulus), (other_left, other_rest, other_modulus), options)
    a, n, b, m = values
    same_left = ANY in (left, other_left) or compare(left, other_left, options).equal
    same = same_left and abs(n) == abs(m) and ((a - b) / n).denominator == 1  # type: ignore[arg-type,operator]
    return Outcome(bool(same), "the same congruence" if same else "another congruence")


# --- times, letters ---------------------------------------------------------------------------------------------------


def _times(gold: Node, answer: Node, options: AnswerOptions) -> Outcome:
    """6:40 is a time against a time, and a ratio against a ratio that is none."""
    if isinstance(gold, Time) and isinstance(answer, Time):
        first, second = words.clock(gold.written), words.clock(answer.written)
        same = first.same(second) if first and second else gold.written.lstrip("0") == answer.written.lstrip("0")
        return Outcome(same, "the same time" if same else "another time")
    time, other = (gold, answer) if isinstance(gold, Time) else (answer, gold)
    if isinstance(other, Quantity) and (duration := _as_duration(time, other.unit)) is not None:
        return scalars(duration, other, options) if time is gold else scalars(other, duration, options)
    ratio = _as_ratio(time)
    if ratio is None or not isinstance(other, Call | Frac):
        return different("a time against something else")
    return scalars(ratio, other, options) if time is gold else scalars(other, ratio, options)


def _as_duration(time: Node, unit: str) -> Node | None:
    """3:20 beside hours is 3 h 20 min, beside minutes 3 min 20 s."""
    parts = time.written.split(":") if isinstance(time, Time) else []
    if unit not in ("hour", "minute") or not 2 <= len(parts) <= 3 or not all(part.isdigit() for part in parts):
        return None
    if any(int(part) > 59 for part in parts[1:]):
        return None
    return Quantity(Num(sum((Fraction(int(part), 60**k) for k, part in enumerate(parts)), Fraction(0))), unit)


def _as_ratio(node: Node) -> Node | None:
    parts = node.written.split(":") if isinstance(node, Time) else []
    if len(parts) < 2 or not all(part.isdigit() for part in parts):
        return None
    return Call("ratio", tuple(Num(Fraction(int(part))) for part in parts))


def _letters(gold: Node, answer: Node, options: AnswerOptions) -> Outcome:
    """HTH is its letters in order; ACD against A, C, D is the options that it names."""
    if isinstance(gold, Letters) and isinstance(answer, Letters):
        return Outcome(
            gold.run == answer.run, "the same letters" if gold.run == answer.run else "other letters, or another order"
        )
    run, other = (gold.run, answer) if isinstance(gold, Letters) else (answer.run, gold)  # type: ignore[attr-defined]
    if isinstance(other, Seq):
        names = [item.name if isinstance(item, Sym) else "" for item in other.items]
        ordered = options.order == "strict" or other.open in ("(", "[") or list(run) != sorted(set(run))
        same = names == list(run) if ordered else sorted(names) == sorted(run)
        return Outcome(same, "the options' letters" if same else "other letters, or another order")
    if isinstance(other, Text):
        return Outcome(
            other.words.casefold() == run.casefold(),
            "the same word" if other.words.casefold() == run.casefold() else "other words",
        )
    if isinstance(other, Mul) and len(run) > 2:
        same = tuple(Sym(letter) for letter in run) == other.factors
        return Outcome(same, "the same letters" if same else "other letters, or another order")
    if len(set(run)) == len(run) and (len(run) == 2 or not isinstance(other, Sym)):
        product = Mul(tuple(Sym(letter) for letter in run))
        return _same_kind(product, answer, options) if isinstance(gold, Letters) else _same_kind(gold, product, options)
    return different("other letters")


# --- words and bases --------------------------------------------------------------------------------------------------


def _texts(gold: Node, answer: Node) -> Outcome:
    if isinstance(gold, Text) and isinstance(answer, Text):
        same = words.plain(gold.words) == words.plain(answer.words)
        return Outcome(same, "the same words" if same else "other words")
    if isinstance(gold, Text) and isinstance(answer, Sym):
        return Outcome(gold.words.casefold() == answer.name.casefold(), "the same word")
    return different("words against maths")


def _based(gold: Node, answer: Node, options: AnswerOptions) -> Outcome:
    if options.base == "value":
        values = [_based_value(n) if isinstance(n, Based) else rational_or_none(n) for n in (gold, answer)]
        return Outcome(values[0] == values[1], "values of numbers in bases")
    if isinstance(gold, Based) and isinstance(answer, Based):
        return Outcome(gold == answer, "digits and base")
    based, other = (gold, answer) if isinstance(gold, Based) else (answer, gold)
    if isinstance(based, Based) and based.base == 10:
        same = rational_or_none(other) == Fraction(based.digits)
        return Outcome(same, "a number in base ten" if same else "different numbers")
    if based is answer:
        if isinstance(answer, Based) and options.base == answer.base:
            return Outcome(rational_or_none(other) == Fraction(answer.digits), "digits in the base of the domain")
        return different("another base")
    if isinstance(other, Num) and isinstance(based, Based):
        same = (other.places is not None) == ("." in based.digits) and other.value == Fraction(
            based.digits if based.digits.replace(".", "").isdigit() else -1
        )
        return Outcome(same, "the digits in the base of the reference" if same else "other digits, or another base")
    return different("one is in a base, the other is not")


def _based_value(number: Based) -> Fraction:
    whole, _, decimals = number.digits.partition(".")
    return Fraction(int(whole + decimals, number.base), number.base ** len(decimals))
