"""The mathematical kinds: math, number, unit.

reference ──▶ gold()  ───────┐
answer    ──▶ read_answer() ─┴─▶ decide.compare ──▶ equal | different | not decided ──▶ symbolic.equal

| reference  | answer     | verdict                                   |
|------------|------------|-------------------------------------------|
| read whole | read whole | 1 when equal, 0 when not                  |
| read whole | not read   | 0, "the answer was not read"              |
| not read   | same text  | 1                                         |
| not read   | other text | Unsupported: the data set is to blame     |
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from functools import lru_cache
from typing import Any

from reward_verifiers.answer.comparing import symbolic
from reward_verifiers.answer.comparing.decide import compare
from reward_verifiers.answer.comparing.digits import numeric
from reward_verifiers.answer.comparing.normal_form import canonical
from reward_verifiers.answer.comparing.rationals import NotHere, TooLarge, rational
from reward_verifiers.answer.extraction.sources import candidates
from reward_verifiers.answer.judged import NOT_READ, UNKNOWN, Judged, Outcome, clipped
from reward_verifiers.answer.options import AnswerOptions
from reward_verifiers.answer.reading import words
from reward_verifiers.answer.reading.chemistry import differ, formula
from reward_verifiers.answer.reading.conventions import in_plain_notation
from reward_verifiers.answer.reading.nodes import (
    Big,
    Call,
    Frac,
    Neg,
    Node,
    Num,
    Quantity,
    Relation,
    Text,
    symbols,
    walk,
)
from reward_verifiers.answer.reading.parts import is_numbered
from reward_verifiers.answer.reading.reader import Reading, read, read_answer, read_gold, text_content
from reward_verifiers.verifier import BadReference, Unsupported

_PERCENT_BEHIND = re.compile(r"\\boxed\{[0-9.]{1,20}\}\$?\s?(?:percent|\\?%)[^\d{}]*$")
"""\\boxed{20} percent, at the end of a solution."""
_SOLUTION = 200
"""Characters from which a reference is a worked solution, to look for the answer in."""
_ANY_FORM = AnswerOptions(form="any")
_MAX_SYMBOLIC = 600
"""Characters of an answer that the second stage is given."""
_LETTER = re.compile(r"\(?([A-J])\)?")
_LABELLED = re.compile(
    r"(?:(?:option|choice|answer)\s)?(?:\(([A-J])\)|([A-J])(?:[.):]|$))(?![^\s])(?!\s{1,3}[/^*+=<>!])", re.I
)
_LOOSE_SPACE = re.compile(r"(?<!\w)\s+|\s+(?!\w)")
"""White space that separates no two words or numbers."""
_TRUTH = frozenset({"true", "false"})
_OTHER_LETTER = re.compile(r"\([A-J]\)|\b[B-J]\b|\b(?:or|and|not|no|wait|but|wrong|instead|rather|actually)\b")
_DECIMAL_COMMA = re.compile(r"(-?[0-9]{1,20}),([0-9]{1,2}|[0-9]{4,20})")
_THOUSANDTHS = re.compile(r"(-?0),([0-9]{3,20})")
"""0,111 is no list and no thousands."""
_LETTERS_CROSSED = re.compile(r"(?<![A-Za-z\\{_^])([A-Za-z])\s?\\times\s?([A-Za-z])(?![A-Za-z}_^(])")
_BARE_K = re.compile(r"[0-9.,]{1,30}(?:K|\\(?:text|mathrm)\{K\})")
_NUMBERS = re.compile(r"([0-9]+(?:\.[0-9]+)?)")


def text_of(answer: Any) -> str:
    """A reference's answer as text: out of its box, and out of the solution where that is given.

    Raises BadReference for what is neither text nor a number.
    """
    if isinstance(answer, bool) or not isinstance(answer, str | int | float):
        raise BadReference(f"the reference answer is neither text nor a number: {clipped(repr(answer), 100)}")
    text = str(answer).strip()
    if "boxed{" not in text and len(text) < _SOLUTION and "####" not in text:
        return text
    match = next(iter(candidates(text, ("boxed", "####", "phrase"), True, False)), None)
    if match is None or not match.text:
        return text
    percent = _PERCENT_BEHIND.search(text) if match.source == "boxed" else None
    return match.text.strip() + ("\\%" if percent else "")


@lru_cache(maxsize=1024)
def gold(text: str) -> Reading:
    """A reference, read once. Raises BadReference when it is empty."""
    reading = read_gold(text)
    if reading.problem == "empty":
        raise BadReference("the reference answer is empty")
    return reading


def check(answer: Any, options: AnswerOptions) -> None:
    """Raises BadReference when the reference does not fit its kind."""
    reading = gold(in_plain_notation(text_of(answer), options))
    if options.kind == "number" and (reading.node is None or not _is_number(reading.node)):
        raise BadReference(f"the reference answer is no number: {clipped(reading.text, 100)!r}")
    if options.kind == "unit" and not (isinstance(reading.node, Quantity) and reading.node.unit):
        raise BadReference(f"the reference answer has no known unit: {clipped(reading.text, 100)!r}")


def left_over(answer: Any, options: AnswerOptions) -> str | None:
    """What of a reference is not read; None when it is read whole."""
    reading = gold(in_plain_notation(text_of(answer), options))
    return None if reading.node is not None or formula(reading.text) else reading.left_over or reading.text


def _is_number(node: Node) -> bool:
    try:
        rational(node)
    except ZeroDivisionError:
        return False
    except (NotHere, TooLarge):
        try:
            numeric(node, {})
        except (NotHere, TooLarge, ZeroDivisionError, OverflowError, ValueError):
            return False
    return True


def understood(reference: Any) -> bool:
    """Whether the first stage alone decides the reference, so that it cannot be what was costly."""
    node = read_gold(text_of(reference)).node
    return node is not None and not any(isinstance(inner, Big) for inner in walk(node))


def answers(text: str, reference: Any) -> bool:
    """Whether a candidate is read as an answer of the reference's sort: not words where the reference is none."""
    reading = read_answer(text)
    expected = gold(text_of(reference))
    if expected.node is None:
        return True
    if isinstance(expected.node, Text):
        return reading.node is not None
    if isinstance(reading.node, Text):
        return words.synonym(text) is not None
    share = reading.as_amount is not None and isinstance(expected.node, Call | Frac)
    return reading.node is not None or share


def is_aside(text: str, reference: Any) -> bool:
    """Whether a formula holds unknowns where the reference is a number: it was written on the way."""
    node, expected = read(text).node, gold(text_of(reference)).node
    if node is None or expected is None or not _is_number(expected):
        return False
    return bool(symbols(node)) and not (isinstance(node, Relation) and not symbols(node.sides[-1]))


def judge(reference: Any, text: str, options: AnswerOptions) -> Judged:
    """Whether an extracted answer equals the reference. Raises Unsupported when the reference is not read."""
    gold_text = in_plain_notation(text_of(reference), options)
    expected, answer = gold(gold_text), read_answer(in_plain_notation(text, options))
    normal_forms = _normal_form(answer), _gold_form(gold_text)
    if _same_text(expected.text, answer.text):
        return Judged(True, "the same text", "first", *normal_forms)
    if (wanted := formula(expected.text)) and (judged := _by_formula(wanted, expected, answer)):
        return judged
    if expected.node is None:
        if _another_number(expected.text, answer.text):
            return Judged(False, "the same text but for a number", "first", answer.text, expected.text)
        raise Unsupported(
            f"the reference is not read: {clipped(expected.left_over or expected.text, 200)!r} is left over"
        )
    by_words = _by_words(expected, answer, options)
    if by_words is not None:
        return Judged(bool(by_words.equal), by_words.rule, "first", *normal_forms)
    if _BARE_K.fullmatch(answer.text) and not isinstance(expected.node, Quantity):
        return Judged(False, "a K that may be kelvin or a thousand", "first", *normal_forms)
    ratio = isinstance(answer.as_amount, Call)
    if answer.node is None and (answer.as_amount is None or (ratio and not isinstance(expected.node, Call | Frac))):
        left = answer.left_over or answer.text
        return Judged(False, NOT_READ, "first", *normal_forms, left_over=left)
    outcome, stage = _decided(expected, answer, _policy(options))
    return Judged(bool(outcome.equal), outcome.rule, stage, *normal_forms)


def _normal_form(reading: Reading) -> str:
    return canonical(reading.node) if reading.node is not None else reading.text


@lru_cache(maxsize=1024)
def _gold_form(text: str) -> str:
    return _normal_form(gold(text))


def _by_formula(wanted: str, expected: Reading, answer: Reading) -> Judged | None:
    """By the chemical formulas of both. None where the reference is read as maths as well, which decides then."""
    theirs = formula(answer.text)
    if wanted == theirs:
        return Judged(True, "the same chemical formula", "first", theirs, wanted)
    if expected.node is not None:
        return None
    if theirs is None:
        left = answer.left_over or answer.text
        return Judged(False, NOT_READ, "first", _normal_form(answer), wanted, left_over=left)
    rule = "another chemical formula" if differ(wanted, theirs) else UNKNOWN.rule
    return Judged(False, rule, "first", theirs, wanted)


def _same_text(gold_text: str, text: str) -> bool:
    if gold_text.replace(" ", "") != text.replace(" ", ""):
        if "\\text" not in gold_text and "\\text" not in text:
            return False
        gold_text, text = text_content(gold_text), text_content(text)  # \\text{Friday, March 3}
    return gold_text == text or _as_text(gold_text) == _as_text(text)


def _as_text(text: str) -> str:
    return _LOOSE_SPACE.sub("", " ".join(text.split()))


def _another_number(gold_text: str, text: str) -> bool:
    """Whether two texts differ in one number alone: whatever they say, they do not say the same."""
    ours, theirs = _NUMBERS.split(gold_text), _NUMBERS.split(text)
    if len(ours) != len(theirs) or len(ours) < 2 or ours[::2] != theirs[::2]:
        return False
    differing = [(a, b) for a, b in zip(ours[1::2], theirs[1::2], strict=True) if Fraction(a) != Fraction(b)]
    return len(differing) == 1


def _policy(options: AnswerOptions) -> AnswerOptions:
    """What a kind implies."""
    if options.kind == "unit" and options.units == "ignore":
        return options.model_copy(update={"units": "convert"})
    if options.kind == "set":
        return options.model_copy(update={"order": "any"})
    if options.kind == "list":
        return options.model_copy(update={"order": "strict"})
    return options


def _by_words(expected: Reading, answer: Reading, options: AnswerOptions) -> Outcome | None:
    """What is decided by the words alone: the same words, a truth value, an option's letter. None: nothing."""
    gold_text, text = text_content(expected.text), text_content(answer.text)
    either = isinstance(expected.node, Text) or isinstance(answer.node, Text)
    if either and words.plain(gold_text) == words.plain(text):
        return Outcome(True, "the same words")
    meant = words.synonym(gold_text) or words.INITIALS.get(gold_text.lower())
    verdict = words.synonym(text) or words.INITIALS.get(text.lower())
    if verdict is None and meant in _TRUTH:
        verdict = _opening_word(text)
        either |= verdict is not None
    if either and meant in _TRUTH and verdict in _TRUTH:
        return Outcome(meant == verdict, "the same truth value" if meant == verdict else "the other truth value")
    letter = _LETTER.fullmatch(gold_text) or _LABELLED.match(gold_text)
    if letter and (_names_the_next(gold_text, letter) or is_numbered(gold_text)):
        letter = None
    label = _LABELLED.match(text)
    if letter and label and not _OTHER_LETTER.search(text, label.end()):
        same = (label[1] or label[2]).upper() == (letter[1] or letter[2]).upper()
        if same and _same_value(gold_text[letter.end() :], text[label.end() :], options) is False:
            return Outcome(False, "the option's letter with another value")
        return Outcome(same, "the option's letter")
    if letter and not label and _same_value(gold_text[letter.end() :], text, options):
        return Outcome(True, "the option's value")
    return None


_OPENS = re.compile(r"(yes|no|true|false)(?:[,;:.]|\s[-–—])\s(.{1,300})$", re.I | re.S)
_UNSURE = re.compile(
    r"\b(?:but|however|unless|except|maybe|perhaps|although|though|or|yes|no|true|false|only|wait|actually|"
    r"incorrect|wrong|if|sometimes|depends)\b",
    re.I,
)
_DENIES = re.compile(r"\b(?:not|never|cannot)\b|n['’]t\b", re.I)


def _opening_word(text: str) -> str | None:
    """The truth value of "Yes, it is a right triangle", where nothing behind it says otherwise."""
    match = _OPENS.match(text)
    if match is None or _UNSURE.search(match[2]):
        return None
    meant = words.synonym(match[1])
    return None if meant == "true" and _DENIES.search(match[2]) else meant


def _same_value(gold_text: str, text: str, options: AnswerOptions) -> bool | None:
    """Whether (B) 5 and (B) 7 say the same behind the letter; None where it is not read on both sides."""
    ours, theirs = read(gold_text.strip()).node, read(text.strip()).node
    if ours is None or theirs is None or isinstance(ours, Text) or isinstance(theirs, Text):
        return None
    return compare(ours, theirs, options).equal


def _names_the_next(gold_text: str, letter: re.Match[str]) -> bool:
    """A: 3, B: 5 and (a) 3 (b) 5 label two values, and are no option."""
    following = chr(ord(next(filter(None, letter.groups()))) + 1)
    return re.search(rf"[\s,;]\(?{following}[.:)]", gold_text[letter.end() :]) is not None


def _decided(expected: Reading, answer: Reading, options: AnswerOptions) -> tuple[Outcome, str]:
    outcome = _first(expected, answer, options)
    if outcome.equal is not None or expected.node is None or answer.node is None:
        return outcome, "first"
    if len(answer.text) > _MAX_SYMBOLIC or len(expected.text) > _MAX_SYMBOLIC:
        return Outcome(False, "too long to work out"), "first"
    if not any(isinstance(node, Big) for node in (*walk(expected.node), *walk(answer.node))):
        return outcome, "first"
    return _second(expected.node, answer.node)


def _first(expected: Reading, answer: Reading, options: AnswerOptions) -> Outcome:
    assert expected.node is not None  # noqa: S101
    answer_node = answer.node or answer.as_amount
    assert answer_node is not None  # noqa: S101
    outcome = compare(expected.node, answer_node, options)
    for wanted, answer_reading in _other_readings(expected, answer):
        if outcome.equal:
            break
        other = compare(wanted, answer_reading, options)
        outcome = other if other.equal else outcome
    return outcome


def _other_readings(expected: Reading, answer: Reading) -> Iterator[tuple[Node, Node]]:
    """100,200 may be two numbers, and 3,14 the decimal 3.14 where a decimal is wanted."""
    if expected.node is None or answer.node is None:
        return
    if expected.as_list or answer.as_list:
        yield expected.as_list or expected.node, answer.as_list or answer.node
    if answer.as_amount and (isinstance(expected.node, Quantity | Call) or isinstance(answer.as_amount, Num)):
        yield expected.node, answer.as_amount
    if "\\times" in answer.text and "\\times" in expected.text:
        yield _with_arrows(expected), _with_arrows(answer)
    comma = _DECIMAL_COMMA.fullmatch(answer.text)
    if comma and isinstance(expected.node, Num | Neg) and "." in expected.text:
        decimal = read(f"{comma[1]}.{comma[2]}").node
        if decimal is not None:
            yield expected.node, decimal
    thousandths = _THOUSANDTHS.fullmatch(expected.text) if "0," in expected.text else None
    if thousandths and isinstance(answer.node, Num | Neg) and "." in answer.text:
        decimal = read(f"{thousandths[1]}.{thousandths[2]}").node
        if decimal is not None:
            yield decimal, answer.node


def _with_arrows(reading: Reading) -> Node:
    """a \\times b as the product of two vectors, in which the order counts."""
    node = read(_LETTERS_CROSSED.sub(r"\\vec{\1}\\times \\vec{\2}", reading.text)).node
    assert reading.node is not None  # noqa: S101
    return node or reading.node


def _second(expected: Node, answer: Node) -> tuple[Outcome, str]:
    """Sympy's word on the two values; the sides of an equation are compared in pairs."""
    left = expected.sides if isinstance(expected, Relation) and set(expected.ops) == {"="} else (expected,)
    right = answer.sides if isinstance(answer, Relation) and set(answer.ops) == {"="} else (answer,)
    if len(left) != len(right):
        # a formula with its value against the value
        left, right = left[-1:], right[-1:]
    for one, other in zip(left, right, strict=True):
        same = compare(one, other, _ANY_FORM).equal
        if same is None and len(left) == 1:
            same = symbolic.equal(one, other)
        if not same:
            return Outcome(False, "not decided by sympy" if same is None else "different by sympy"), "second"
    return Outcome(True, "equal by sympy"), "second"
