"""Single values: numbers, expressions, quantities with units, percentages, decimals.

scalars(gold, answer)
  unit, percent   what brings the answer to the reference's unit
  exact           as Fraction, as sums of roots, or residues modulo a prime for rational functions
  many digits     at random points for everything else
  approximate     a decimal that rounds the value, or the tolerance of the domain
"""

from __future__ import annotations

from fractions import Fraction
from itertools import product, takewhile
from typing import Any, NamedTuple

from reward_verifiers.answer.comparing import digits
from reward_verifiers.answer.comparing.algebraic import separation_bits
from reward_verifiers.answer.comparing.digits import numeric
from reward_verifiers.answer.comparing.rationals import NotHere, TooLarge, rational, rational_or_none
from reward_verifiers.answer.comparing.residues import residue
from reward_verifiers.answer.comparing.surds import surd
from reward_verifiers.answer.judged import UNKNOWN, Outcome, different
from reward_verifiers.answer.options import AnswerOptions, Tolerance
from reward_verifiers.answer.reading import units
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
    Seq,
    Sym,
    symbols,
    walk,
)

_LOST_BITS = 20
"""Bits lost in a sum from which two values that differ are looked at again."""
DEFAULT_FIGURES = 5
"""A decimal of so many significant figures may stand for the value that it rounds."""


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
            values = tuple(takewhile(lambda factor: not symbols(factor), factors))
            if any(isinstance(value, Seq | Matrix) for value in values):
                return None
            letters = [_unit_letters(factor) for factor in factors[len(values) :]]
            if not values or None in letters:
                return None
            spelled = units.spelled(" ".join(letter for letter in letters if letter))
            return _Scalar(values[0] if len(values) == 1 else Mul(values), spelled, False) if spelled else None
    return None


def _molar(gold: str, answer: _Scalar) -> _Scalar:
    """5 M beside moles per liter."""
    match answer.value:
        case Mul((*factors, Sym("M"))) if gold in (units.MOLAR, "molar"):
            return _Scalar(factors[0] if len(factors) == 1 else Mul(tuple(factors)), units.MOLAR, False)
    return answer


def _unit_letters(node: Node) -> str | None:
    match node:
        case Sym(name) if name in units.SINGLE_LETTERS:
            return name
        case Pow(Sym(name), Num(power)) if name in units.SINGLE_LETTERS and power.denominator == 1:
            return f"{name}^{power}"
    return None


def scalars(gold: Node, answer: Node, options: AnswerOptions) -> Outcome:
    """Two single values: exact rationals first, then residues modulo a prime, then many digits."""
    left, right = _peeled(gold), _peeled(answer)
    if not symbols(gold) and symbols(answer) and right.unit is None and not right.percent:
        right = _letters_as_units(right.value) or right
    if left.unit is None and right.unit is None and left.percent == right.percent:
        return _values(left.value, right.value, options)
    if {left.unit, right.unit} & units.TEMPERATURES and left.unit != right.unit and left.unit and right.unit:
        return _temperatures(left, right, options)
    if {left.unit, right.unit} == {"degree", "radian"}:
        turned = [Quantity(side.value, "degree") if side.unit == "degree" else side.value for side in (left, right)]
        return _by_digits(turned[0], turned[1], options)
    if left.unit and right.unit is None:
        right = _molar(left.unit, right)
    scale = _unit_scale(left.unit, right.unit, options)
    if isinstance(scale, str):
        return different(scale)
    outcome = UNKNOWN
    angle = {left.unit, right.unit} == {"degree", None} and left.percent == right.percent
    if angle and (in_radians := _angles(left, right, options)):
        return in_radians
    for shift in _percent_shifts(left.percent, right.percent, options):
        factor = scale * shift
        value = right.value if factor == 1 else Mul((right.value, Num(factor)))
        outcome = _values(left.value, value, options)
        if outcome.equal:
            return outcome
    return outcome


def _temperatures(left: _Scalar, right: _Scalar, options: AnswerOptions) -> Outcome:
    value = rational_or_none(right.value)
    other = None if value is None else units.temperature(value, right.unit or "", left.unit or "")
    if other is None or options.units == "require":
        return different("another unit")
    return _values(left.value, Num(other) if other >= 0 else Neg(Num(-other)), options)


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
    if gold is None or answer is None or units.is_same_money(gold, answer):
        return Fraction(1)
    if not units.same_things(gold, answer):
        return "another thing is counted"
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
        return different("a division by zero")
    except TooLarge:
        return _beyond(gold, answer)
    except NotHere:
        return _irrational(gold, answer, options)
    if left == right:
        return Outcome(True, "equal as rational numbers")
    return _approximate(gold, answer, left, right, options)


def _beyond(gold: Node, answer: Node) -> Outcome:
    """Out of bounds. Where only one of the two is, they differ; where both are, nobody knows."""
    return different("too large to work out") if _is_small(gold) != _is_small(answer) else UNKNOWN


def _is_small(node: Node) -> bool:
    """Whether it is worked out within bounds, exactly, as a residue or numerically."""
    at = {name: digits.numeric_point(name, 0, "positive") for name in symbols(node)}
    for way in (rational, lambda node: residue(node, 0), lambda node: numeric(node, at)):
        try:
            way(node)
        except TooLarge:
            return False
        except (NotHere, OverflowError, ValueError):
            continue
        except ZeroDivisionError:
            return True
        return True
    return True


def _irrational(gold: Node, answer: Node, options: AnswerOptions) -> Outcome:
    inside = [*walk(gold), *walk(answer)]
    kinds = set(map(type, inside))
    if Big in kinds:
        return UNKNOWN
    if Const in kinds and Const("inf") in inside:
        return different("one is infinite") if gold != answer else Outcome(True, "infinite")
    if (outcome := _by_surds(gold, answer, options)) is not None:
        return outcome
    try:
        same = all(residue(gold, index) == residue(answer, index) for index in range(2))
    except ZeroDivisionError:
        return different("a division by zero")
    except TooLarge:
        return _beyond(gold, answer)
    except NotHere:
        return _by_digits(gold, answer, options)
    if same:
        return Outcome(True, "equal as rational functions")
    if symbols(gold) or symbols(answer):
        return different("different rational functions")
    return _by_digits(gold, answer, options)


def _by_surds(gold: Node, answer: Node, options: AnswerOptions) -> Outcome | None:
    """Sums of roots and powers of pi, exactly. None for other values, and where a decimal may stand for one."""
    if symbols(gold) or symbols(answer):
        return None
    try:
        left, right = surd(gold), surd(answer)
    except (NotHere, TooLarge, ZeroDivisionError):
        return None
    if left == right:
        return Outcome(True, "equal sums of roots")
    rounded = options.tolerance is not None or any(set(value) <= {(1, 0)} for value in (left, right))
    return None if rounded else different("different sums of roots")


def _by_digits(gold: Node, answer: Node, options: AnswerOptions) -> Outcome:
    names = symbols(gold) | symbols(answer)
    try:
        if names:
            return _at_points(gold, answer, names, options.variables)
        with digits.precision(digits.FIRST_BITS):
            left, right = numeric(gold, {}), numeric(answer, {})
            near, hidden = digits.close(left, right), digits.spread_bits() + digits.size(left)
            unsure = digits.lost_bits() > _LOST_BITS
        if near or (unsure and _looked_closer(gold, answer, {}, hidden).equal):
            return _looked_closer(gold, answer, {}, hidden)
        exact = [rational_or_none(node) or digits.fraction(value) for node, value in ((gold, left), (answer, right))]
        if None in exact:
            return different("different numbers")
        return _approximate(gold, answer, exact[0], exact[1], options)  # type: ignore[arg-type]
    except TooLarge:
        return _beyond(gold, answer)
    except (NotHere, ZeroDivisionError, OverflowError, ValueError):
        return UNKNOWN


def _looked_closer(gold: Node, answer: Node, at: dict[str, Any], hidden: int) -> Outcome:
    """What agrees to 35 digits: algebraic numbers are decided by their separation bound, the rest with as many bits as
    sums and long numbers in them may hide."""
    rule = "equal to all digits that may differ"
    bits = 2 * (hidden + _written_bits(gold) + _written_bits(answer)) + 120
    if not at:
        try:
            bound = separation_bits(Add((gold, Neg(answer))))
        except (NotHere, TooLarge, OverflowError, ZeroDivisionError):
            bound = None
        if bound is not None and bound < digits.MAX_PRECISION - 200:
            bits, rule = int(bound) + hidden + 100, "equal algebraic numbers"
    if bits <= digits.FIRST_BITS - 60:
        return Outcome(True, rule)
    if bits > digits.MAX_PRECISION:
        return Outcome(None, "not decided: more digits may differ than are worked out")
    with digits.precision(bits + 80):
        left, right = numeric(gold, at), numeric(answer, at)
        same = digits.close(left, right, lost=digits.lost_bits())
    return Outcome(True, rule) if same else different("different numbers that share their first digits")


def _written_bits(node: Node) -> int:
    """The bits of the long numbers in it, and of numbers in powers."""
    bits = 0
    for inner in walk(node):
        if isinstance(inner, Num):
            size = inner.value.numerator.bit_length() + inner.value.denominator.bit_length()
            bits += size if size > 16 else 0
        elif isinstance(inner, Pow):
            value = rational_or_none(inner)
            bits += value.numerator.bit_length() + value.denominator.bit_length() if value is not None else 0
    return bits


_FLAVOURS = ("positive", "secret", "complex", "negative", "complex", "positive", "negative")


_FLAVOURS_OF = {
    "complex": _FLAVOURS,
    "real": ("positive", "secret", "negative") * 7,
    "positive": ("positive", "secret") * 5,
}
"""By the option `variables`."""


def _at_points(gold: Node, answer: Node, names: frozenset[str], variables: str) -> Outcome:
    """At random points: positive, negative and complex, because of branch cuts; whole numbers for n, k, m in powers.

    `variables` says what unknowns may stand for; at real points where the reference has no real value nothing is held
    against the answer.
    """
    nodes = [*walk(gold), *walk(answer)]
    real = any(isinstance(node, Call) and node.name in digits.REAL_ONLY for node in nodes)
    whole = frozenset(
        name
        for node in nodes
        if isinstance(node, Pow) and not symbols(node.base)
        for name in symbols(node.exponent)
        if name in ("n", "k", "m", "N")
    )
    agreed = 0
    for index, flavour in enumerate(_FLAVOURS_OF[variables]):
        if real and flavour == "complex":
            flavour = "negative" if index < 3 else "positive"
        at = {name: digits.numeric_point(name, index, "integer" if name in whole else flavour) for name in names}
        try:
            with digits.precision(digits.FIRST_BITS):
                left, right = numeric(gold, at), numeric(answer, at)
                near, hidden = digits.close(left, right), digits.spread_bits()
            if variables != "complex" and not digits.is_real(left):
                continue
            closer = _looked_closer(gold, answer, at, hidden) if near else different("")
        except ZeroDivisionError:
            continue
        if closer.equal is None:
            return closer
        if not closer.equal:
            if variables == "complex" and flavour != "positive" and _agree_on_reals(nodes, gold, answer):
                return _at_points(gold, answer, names, "real")
            return different(f"different at a {flavour} point")
        agreed += 1
        if agreed == 5:
            return Outcome(True, "equal at five random points")
    return UNKNOWN


_OF_COMPLEX = frozenset({"z", "w", "\\omega", "\\zeta"})
_MAX_SIGNED = 3


def _agree_on_reals(nodes: list[Node], gold: Node, answer: Node) -> bool:
    """Whether both have real values at the same real unknowns, of every sign, and the same ones: x^{-3/2}, \\sqrt{x^3}/x^3.

    Then they are one function of real numbers, and of these an answer speaks that has no i and no z.
    """
    names = sorted(symbols(gold) | symbols(answer))
    if len(names) > _MAX_SIGNED or not _OF_COMPLEX.isdisjoint(names) or Const("i") in nodes:
        return False
    for index, flavours in product(range(2), product(("positive", "negative"), repeat=len(names))):
        at = {name: digits.numeric_point(name, index, flavour) for name, flavour in zip(names, flavours, strict=True)}
        with digits.precision(digits.FIRST_BITS):
            try:
                left, right = numeric(gold, at), numeric(answer, at)
            except (NotHere, ZeroDivisionError):
                return False
            real = digits.is_real(left)
            if real != digits.is_real(right) or (real and not digits.close(left, right)):
                return False
    return True


# --- decimals and tolerances ------------------------------------------------------------------------------------------


def _decimal(node: Node) -> tuple[int, int] | None:
    """(places, significant figures) of a number written as a decimal."""
    match node:
        case Num(_, int(places), figures):
            return places, figures
        case Neg(term) | Percent(term) | Quantity(term):
            return _decimal(term)
        case Mul((Num(_, int(places), figures), Pow(Num(base), exponent))) if base == 10:
            power = rational_or_none(exponent)
            return (places - int(power), figures) if power is not None and abs(power) < 10_000 else None
    return None


def _approximate(gold: Node, answer: Node, left: Fraction, right: Fraction, options: AnswerOptions) -> Outcome:
    tolerance = options.tolerance
    if tolerance is not None:
        near = within(left, right, tolerance) or (tolerance.figures is not None and _in_own_figures(gold, left, right))
        return Outcome(near, "within the tolerance" if near else "outside the tolerance")
    written = [_decimal(gold), _decimal(answer)]
    shorter = min((w[0], i) for i, w in enumerate(written) if w) if any(written) else None
    if shorter is not None:
        places, which = shorter
        value, other = (left, right) if which == 0 else (right, left)
        figures = written[which][1]  # type: ignore[index]
        endless = not _is_finite_decimal(gold if which == 1 else answer)
        if figures >= DEFAULT_FIGURES and endless and abs(places) < 1000 and _rounds_to(other, value, places):
            return Outcome(True, f"a rounding to {figures} significant figures")
    return different("different numbers")


def _is_finite_decimal(node: Node) -> bool:
    """Whether all its digits can be written: such a number needs no rounding."""
    value = rational_or_none(node)
    if value is None:
        return False
    under = value.denominator
    for prime in (2, 5):
        while under % prime == 0:
            under //= prime
    return under == 1


def rounds(exact: Node, decimal: Node) -> bool:
    """Whether a number is the other one, rounded or cut off to the places that it is written with."""
    exact, decimal = _peeled(exact).value, _peeled(decimal).value
    written = _decimal(decimal)
    places = written[0] if written else 0
    if abs(places) > 1000:
        return False
    try:
        left, right = (rational_or_none(node) or digits.fraction(numeric(node, {})) for node in (exact, decimal))
    except (NotHere, TooLarge, ZeroDivisionError, OverflowError, ValueError):
        return any(type(node) is Big for node in walk(exact))
    if left is None or right is None:
        return False
    unit = Fraction(10) ** -places
    return abs(left - right) * 2 <= unit or right == unit * int(left / unit)


def _rounds_to(value: Fraction, rounded: Fraction, places: int) -> bool:
    """Whether `rounded` is `value` rounded or cut off at `places`; False when `value` needed no rounding."""
    unit = Fraction(10) ** -places
    if (value / unit).denominator == 1:
        return False
    cut = unit * int(value / unit)
    return abs(value - rounded) * 2 <= unit or rounded == cut


def _in_own_figures(gold: Node, left: Fraction, right: Fraction) -> bool:
    """Whether the answer is the reference at the places that the reference is written with."""
    written = _decimal(gold)
    if written is None or abs(written[0]) > 1000:
        return False
    return abs(left - right) * 2 <= Fraction(10) ** -written[0]


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
