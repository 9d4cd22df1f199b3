"""Times, letters in a row, words, numbers in bases: what is compared as it is written."""

from __future__ import annotations

from fractions import Fraction

from reward_verifiers.answer.comparing.items import Compare
from reward_verifiers.answer.comparing.rationals import rational_or_none
from reward_verifiers.answer.comparing.scalars import scalars
from reward_verifiers.answer.judged import Outcome, different
from reward_verifiers.answer.options import AnswerOptions
from reward_verifiers.answer.reading import words
from reward_verifiers.answer.reading.nodes import (
    Based,
    Call,
    Frac,
    Letters,
    Mul,
    Node,
    Num,
    Quantity,
    Seq,
    Sym,
    Text,
    Time,
)


def times(gold: Node, answer: Node, options: AnswerOptions) -> Outcome:
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


def letters(gold: Node, answer: Node, options: AnswerOptions, same_kind: Compare) -> Outcome:
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
        return same_kind(product, answer, options) if isinstance(gold, Letters) else same_kind(gold, product, options)
    return different("other letters")


def texts(gold: Node, answer: Node) -> Outcome:
    """The same words."""
    if isinstance(gold, Text) and isinstance(answer, Text):
        same = words.plain(gold.words) == words.plain(answer.words)
        return Outcome(same, "the same words" if same else "other words")
    if isinstance(gold, Text) and isinstance(answer, Sym):
        return Outcome(gold.words.casefold() == answer.name.casefold(), "the same word")
    return different("words against maths")


def based(gold: Node, answer: Node, options: AnswerOptions) -> Outcome:
    """The same digits in the same base; equal values where the domain says so."""
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
            return Outcome(rational_or_none(other) == _as_decimal(answer), "digits in the base of the domain")
        return different("another base")
    if isinstance(other, Num) and isinstance(based, Based):
        same = (other.places is not None) == ("." in based.digits) and other.value == _as_decimal(based)
        return Outcome(same, "the digits in the base of the reference" if same else "other digits, or another base")
    return different("one is in a base, the other is not")


def _as_decimal(number: Based) -> Fraction | None:
    """The number that its digits are in base ten; None for digits beyond 9."""
    return Fraction(number.digits) if number.digits.replace(".", "").isdigit() else None


def _based_value(number: Based) -> Fraction:
    whole, _, decimals = number.digits.partition(".")
    return Fraction(int(whole + decimals, number.base), number.base ** len(decimals))
