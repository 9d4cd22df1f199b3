"""One side of a comparison, read: its normalised text and its shape. Bounded, cached, never raises."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, lru_cache

from reward_verifiers.answer import words
from reward_verifiers.answer.nodes import Neg, Node, Num, Text
from reward_verifiers.answer.normal_form import canonical
from reward_verifiers.answer.normalise import TEXT_COMMAND, normalise
from reward_verifiers.answer.parser import parse
from reward_verifiers.answer.tokens import CannotRead

MAX_READ = 2_000
"""Characters; longer ones are not read by the first stage."""
_INTEGER = re.compile(r"-?\d{1,100}", re.A)
_THOUSANDS = re.compile(r"\d,\d{3}")
_WORDS = re.compile(r"[^\W\d_]{2,}")
_NOT_TEXT = re.compile(r"[\\{}^_=<>|\[\]]")
_TIME = re.compile(r"\d{1,2}(?::\d{2}){1,2}\s?(?:[ap]\.?\s?m\.?)|\d{1,2}:\d{2}:\d{2}", re.I)
_SPACED_UNIT = re.compile(r"(-?\d[\d.,]{0,20}) ([mgshLNJWVKA](?:/[smgh])?(?:\^\{?[23]\}?)?)")


@dataclass(frozen=True)
class Reading:
    text: str
    """Normalised."""
    node: Node | None
    """None: the first stage cannot read it."""
    as_list: Node | None = None
    """The other reading of 100,200: two numbers."""
    problem: str = ""

    @cached_property
    def canonical(self) -> str:
        """The normal form as text; equal answers mostly share it."""
        return canonical(self.node) if self.node is not None else self.text


@lru_cache(maxsize=4096)
def read(text: str) -> Reading:
    """The reading of an answer."""
    if len(text) > MAX_READ:
        return Reading(text, None, problem="too long")
    plain = normalise(text)
    if not plain:
        return Reading(plain, None, problem="empty")
    if _INTEGER.fullmatch(plain):
        number = Num(Fraction(abs(int(plain))))
        return Reading(plain, Neg(number) if plain[0] == "-" else number)
    content = text_content(plain)
    if words.synonym(content) or _TIME.fullmatch(content):
        return Reading(plain, Text(content))
    if content.lower() in words.NUMBERS:
        return Reading(plain, Num(Fraction(words.NUMBERS[content.lower()])))
    node, problem = _parsed(plain, thousands=True)
    if node is None and plain.count("=") == 1:
        label, _, value = plain.partition("=")
        # A label that is no expression: \angle ABC = 40, Total cost = 5.
        if len(label) <= 60 and not any(char.isdigit() for char in label) and value.strip():
            node, problem = _parsed(value.strip(), thousands=True)
    if node is None and _WORDS.search(plain) and not _NOT_TEXT.search(content):
        node = Text(content)
    as_list = _parsed(plain, thousands=False)[0] if _THOUSANDS.search(plain) else None
    return Reading(plain, node, as_list if as_list != node else None, problem)


@lru_cache(maxsize=2048)
def read_gold(text: str) -> Reading:
    """The reading of a reference: like `read`, but a letter that stands apart from its number is a unit."""
    apart = _SPACED_UNIT.fullmatch(text.strip(" $"))
    return read(f"{apart[1]}\\text{{{apart[2]}}}") if apart else read(text)


def _parsed(text: str, thousands: bool) -> tuple[Node | None, str]:
    try:
        return parse(text, thousands), ""
    except CannotRead as error:
        return None, str(error)
    except (RecursionError, ZeroDivisionError, ValueError) as error:
        return None, type(error).__name__


def text_content(text: str) -> str:
    """The words of a normalised answer, without \\text{} around them."""
    return " ".join(TEXT_COMMAND.sub(r" \1 ", text).split())
