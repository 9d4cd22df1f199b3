"""The mathematical kinds: math, number, unit, set, list. First our own reader and decider, then math-verify.

reference ──▶ gold()  ──┐
answer    ──▶ read()  ──┴─▶ decide.compare ──▶ equal | different | not known ──▶ symbolic.equal
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from reward_verifiers.answer import symbolic, words
from reward_verifiers.answer.decide import compare
from reward_verifiers.answer.evaluate import NotHere, TooLarge, numeric, rational
from reward_verifiers.answer.extract import candidates
from reward_verifiers.answer.judged import Judged, Outcome, clipped
from reward_verifiers.answer.nodes import Neg, Node, Num, Quantity, Seq, Text, Unevaluated, symbols, walk
from reward_verifiers.answer.options import AnswerOptions
from reward_verifiers.answer.reading import Reading, read, read_gold, text_content
from reward_verifiers.verifier import BadReference

_SOLUTION = 200
"""Characters from which a reference is a worked solution, to look for the answer in."""
_MAX_SYMBOLIC = 600
"""Characters of an answer that the second stage is given."""
_LETTER = re.compile(r"\(?([A-J])\)?")
_LABELLED = re.compile(r"(?:(?:option|choice|answer)\s)?(?:\(([A-J])\)|([A-J])(?:[.):]|$))(?![^\s])", re.I)
_LOOSE_SPACE = re.compile(r"(?<!\w)\s+|\s+(?!\w)")
"""White space that separates no two words or numbers."""
_TRUTH = frozenset({"true", "false"})
_OTHER_LETTER = re.compile(r"\([A-J]\)|(?:\bor|\band|,|/|;)\s{0,3}(?:option )?[A-J]\b")
_LETTERS = re.compile(r"\(?[A-J]\)?(?:(?:\s?[,，、;&]\s?(?:and )?|\sand\s)\(?[A-J]\)?){1,9}")
_DECIMAL_COMMA = re.compile(r"(-?\d{1,20}),(\d{1,2}|\d{4,20})")
_BIG = re.compile(r"\\(?:int|iint|oint|sum|prod|lim|det|gcd|lcm|b?mod|pmod|frac\{d)(?![a-z])|∫|∑|∏")


def text_of(answer: Any) -> str:
    """A reference's answer as text: out of its box, and out of the solution where that is given."""
    if isinstance(answer, list):
        return ", ".join(text_of(item) for item in answer)
    text = str(answer).strip()
    if "boxed{" not in text and len(text) < _SOLUTION and "####" not in text:
        return text
    found = next(iter(candidates(text, ("boxed", "####", "phrase"), True, False)), None)
    return found.text.strip() if found and found.text else text


@lru_cache(maxsize=2048)
def gold(text: str) -> Reading:
    """A reference, read once. Raises BadReference when neither stage can."""
    reading = read_gold(text)
    if reading.problem == "empty":
        raise BadReference("the reference answer is empty")
    if reading.node is None and not symbolic.parsed(reading.text[:_MAX_SYMBOLIC]):
        raise BadReference(f"the reference answer cannot be read as mathematics: {clipped(text, 100)!r}")
    return reading


def check(answer: Any, options: AnswerOptions) -> None:
    """Raises BadReference when the reference does not fit its kind."""
    reading = gold(text_of(answer))
    if options.kind == "number" and (reading.node is None or not _is_number(reading.node)):
        raise BadReference(f"the reference answer is no number: {clipped(reading.text, 100)!r}")
    if options.kind == "unit" and not (isinstance(reading.node, Quantity) and reading.node.unit):
        raise BadReference(f"the reference answer has no known unit: {clipped(reading.text, 100)!r}")


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
    """Whether the first stage alone reads the reference, so that it cannot be what was costly."""
    node = read_gold(text_of(reference)).node
    return node is not None and not any(isinstance(inner, Unevaluated) for inner in walk(node))


def is_prose(text: str, reference: Any) -> bool:
    """Whether a candidate is a sentence to look into, not an answer: words, where the reference is none."""
    reading = read(text)
    expected = gold(text_of(reference)).node
    if isinstance(expected, Text) or reading.node is not None:
        return isinstance(reading.node, Text) and not isinstance(expected, Text) and words.synonym(text) is None
    return " " in reading.text


def is_aside(text: str, reference: Any) -> bool:
    """Whether a formula holds unknowns where the reference is a number: it was written on the way."""
    node, expected = read(text).node, gold(text_of(reference)).node
    return bool(node is not None and symbols(node) and expected is not None and _is_number(expected))


def judge(reference: Any, text: str, options: AnswerOptions) -> Judged:
    """Whether an extracted answer equals the reference."""
    expected, found = gold(text_of(reference)), read(text)
    outcome, stage = _decided(expected, found, options)
    return Judged(bool(outcome.equal), outcome.rule, stage, found.canonical, expected.canonical)


def _policy(options: AnswerOptions) -> AnswerOptions:
    """What a kind implies."""
    if options.kind == "unit" and options.units == "ignore":
        return options.model_copy(update={"units": "convert"})
    if options.kind == "set":
        return options.model_copy(update={"order": "any"})
    if options.kind == "list":
        return options.model_copy(update={"order": "strict"})
    return options


def _decided(expected: Reading, found: Reading, options: AnswerOptions) -> tuple[Outcome, str]:
    options = _policy(options)
    if found.problem == "too long" and len(expected.text) * 2 < len(found.text):
        return Outcome(False, "too long for an answer"), "first"
    outcome = _as_words(text_content(expected.text), text_content(found.text), expected, found)
    if outcome is None:
        outcome = _first(expected, found, options)
    if outcome.equal is not None:
        return outcome, "first"
    return _second(expected, found, options)


def _as_words(gold_text: str, text: str, expected: Reading, found: Reading) -> Outcome | None:
    """What is decided by the words alone: the same words, an option's letter, a time of day. None: nothing."""
    either = isinstance(expected.node, Text) or isinstance(found.node, Text)
    if either and words.plain(gold_text) == words.plain(text):
        return Outcome(True, "the same words")
    meant = words.synonym(gold_text) or words.INITIALS.get(gold_text.lower())
    said = words.synonym(text) or words.INITIALS.get(text.lower())
    if either and meant in _TRUTH and said in _TRUTH:
        return Outcome(meant == said, "the same truth value" if meant == said else "the other truth value")
    letter = _LETTER.fullmatch(gold_text) or _LABELLED.match(gold_text)
    label = _LABELLED.match(text)
    if letter and label and not _OTHER_LETTER.search(text, label.end()):
        same = (label[1] or label[2]).upper() == (letter[1] or letter[2]).upper()
        return Outcome(same, "the option's letter")
    if _LETTERS.fullmatch(text) and (_LETTERS.fullmatch(gold_text) or _is_run(gold_text)):
        same = {char for char in gold_text if char.isupper()} == {char for char in text if char.isupper()}
        return Outcome(same, "the options' letters")
    times = words.clock(gold_text), words.clock(text)
    if times[0] and times[1] and either:
        same = times[0].same(times[1])
        return Outcome(same, "the same time" if same else "another time")
    return None


def _is_run(text: str) -> bool:
    """Whether it is options' letters without anything between them, none twice: ACD."""
    return 2 <= len(text) <= 8 and len(set(text)) == len(text) and set("ABCDEFGHIJ").issuperset(text)


def _first(expected: Reading, found: Reading, options: AnswerOptions) -> Outcome:
    if expected.node is None or found.node is None:
        if _LOOSE_SPACE.sub("", expected.text) == _LOOSE_SPACE.sub("", found.text):
            return Outcome(True, "the same text")
        if isinstance(expected.node, Text):
            return Outcome(False, "words against something else")
        if expected.node is not None and not symbols(expected.node) and not isinstance(expected.node, Seq):
            return Outcome(False, f"cannot be read as an answer: {found.problem}")
        return Outcome(None, "not read")
    outcome = compare(expected.node, found.node, options)
    for wanted, given in _other_readings(expected, found):
        if outcome.equal:
            break
        other = compare(wanted, given, options)
        outcome = other if other.equal else outcome
    return outcome


def _other_readings(expected: Reading, found: Reading) -> Iterator[tuple[Node, Node]]:
    """100,200 may be two numbers, and 3,14 the decimal 3.14 where a decimal is wanted."""
    if expected.node is None or found.node is None:
        return
    if expected.as_list or found.as_list:
        yield expected.as_list or expected.node, found.as_list or found.node
    comma = _DECIMAL_COMMA.fullmatch(found.text)
    if comma and isinstance(expected.node, Num | Neg) and "." in expected.text:
        decimal = read(f"{comma[1]}.{comma[2]}").node
        if decimal is not None:
            yield expected.node, decimal


def _second(expected: Reading, found: Reading, options: AnswerOptions) -> tuple[Outcome, str]:
    if len(found.text) > _MAX_SYMBOLIC or len(expected.text) > _MAX_SYMBOLIC:
        return Outcome(False, "too long to work out"), "first"
    if options.form == "evaluated" and _BIG.search(found.text) and not _BIG.search(expected.text):
        return Outcome(False, "not worked out"), "first"
    if isinstance(found.node, Text) or not found.text:
        return Outcome(False, "words against maths"), "first"
    return Outcome(symbolic.equal(expected.text, found.text), "math-verify"), "second"
