"""One side of a comparison, read: its normalised text and its tree. Bounded, cached, never raises.

text ──▶ normalise ──▶ a number? words in a list? a time? ──▶ parse ──▶ Reading(node) or Reading(None, left_over)
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache

from reward_verifiers.answer.reading import labels, numerals, parts, units, words
from reward_verifiers.answer.reading.nodes import Call, Neg, Node, Num, Quantity, Relation, Sym, Text, Time
from reward_verifiers.answer.reading.normalise import TEXT_COMMAND, normalise, without_another
from reward_verifiers.answer.reading.parser import parse
from reward_verifiers.answer.reading.tokens import CannotRead

MAX_READ = 2_000
"""Characters; longer ones are not read."""
_INTEGER = re.compile(r"-?[0-9]{1,100}")
_THOUSANDS = re.compile(r"[0-9],[0-9]{3}")
_PLAIN_WORDS = re.compile(r"[^\W\d_]{2,}(?:['’.-]{0,2}[\s,][^\W\d_]{1,}|['’-][^\W\d_]+)*[.!]?")
_TIME = re.compile(
    r"[0-9]{1,2}(?::[0-9]{2}){0,2}\s?(?:[ap]\.?\s?m\.?|in the (?:morning|afternoon|evening)|at night)"
    r"|[0-9]{1,2}:[0-9]{2}:[0-9]{2}|(?:12(?::00)? )?(?:noon|midnight)",
    re.I,
)
_THOUSAND = re.compile(r"(-?[0-9]{1,6}(?:\.[0-9]{1,3})?)\s?k")
_SPACED_UNIT = re.compile(
    r"(-?[0-9][0-9.,eE+-]{0,20}(?:\s?(?:\\times|\\cdot|×|x|\*)\s?10\^\{?-?[0-9]{1,3}\}?)?)"
    r" (/?[A-Za-zµΩ°][A-Za-zµΩ°/^*·. 0-9(){}-]{0,40})"
)

_AMOUNT = re.compile(
    r"(-?[0-9][0-9.]{0,20}[eE][-+]?[0-9]{1,4}|-?[0-9][0-9.,]{0,20}|-?[0-9.]{1,20}\s?\\times\s?10\^\{?-?[0-9]{1,4}\}?)"
    r"\s?(/?\s?[A-Za-zµ°][A-Za-zµ°/^*·. 0-9(){}-]{0,40})"
)
_COMPOUND = re.compile(r"(?:[0-9]{1,9}(?:\.[0-9]{1,9})?\s?[A-Za-z]{1,12}\.?(?:\s(?:and\s)?|(?=[0-9])|$)){2,3}")
_PART = re.compile(r"([0-9.]+)\s?([A-Za-z]+\.?)")
MAX_AMOUNT = 60
_NO_UNIT = "0123456789.,+-*/^(){} "
_FEET = re.compile(r"([0-9]{1,6})'\s?([0-9]{1,2}(?:\.[0-9]{1,6})?)(?:\"|'')")
_RATIO = re.compile(r"([0-9]{1,9}) (?:to|in|out of) ([0-9]{1,9})")


@dataclass(frozen=True)
class Reading:
    text: str
    """Normalised."""
    node: Node | None
    """None: it is not read."""
    as_list: Node | None = None
    """The other reading of 100,200: two numbers."""
    problem: str = ""
    left_over: str = ""
    """What no rule accounts for."""
    as_amount: Node | None = None
    """The other reading of 5 g/cm^3: a number with a unit, where letters might be unknowns; of 2 to 3: a ratio."""


@lru_cache(maxsize=2048)
def read(text: str) -> Reading:
    """The reading of a text."""
    if len(text) > MAX_READ:
        return Reading(text[:MAX_READ], None, problem="too long", left_over=text[MAX_READ : MAX_READ + 100])
    plain = normalise(text)
    if not plain.strip("＄ "):
        return Reading(plain, None, problem="empty")
    if _INTEGER.fullmatch(plain):
        number = Num(Fraction(abs(int(plain))))
        return Reading(plain, Neg(number) if plain[0] == "-" else number)
    content = text_content(plain)
    node = _from_lists(content)
    if node is not None:
        return Reading(plain, node)
    node = _labelled(plain, labels.MISREAD) or parts.parts(content, lambda part: _parsed(part, thousands=True)[0])
    if node is not None:
        return Reading(plain, node)
    plain = labels.without_line(plain)
    node, problem, left_over = _parsed(plain, thousands=True)
    if node is None and (named := _labelled(plain, labels.UNREAD)):
        return Reading(plain, named)
    if node is None and _PLAIN_WORDS.fullmatch(content):
        return Reading(plain, Text(content))
    as_list = _parsed(plain, thousands=False)[0] if _THOUSANDS.search(plain) else None
    counted = isinstance(node, Quantity) and "\\text" in plain
    as_amount = _amount(content) if plain[:1] in "-0123456789." and not counted else None
    left_over = left_over or (plain if node is None else "")
    return Reading(plain, node, as_list if as_list != node else None, problem, left_over, as_amount)


def _labelled(plain: str, notation: re.Pattern[str]) -> Node | None:
    """P(A|B) = 1/3 names its value by the quantity of the problem that stands before it."""
    parts = labels.split(plain, notation)
    if parts is None:
        return None
    name, sign, rest = parts
    node = _parsed(rest, thousands=True)[0]
    if node is None:
        return None
    if isinstance(node, Relation):
        chain = set(node.ops) <= {"=", "~"}
        return Relation((sign, *node.ops), (Sym(name), *node.sides)) if chain else None
    return Relation((sign,), (Sym(name), node))


def _amount(content: str) -> Node | None:
    if not content.strip(_NO_UNIT):
        return None
    thousands = _THOUSAND.fullmatch(content) if content[-1:] == "k" else None
    if thousands:
        return Num(Fraction(thousands[1]) * 1000)
    ratio = _RATIO.fullmatch(content)
    if ratio:
        return Call("ratio", (Num(Fraction(int(ratio[1]))), Num(Fraction(int(ratio[2])))))
    feet = _FEET.fullmatch(content)
    if feet:
        return _parsed(f"{feet[1]}\\text{{ ft}} {feet[2]}\\text{{ in}}", thousands=True)[0]
    compound = _compound(content)
    if compound:
        return _parsed(compound, thousands=True)[0]
    match = _AMOUNT.fullmatch(content)
    if match is None or not units.spelled(match[2], things="/" in match[2]):
        return None
    if match[2][0] == "/":
        value, unit = _parsed(match[1], thousands=True)[0], units.spelled(match[2])
        return Quantity(value, unit) if value is not None and unit else None
    return _parsed(f"{match[1]}\\text{{ {match[2]}}}", thousands=True)[0]


def _compound(content: str) -> str | None:
    """2 h 30 min, 5 lb 8 oz: amounts of units that convert into each other, as one text; else None."""
    if not _COMPOUND.fullmatch(content):
        return None
    written = _PART.findall(content)
    if units.spelled(written[0][1]) == "hour":
        written = [(value, "min" if unit == "m" else unit) for value, unit in written]  # 2h 30m
    parts = [(value, unit, units.spelled(unit)) for value, unit in written]
    first = parts[0][2]
    if not all(first and name and units.factor(name, first) is not None for _, _, name in parts):
        return None
    return " ".join(f"{value}\\text{{ {unit}}}" for value, unit, _ in parts)


def _from_lists(content: str) -> Node | None:
    """What a closed list has: a synonym, a time of day, a number in words."""
    if words.synonym(content):
        return Text(content)
    if _TIME.fullmatch(content):
        return Time(content)
    counted = content[:-1] if content[-1:] in words.CJK_HARMLESS else content  # 七个
    value = numerals.number(counted) if content[:1].isalpha() else None
    if value is None and " " in content and content[0].isalpha():
        spoken, _, unit = content.rpartition(" ")
        value, name = numerals.number(spoken), units.spelled(unit)
        return Quantity(Num(value), name) if value is not None and value >= 0 and name else None
    if value is None:
        return None
    return Num(value) if value >= 0 else Neg(Num(-value))


def read_answer(text: str) -> Reading:
    """The reading of an answer: like `read`, but "18, not 20" is 18."""
    reading = read(text)
    if reading.node is None and (alone := without_another(reading.text)) and read(alone).node is not None:
        return read(alone)
    return reading


@lru_cache(maxsize=1024)
def read_gold(text: str) -> Reading:
    """The reading of a reference: like `read`, but a letter that stands apart from its number is a unit."""
    apart = _SPACED_UNIT.fullmatch(text.strip(" $"))
    if apart and apart[2] == "M":
        return read(f"{apart[1]}\\text{{ molar}}")
    if apart and units.spelled(apart[2]):
        unit = f"per {apart[2][1:]}" if apart[2][0] == "/" else apart[2]
        return read(f"{apart[1]}\\text{{ {unit}}}")
    compound = _compound(text.strip(" $")) if len(text) < MAX_AMOUNT else None
    reading = read(compound or text)
    if reading.node is None and isinstance(reading.as_amount, Call):
        return replace(reading, node=reading.as_amount, problem="", left_over="")  # 3 to 1
    return reading


def _parsed(text: str, thousands: bool) -> tuple[Node | None, str, str]:
    try:
        return parse(text, thousands), "", ""
    except CannotRead as error:
        return None, str(error), error.left_over
    except (RecursionError, ZeroDivisionError, ValueError, OverflowError) as error:
        return None, type(error).__name__, text


def text_content(text: str) -> str:
    """The words of a normalised answer, without \\text{} around them."""
    if "\\text" in text or "\\m" in text or "\\operatorname" in text:
        text = TEXT_COMMAND.sub(r" \1 ", text)
    return " ".join(text.split())
