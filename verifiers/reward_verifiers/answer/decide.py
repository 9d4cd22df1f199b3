"""Are two answers the same? Equal, different, or not known; with the rule that decided.

compare(gold, answer)
  forms      is it worked out, in the form asked for?
  relations  x = 5 is 5; 2x - y = 1 is y = 2x - 1; x > 3 is (3, \\infty)
  sequences  tuples in order, sets and bare lists in any
  scalars    exact rationals, then residues modulo a prime, then many digits
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

from reward_verifiers.answer import evaluate, forms, units, words
from reward_verifiers.answer.evaluate import NotHere, TooLarge, numeric, rational, residue
from reward_verifiers.answer.nodes import (
    Add,
    Based,
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
    Relation,
    Seq,
    Sym,
    Text,
    Unevaluated,
    Union,
    children,
    rebuilt,
    symbols,
    walk,
)
from reward_verifiers.answer.options import AnswerOptions, Tolerance
from reward_verifiers.answer.regions import region
from reward_verifiers.answer.regions import same as same_region

MAX_UNORDERED = 64
DEFAULT_FIGURES = 5
"""A decimal of so many significant figures may stand for the value that it rounds."""


class Outcome(NamedTuple):
    equal: bool | None
    """None: not known."""
    rule: str


UNKNOWN = Outcome(None, "not decided")


def _different(rule: str) -> Outcome:
    return Outcome(False, rule)


def compare(gold: Node, answer: Node, options: AnswerOptions) -> Outcome:
    """Whether `answer` is the same answer as `gold`."""
    gold, answer = _same_parameter(gold, answer)
    gold, answer = _settled(gold, _is_bare(answer)), _settled(answer, _is_bare(gold))
    if gold == answer:
        return Outcome(True, "the same expression")
    left, right = _unlabelled(gold, answer)
    if left is None or right is None:
        return _different("the sides of the equation differ")
    if objection := forms.objection(left, right, options.form):
        return _different(objection)
    return _same_kind(left, right, options)


def _same_kind(gold: Node, answer: Node, options: AnswerOptions) -> Outcome:
    if gold == answer:
        return Outcome(True, "the same expression")
    if any(isinstance(inner, Unevaluated) for inner in (*walk(gold), *walk(answer))):
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
    return _scalars(gold, answer, options)


# --- what an equation says --------------------------------------------------------------------------------------------


def _settled(node: Node, as_written: bool = False) -> Node:
    """Synonyms in one spelling: "no solution" is the empty set, "x \\in A" is A, "a \\approx b" is a.

    Values with names stand in the order of the names, or `as_written` when the other side names none.
    """
    match node:
        case Text(said):
            name = words.synonym(said)
            if name == "∅":
                return Seq((), "{", "}")
            if name == "R":
                return Const("R")
            if name in ("inf", "-inf"):
                return Const("inf") if name == "inf" else Neg(Const("inf"))
            return Text(name or words.plain(said))
        case Const("∅"):
            return Seq((), "{", "}")
        case Relation(("in",), (_, inner)):
            return _settled(inner)
        case Relation(("~",), (left, right)):
            return right if _is_label(left) else left
        case Relation(ops, sides) if ops[-1] == "~":
            return _settled(Relation(ops[:-1], sides[:-1]))
        case Relation(("=",), (Seq(names, "(", ")"), Seq(items, "(", ")") as right)) if len(names) == len(
            items
        ) and all(isinstance(name, Sym) for name in names):
            return right
        case Seq((single,), "", ""):
            return _settled(single)
        case Seq(items, "", "") | Seq(items, "{", "}") if items and all(map(_is_assignment, items)):
            return _assignments(node, items, as_written)
    return node


def _same_parameter(gold: Node, answer: Node) -> tuple[Node, Node]:
    """Without "k \\in Z" beside them, and with one name for the whole number that both speak of."""
    (left, name), (right, other) = _without_condition(gold), _without_condition(answer)
    if name and other and name != other and name not in symbols(right):
        right = _renamed(right, other, name)
    return left, right


def _without_condition(node: Node) -> tuple[Node, str | None]:
    match node:
        case Seq((*items, Relation(("in",), (Sym(name), Const("Z" | "N")))), "", "") if items:
            return (items[0] if len(items) == 1 else Seq(tuple(items))), name
    return node, None


def _renamed(node: Node, old: str, new: str) -> Node:
    if isinstance(node, Sym):
        return Sym(new) if node.name == old else node
    inner = children(node)
    return rebuilt(node, tuple(_renamed(child, old, new) for child in inner)) if inner else node


def _is_assignment(node: Node) -> bool:
    return isinstance(node, Relation) and node.ops == ("=",) and _is_label(node.sides[0])


def _is_bare(node: Node) -> bool:
    """A list without brackets and names: 1, 2."""
    return isinstance(node, Seq) and not node.open and not all(map(_is_assignment, node.items))


def _assignments(node: Seq, items: Sequence[Node], as_written: bool) -> Node:
    """x=1, x=2 are two values of x; x=1, y=2 is a point; x=1, y=2, x=3, y=4 are two points."""
    pairs = [(repr(item.sides[0]), item.sides[1]) for item in items if isinstance(item, Relation)]
    names = list(dict.fromkeys(name for name, _ in pairs))
    if len(names) == 1:
        return Seq(tuple(value for _, value in pairs), node.open, node.close)
    width = len(names)
    points = []
    for start in range(0, len(pairs), width):
        point = pairs[start : start + width]
        if {name for name, _ in point} != set(names):
            return node
        ordered = point if as_written else sorted(point, key=lambda pair: pair[0])
        points.append(Seq(tuple(value for _, value in ordered), "(", ")"))
    return points[0] if len(points) == 1 else Seq(tuple(points))


def _is_label(node: Node) -> bool:
    """A name for a value: x, x_1, f(x), Area, AB, |AB|, AB/CD."""
    match node:
        case Sym() | Text():
            return True
        case Call("abs" | "ratio", parts):
            return all(map(_is_label, parts))
        case Frac(over, under):
            return _is_label(over) and _is_label(under)
        case Call(name):
            return name.endswith("()")
        case Mul(factors):
            return all(isinstance(factor, Sym) for factor in factors)
    return False


def _unlabelled(gold: Node, answer: Node) -> tuple[Node | None, Node | None]:
    """Both without `x =` where that only names the value; None for an equation whose sides contradict each other."""
    both = isinstance(gold, Relation) and isinstance(answer, Relation)
    if both and _label(gold) is not None and _label(answer) is not None:
        left, right = _label(gold), _label(answer)
        if left == right or (_is_function(left) and _is_function(right)):
            return _value(gold), _value(answer)
        return gold, answer
    if both and len(gold.sides) == len(answer.sides) == 2:  # type: ignore[attr-defined]
        return gold, answer
    return _value(gold), _value(answer)


def _is_function(node: Node | None) -> bool:
    return node == Sym("y") or (isinstance(node, Call) and node.name.endswith("()"))


def _label(node: Node) -> Node | None:
    if isinstance(node, Relation) and set(node.ops) == {"="} and _is_label(node.sides[0]):
        return node.sides[0]
    return None


def _value(node: Node) -> Node | None:
    """The value that a chain `x = a = b` gives, when a and b are the same; other nodes as they are."""
    if not isinstance(node, Relation) or set(node.ops) != {"="}:
        return node
    sides = list(node.sides)
    while len(sides) > 1 and _is_label(sides[0]):
        del sides[0]
    if len(sides) == 2 and isinstance(sides[1], Sym) and not symbols(sides[0]):
        del sides[1]
    if len(sides) == 1:
        return sides[0]
    if len(sides) == len(node.sides) == 2 and symbols(node):
        return node  # an equation proper, such as x^2 + y^2 = 1
    exact = AnswerOptions(form="any")
    agree = all(_same_kind(sides[-1], side, exact).equal for side in sides[:-1])
    return sides[-1] if agree else None


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
    return _different("one is a condition, the other is not")


_MIRROR = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "=": "=", "!=": "!=", "==": "==", "->": "->"}


def _equations(gold: Relation, answer: Relation, options: AnswerOptions) -> Outcome:
    """Equal when left minus right agree up to a constant factor (a positive one for inequalities)."""
    if len(gold.ops) != 1 or len(answer.ops) != 1:
        if gold.ops == answer.ops:
            return _ordered(gold.sides, answer.sides, options)
        mirrored = tuple(_MIRROR.get(op, op) for op in reversed(answer.ops))
        return (
            _ordered(gold.sides, answer.sides[::-1], options) if gold.ops == mirrored else _different("other relations")
        )
    op, other = gold.ops[0], answer.ops[0]
    sides = answer.sides
    if other != op:
        if _MIRROR.get(other) != op:
            return _different("another relation")
        sides = sides[::-1]
    if symbols(gold) != symbols(answer):
        return _different("other unknowns")
    left = Add((gold.sides[0], Neg(gold.sides[1])))
    right = Add((sides[0], Neg(sides[1])))
    try:
        ratios = {_ratio(left, right, index) for index in range(3)}
    except (NotHere, TooLarge):
        return _ordered(gold.sides, sides, options)
    except ZeroDivisionError:
        return _different("an equation that always holds")
    if len(ratios) != 1 or 0 in ratios:
        return _different("different equations")
    if op in ("=", "!=", "==") or _small_positive(ratios.pop()):
        return Outcome(True, "the same equation up to a constant factor")
    return _different("different equations")


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
        return _different("one answer against several")
    if options.order != "any" and "{" in (gold.open, answer.open) and _is_tuple(gold if gold.open != "{" else answer):
        return _different("a set is not a tuple")
    brackets = (gold.open, gold.close) == (answer.open, answer.close)
    if _is_tuple(gold) and _is_tuple(answer) and not brackets and len(gold.items) == 2:
        return _different("other brackets: an end point is in the one and not in the other")
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
        return _different("another number of items")
    unknown = False
    for left, right in zip(gold, answer, strict=True):
        outcome = compare(left, right, options)
        if outcome.equal is False:
            return _different(f"an item differs: {outcome.rule}")
        unknown |= outcome.equal is None
    return UNKNOWN if unknown else Outcome(True, "the same items in the same order")


def _unordered(gold: Sequence[Node], answer: Sequence[Node], options: AnswerOptions) -> Outcome:
    if len(gold) != len(answer):
        return _different("another number of items")
    if len(gold) > MAX_UNORDERED:
        keys = [sorted(map(_exact_or_none, items), key=repr) for items in (gold, answer)]
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
            return UNKNOWN if unknown else _different("an item is missing")
    return Outcome(True, "the same items in any order")


def _exact_or_none(node: Node) -> Fraction | None:
    try:
        return rational(node)
    except (NotHere, TooLarge, ZeroDivisionError):
        return None


def _matrices(gold: Node, answer: Node, options: AnswerOptions) -> Outcome:
    if isinstance(gold, Matrix) and isinstance(answer, Matrix):
        shape, other = [len(row) for row in gold.rows], [len(row) for row in answer.rows]
        if shape != other:
            return _different("another shape")
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
    return _different("one is a matrix, the other is not")


# --- words and bases --------------------------------------------------------------------------------------------------


def _texts(gold: Node, answer: Node) -> Outcome:
    if isinstance(gold, Text) and isinstance(answer, Text):
        return Outcome(gold.words == answer.words, "the same words" if gold.words == answer.words else "other words")
    if isinstance(gold, Text) and isinstance(answer, Sym):
        return Outcome(gold.words == answer.name.casefold(), "the same word")
    return _different("words against maths")


def _based(gold: Node, answer: Node, options: AnswerOptions) -> Outcome:
    if options.base == "value":
        values = [int(n.digits, n.base) if isinstance(n, Based) else _exact_or_none(n) for n in (gold, answer)]
        return Outcome(values[0] == values[1], "values of numbers in bases")
    if isinstance(gold, Based) and isinstance(answer, Based):
        return Outcome(gold == answer, "digits and base")
    based, other = (gold, answer) if isinstance(gold, Based) else (answer, gold)
    if isinstance(based, Based) and based.base == 10:
        same = _exact_or_none(other) == int(based.digits)
        return Outcome(same, "a number in base ten" if same else "different numbers")
    if based is answer:
        if isinstance(answer, Based) and options.base == answer.base:
            return Outcome(_exact_or_none(other) == int(answer.digits), "digits in the base of the domain")
        return _different("another base")
    if isinstance(other, Num) and isinstance(based, Based):
        same = other.places is None and str(other.value) == based.digits
        return Outcome(same, "the digits in the base of the reference" if same else "other digits, or another base")
    return _different("one is in a base, the other is not")


# --- scalars ----------------------------------------------------------------------------------------------------------


class _Scalar(NamedTuple):
    value: Node
    unit: str | None
    percent: bool


def _peeled(node: Node) -> _Scalar:
    match node:
        case Neg(term):
            inner = _peeled(term)
            return inner._replace(value=Neg(inner.value))
        case Quantity(value, unit):
            return _Scalar(value, unit or None, False)
        case Percent(value):
            return _Scalar(value, None, True)
    return _Scalar(node, None, False)


def _letters_as_units(node: Node) -> _Scalar | None:
    """5m or 3 m/s^2, read as a value with a unit; None when the letters are no units."""
    match node:
        case Neg(term):
            inner = _letters_as_units(term)
            return inner._replace(value=Neg(inner.value)) if inner else None
        case Frac(over, under) if symbols(under):
            top, bottom = _letters_as_units(over), _unit_letters(under)
            return top._replace(unit=units.spelled(f"{top.unit}/{bottom}")) if top and bottom and top.unit else None
        case Mul((*factors, Frac(over, under))) if _unit_letters(over) and _unit_letters(under):
            spelled = units.spelled(f"{_unit_letters(over)}/{_unit_letters(under)}")
            return (
                _Scalar(Mul(tuple(factors)), spelled, False) if spelled and not symbols(Mul(tuple(factors))) else None
            )
        case Mul(factors):
            values = tuple(factor for factor in factors if not symbols(factor))
            letters = [_unit_letters(factor) for factor in factors if symbols(factor)]
            if not values or None in letters:
                return None
            spelled = units.spelled(" ".join(letter for letter in letters if letter))
            return _Scalar(values[0] if len(values) == 1 else Mul(values), spelled, False) if spelled else None
    return None


def _unit_letters(node: Node) -> str | None:
    match node:
        case Sym(name) if name in units.SINGLE_LETTERS:
            return name
        case Pow(Sym(name), Num(power)) if name in units.SINGLE_LETTERS and power.denominator == 1:
            return f"{name}^{power}"
    return None


def _scalars(gold: Node, answer: Node, options: AnswerOptions) -> Outcome:
    left, right = _peeled(gold), _peeled(answer)
    if not symbols(gold) and symbols(answer):
        right = _letters_as_units(right.value) or right
    scale = _unit_scale(left.unit, right.unit, options)
    if isinstance(scale, str):
        return _different(scale)
    outcome = UNKNOWN
    for shift in _percent_shifts(left.percent, right.percent, options):
        factor = scale * shift
        value = right.value if factor == 1 else Mul((right.value, Num(factor)))
        outcome = _values(left.value, value, options)
        if outcome.equal:
            return outcome
    if {left.unit, right.unit} == {"degree", None}:
        return _angles(left, right, options) or outcome
    return outcome


def _angles(left: _Scalar, right: _Scalar, options: AnswerOptions) -> Outcome | None:
    """60 degrees is pi/3: an angle without a unit that is a multiple of pi is in radians."""
    plain = left.value if left.unit is None else right.value
    if Const("pi") not in walk(plain):
        return None
    turned = [Quantity(side.value, "degree") if side.unit else side.value for side in (left, right)]
    return _by_digits(turned[0], turned[1], options)


def _unit_scale(gold: str | None, answer: str | None, options: AnswerOptions) -> Fraction | str:
    """What brings the answer's value to the gold's unit, or why the units do not go together."""
    if gold == answer:
        return Fraction(1)
    if answer is None and options.units != "ignore":
        return "the unit is missing"
    if options.units == "require":
        return "another unit"
    if gold is None or answer is None:
        return Fraction(1)
    converted = units.factor(answer, gold)
    return "another unit" if converted is None else converted


def _percent_shifts(gold: bool, answer: bool, options: AnswerOptions) -> tuple[Fraction, ...]:
    """A % in the gold may be left out (the question said it); one in the answer means a hundredth."""
    if gold == answer or options.percent == "ignore":
        return (Fraction(1),)
    if gold:
        return (Fraction(1), Fraction(100)) if options.percent == "lenient" else (Fraction(100),)
    return (Fraction(1, 100),)


def _values(gold: Node, answer: Node, options: AnswerOptions) -> Outcome:
    try:
        left, right = rational(gold), rational(answer)
    except ZeroDivisionError:
        return _different("a division by zero")
    except TooLarge:
        return _beyond(gold, answer)
    except NotHere:
        return _irrational(gold, answer, options)
    if left == right:
        return Outcome(True, "equal as rational numbers")
    return _approximate(gold, answer, left, right, options)


def _beyond(gold: Node, answer: Node) -> Outcome:
    """Out of bounds. Where only one of the two is, they differ; where both are, nobody knows."""
    return _different("too large to work out") if _is_small(gold) != _is_small(answer) else UNKNOWN


def _is_small(node: Node) -> bool:
    """Whether a constant is worked out within bounds."""
    try:
        rational(node)
    except TooLarge:
        return False
    except ZeroDivisionError:
        return True
    except NotHere:
        try:
            numeric(node, {})
        except TooLarge:
            return False
        except (NotHere, ZeroDivisionError, OverflowError, ValueError):
            return True
    return True


def _irrational(gold: Node, answer: Node, options: AnswerOptions) -> Outcome:
    infinite = [Const("inf") in walk(node) for node in (gold, answer)]
    if any(infinite):
        return _different("one is infinite") if gold != answer else Outcome(True, "infinite")
    try:
        same = all(residue(gold, index) == residue(answer, index) for index in range(2))
    except ZeroDivisionError:
        return _different("a division by zero")
    except TooLarge:
        return _beyond(gold, answer)
    except NotHere:
        return _by_digits(gold, answer, options)
    if same:
        return Outcome(True, "equal as rational functions")
    if symbols(gold) or symbols(answer):
        return _different("different rational functions")
    return _by_digits(gold, answer, options)


def _by_digits(gold: Node, answer: Node, options: AnswerOptions) -> Outcome:
    names = symbols(gold) | symbols(answer)
    try:
        if not names:
            left, right = numeric(gold, {}), numeric(answer, {})
            if evaluate.close(left, right):
                return Outcome(True, "equal to 35 digits")
            exact = [
                _exact_or_none(node) or evaluate.fraction(value) for node, value in ((gold, left), (answer, right))
            ]
            if None in exact:
                return _different("different numbers")
            return _approximate(gold, answer, exact[0], exact[1], options)  # type: ignore[arg-type]
        return _at_points(gold, answer, names)
    except TooLarge:
        return _beyond(gold, answer) if not names else UNKNOWN
    except NotHere:
        return UNKNOWN
    except (ZeroDivisionError, OverflowError, ValueError):
        return UNKNOWN


_FLAVOURS = ("positive", "complex", "negative", "complex", "positive", "negative")


def _at_points(gold: Node, answer: Node, names: frozenset[str]) -> Outcome:
    """At random points: positive, negative and complex, because of branch cuts; whole numbers for n, k, m in powers."""
    nodes = [*walk(gold), *walk(answer)]
    real = any(isinstance(node, Call) and node.name in evaluate.REAL_ONLY for node in nodes)
    whole = frozenset(
        name
        for node in nodes
        if isinstance(node, Pow) and not symbols(node.base)
        for name in symbols(node.exponent)
        if name in ("n", "k", "m", "N")
    )
    agreed = 0
    for index, flavour in enumerate(_FLAVOURS):
        if real and flavour == "complex":
            flavour = "negative" if index < 3 else "positive"
        at = {name: evaluate.numeric_point(name, index, "integer" if name in whole else flavour) for name in names}
        try:
            left, right = numeric(gold, at), numeric(answer, at)
        except ZeroDivisionError:
            continue
        if not evaluate.close(left, right):
            return _different(f"different at a {flavour} point")
        agreed += 1
        if agreed == 4:
            return Outcome(True, "equal to 35 digits at four random points")
    return UNKNOWN


# --- decimals and tolerances ------------------------------------------------------------------------------------------


def _decimal(node: Node) -> tuple[int, int] | None:
    """(places, significant figures) of a number written as a decimal."""
    match node:
        case Num(_, int(places), figures):
            return places, figures
        case Neg(term) | Percent(term) | Quantity(term):
            return _decimal(term)
        case Mul((Num(_, int(places), figures), Pow(Num(base), exponent))) if base == 10:
            power = _exact_or_none(exponent)
            return (places - int(power), figures) if power is not None and abs(power) < 10_000 else None
    return None


def _approximate(gold: Node, answer: Node, left: Fraction, right: Fraction, options: AnswerOptions) -> Outcome:
    tolerance = options.tolerance
    if tolerance is not None:
        near = within(left, right, tolerance)
        return Outcome(near, "within the tolerance" if near else "outside the tolerance")
    written = [_decimal(gold), _decimal(answer)]
    shorter = min((w[0], i) for i, w in enumerate(written) if w) if any(written) else None
    if shorter is not None:
        places, which = shorter
        value, other = (left, right) if which == 0 else (right, left)
        figures = written[which][1]  # type: ignore[index]
        if figures >= DEFAULT_FIGURES and abs(places) < 1000 and _rounds_to(other, value, places):
            return Outcome(True, f"a rounding to {figures} significant figures")
    return _different("different numbers")


def _rounds_to(value: Fraction, rounded: Fraction, places: int) -> bool:
    """Whether `rounded` is `value` rounded or cut off at `places`; False when `value` needed no rounding."""
    unit = Fraction(10) ** -places
    if (value / unit).denominator == 1:
        return False
    cut = unit * int(value / unit)
    return abs(value - rounded) * 2 <= unit or rounded == cut


def within(gold: Fraction, answer: Fraction, tolerance: Tolerance) -> bool:
    """Whether the answer is near enough to the gold by any of the bounds that are set."""
    gap = abs(gold - answer)
    if tolerance.absolute is not None and gap <= Fraction(tolerance.absolute):
        return True
    if tolerance.relative is not None and gap <= Fraction(tolerance.relative) * abs(gold):
        return True
    if tolerance.significant is not None and gold != 0:
        exponent = 0
        size = abs(gold)
        while size >= 10 and exponent < 5000:
            size, exponent = size / 10, exponent + 1
        while size < 1 and exponent > -5000:
            size, exponent = size * 10, exponent - 1
        return gap * 2 <= Fraction(10) ** (exponent - tolerance.significant + 1)
    return False
