"""How the last sentence of a text ends: in bold, with a sum that is worked out, with a value.

The ratio is **2 : 3**.    Nick has 8 x 2 = 16 candies left.    They meet at the point (2, -1).
"""

from __future__ import annotations

import re
from fractions import Fraction
from itertools import islice

from reward_verifiers.answer.extraction.guards import BOUNDS_AFTER, changed_after, changed_before
from reward_verifiers.answer.extraction.numbers import objection_before, unit_behind
from reward_verifiers.answer.extraction.spans import (
    ANY_WORD,
    DENIED_AFTER,
    JOINER,
    MAX_CHAIN,
    SENTENCE_END,
    TAIL,
    Extraction,
    bare_line,
    is_negated,
    undecorated,
)
from reward_verifiers.answer.reading import units, words
from reward_verifiers.answer.reading.nodes import Text
from reward_verifiers.answer.reading.reader import read

_MAX_LINE = 400
_MAX_STARTS = 8

_BOLD = re.compile(r"\*\*(?=[^\s*])((?:[^*\n]|\*(?!\*)){1,200})\*\*|__(?=[^\s_])((?:[^_\n]|_(?!_)){1,200})__")
_MARKS = " \t.!。,;:*_"


def emphasised(text: str, single: bool = True) -> Extraction | None:
    """The last stretch in bold and what stands behind it, at the end of the last line: "The ratio is **2 : 3**." """
    line = undecorated(text[-TAIL:].rstrip().rsplit("\n", 1)[-1])
    stretches = list(_BOLD.finditer(line)) if len(line) <= _MAX_LINE else []
    if not stretches:
        return None
    last = stretches[-1]
    content, rest = (last[1] or last[2]).strip(), line[last.end() :].strip(_MARKS)
    if content.endswith(":") or line.startswith(":", last.end()) or SENTENCE_END.search(rest):
        return None
    if rest and not any(map(str.isdigit, content)) and not _is_tail(rest):
        return None
    if any(map(str.isdigit, rest)) or "=" in rest:
        return None
    contents, first = [f"{content} {rest}".strip(_MARKS)], last
    for stretch in reversed(stretches[:-1][-MAX_CHAIN:]):
        if not single or not JOINER.fullmatch(line, stretch.end(), first.start()):
            break
        contents.append((stretch[1] or stretch[2]).strip())
        first = stretch
    before, after = line[: first.start()], line[last.end() :]
    if single and first is last and _TERM_BEFORE.search(before):
        return Extraction(None, "emphasised", "it is a term of a sum or a product")
    if single and (objection_before(before, contents[-1]) or DENIED_AFTER.match(after) or changed_after(after)):
        return Extraction(None, "emphasised", "the answer is denied, or a bound")
    return Extraction(", ".join(dict.fromkeys(reversed(contents))), "emphasised")


_TERM_BEFORE = re.compile(r"[\w)]\s?[+×·÷]\s?$")
"""1 + **42**."""


def _is_tail(rest: str) -> bool:
    parts = rest.split()
    return words.is_tail(parts) or (len(parts) == 1 and words.stem(rest) is not None)


# --- sums that are worked out -----------------------------------------------------------------------------------------

_PIECE = re.compile(
    r"(?P<number>[0-9][0-9,]*(?:\.[0-9]+)?|\.[0-9]+)|(?P<sign>[-+*/×·÷−–]|\bx\b)|(?P<word>[A-Za-z]+)|\S"
)
_RESULT = re.compile(
    r"\s?[$€£＄]?\s?(-?[0-9][0-9,]*(?:\.[0-9]+)?)(?![0-9]|[.,:][0-9]|\s?[-+*^×·÷=²³π√!%:(]\s?[^\s]|\s?/\s?[^A-Za-z])"
)
_SIGNS = {"x": "*", "×": "*", "·": "*", "÷": "/", "−": "-", "–": "-"}
_GOES_ON = re.compile(
    r"[,;:]|\b(?:so|thus|hence|therefore|then|and|but|or|which|leaving|plus|minus|not)\b|\bthan\s*$", re.I
)
_TAKEN_BACK = re.compile(
    r"\b(?:wait|wrong|incorrect|mistake|correction|actually|oops|sorry|instead|rather|excluded)\b|[=?]", re.I
)
_MAX_NUMBERS = 30
_MAX_UNIT = 4
_LONG = 40
"""Digits of a number that no one works with in a sentence."""


def worked(text: str, single: bool = True) -> Extraction | None:
    """The result of the last sum in the last sentence, where that sum is right: "Nick has 8 x 2 = 16 candies." """
    line = last_sentence(text)
    at = line.rfind("=")
    result = _RESULT.match(line, at + 1) if at > 0 else None
    if result is None or len(result[1]) > _LONG:
        return None
    total, start = _value_before(line[:at])
    lead, rest = line[:start], line[result.end() :]
    if total is None or total != _number(result[1]) or len(ANY_WORD.findall(lead)) < 2:
        return None
    if is_negated(lead[-60:]) or changed_before(lead):
        return Extraction(None, "worked", "the answer is denied, or a bound")
    if _TAKEN_BACK.search(rest):
        return None
    digit = next((index for index, sign in enumerate(rest) if sign.isdigit()), None)
    if digit is not None and _GOES_ON.search(rest[:digit]):
        return None
    behind = ANY_WORD.match(rest.lstrip())
    if behind and behind[0].lower() in words.NUMBER_CHANGING and behind[0].lower() not in _COUNTED:
        return None
    if _ANOTHER.match(rest):
        return Extraction(None, "worked", "the answer is denied, or a bound")
    return Extraction(result[0].strip() + unit_behind(rest), "worked")


_ANOTHER = re.compile(
    r"\s(?:times|to)\s[$€£]?[0-9]"
    rf"|(?:\s[^\W\d_]{{1,20}}){{0,2}}\s(?:{BOUNDS_AFTER})\b",
    re.I,
)
"""20 times 3, 20 to 30, 20 miles at most. More than is no bound here: a sum says how much more."""
_COUNTED = frozenset({"times", "pairs", "without", "between", "if"})
"""Behind a result, these are things or begin a remark."""


def _number(digits: str) -> Fraction:
    return Fraction(digits.replace(",", ""))


def _value_before(text: str) -> tuple[Fraction | None, int]:
    """The value of the plain sum that ends a text, and where it starts: numbers, units behind them, signs between."""
    pieces = list(_PIECE.finditer(text[-_MAX_LINE:]))
    offset = max(0, len(text) - _MAX_LINE)
    numbers: list[str] = []
    signs: list[str] = []
    start = len(text)
    while pieces and len(numbers) < _MAX_NUMBERS:
        _drop_unit(pieces)
        if not pieces or pieces[-1].lastgroup != "number" or len(pieces[-1][0]) > _LONG:
            break
        numbers.append(pieces[-1][0])
        start = offset + pieces.pop().start()
        if pieces and pieces[-1][0] in ("$", "€", "£"):
            start = offset + pieces.pop().start()
        if not pieces or pieces[-1].lastgroup != "sign":
            break
        signs.append(_SIGNS.get(pieces[-1][0], pieces[-1][0]))
        pieces.pop()
    if len(numbers) < 2 or len(signs) != len(numbers) - 1:
        return None, start
    return _worked_out(numbers[::-1], signs[::-1]), start


def _drop_unit(pieces: list[re.Match[str]]) -> None:
    """Passes back over the words of a unit: 75 kilograms, 4 grams/day."""
    dropped = 0
    while pieces and dropped < _MAX_UNIT and pieces[-1].lastgroup == "word":
        pieces.pop()
        dropped += 1
        if len(pieces) > 1 and pieces[-1][0] == "/" and pieces[-2].lastgroup in ("word", "number"):
            pieces.pop()


def _worked_out(numbers: list[str], signs: list[str]) -> Fraction | None:
    terms = [_number(numbers[0])]
    for sign, digits in zip(signs, numbers[1:], strict=True):
        value = _number(digits)
        if sign == "*":
            terms[-1] *= value
        elif sign == "/":
            if value == 0:
                return None
            terms[-1] /= value
        else:
            terms.append(value if sign == "+" else -value)
    return sum(terms, Fraction(0))


# --- values -----------------------------------------------------------------------------------------------------------

_MORE_BEFORE = re.compile(r"(?:(?:^|[\s(])[A-Ja-j][).:]|[-+−–*/^=<>≤≥≠×·÷])\s{0,2}$")
"""An option's letter, or a sign, that belongs to what stands behind it."""
_START = re.compile(r"(?<![^\s*:])\*{0,2}(?=[-−+(\[{$€£√π.\\]{0,3}[0-9π√])")


_VALUE = re.compile(r"[0-9][0-9.,]{0,20}\s?([A-Za-zµ°]{1,14}(?:[/^][A-Za-z0-9]{1,6})?)")


_CIRCUMSTANCE = re.compile(rf"\b{words.CIRCUMSTANCE}\s$", re.I)
_RESTATES = re.compile(r",\s(?:that|which) (?:is|equals)\s")
"""For 4 people, that is 36 slices: 4 and 36 are not the same."""


def _without_unit(match: re.Match[str]) -> str:
    """A unit makes no sentence: "650 cm | 250 cm"."""
    return " " if units.spelled(match[1]) or words.stem(match[1].lower()) else match[0]


def last_sentence(text: str) -> str:
    """The last sentence of the last line, without emphasis; empty where the line is long."""
    line = bare_line(text[-TAIL:].rstrip().rsplit("\n", 1)[-1])
    if len(line) > _MAX_LINE:
        return ""
    line = _BOLD.sub(lambda bold: bold[1] or bold[2], line)
    ends = [match.end() for match in SENTENCE_END.finditer(line) if match.end() < len(line)]
    return (line[ends[-1] :] if ends else line).strip().rstrip(".!。")


def sentence_end(text: str, single: bool = True) -> Extraction | None:
    """The longest end of the last sentence that begins with a number and is read whole: "They meet at (2, -1)." """
    line = last_sentence(text)
    for match in islice(_START.finditer(line), _MAX_STARTS):
        before, content = line[: match.start()], line[match.end() :]
        if "\\" in before:
            break
        if not ANY_WORD.search(_VALUE.sub(_without_unit, before)):
            continue
        if _CIRCUMSTANCE.search(before) and _RESTATES.search(content):
            continue
        reading = read(content)
        if (reading.node is None and reading.as_amount is None) or isinstance(reading.node, Text):
            continue
        if single and (_MORE_BEFORE.search(before) or objection_before(before, content)):
            return None
        return Extraction(content, "sentence_end")
    return None
