"""`calculate`: exact arithmetic over rational numbers, by a grammar of its own, each step bounded.

    sum     = product (("+" | "-") product)*
    product = signed (("*" | "/" | "//" | "%") signed)*
    signed  = ("+" | "-") signed | power
    power   = factor ("**" signed)?            right to left, and above a sign on its left: -2**2 = -4
    factor  = atom "!"*
    atom    = number | "(" sum ")" | name "(" sum ("," sum)* ")" | "pi" | "e"

Roots and the two constants have 40 digits, and what comes of them is marked with ≈.
"""

from __future__ import annotations

import asyncio
import decimal
import math
import re
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import NamedTuple

from pydantic import Field

from reward_tools.calling import Arguments, Output, Refused, SessionState

MAX_LENGTH = 1000
MAX_DEPTH = 50
MAX_BITS = 20_000
_DIGITS = 40
_SHOWN = 15
_LONGEST = 200
"""Digits of a number that is written out."""
_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+(?:,\d{3})+(?:\.\d+)?(?![\d,])|\d+\.?\d*(?:[eE][+-]?\d{1,4})?|\.\d+(?:[eE][+-]?\d{1,4})?)"
    r"|(?P<name>[A-Za-z_]\w*|π|√)|(?P<sign>\*\*|//|[-+*/%^!(),]))"
)
_SPELLED = str.maketrans({"×": "*", "·": "*", "⋅": "*", "÷": "/", "−": "-", "–": "-", "∕": "/", "[": "(", "]": ")"})


class CalculateArguments(Arguments):
    expression: str = Field(
        min_length=1,
        max_length=MAX_LENGTH,
        description="Arithmetic, such as (17/3 + 2**10) * sqrt(2). Functions: sqrt, abs, min, max, round, floor, ceil, gcd, "
        "lcm, factorial, comb.",
    )


class Number(NamedTuple):
    value: Fraction
    is_exact: bool = True


class Calculate:
    name = "calculate"
    description = "Evaluate an arithmetic expression exactly."
    arguments_model = CalculateArguments

    async def ready(self) -> str:
        return ""

    async def run(self, state: SessionState, arguments: CalculateArguments) -> Output:
        return Output(await asyncio.to_thread(calculate, arguments.expression))


def calculate(expression: str) -> str:
    """The value as text. Raises Refused.

    >>> calculate("1/2 + 1/3"), calculate("2**10"), calculate("0.1 + 0.2")
    ('5/6 ≈ 0.833333333333333', '1024', '0.3')
    """
    return _text(_Parser(_tokens(expression.translate(_SPELLED))).whole())


def _tokens(expression: str) -> list[tuple[str, str]]:
    tokens: list[tuple[str, str]] = []
    place, calls = 0, [False]
    while expression[place:].strip():
        match = _TOKEN.match(expression, place)
        if match is None:
            raise Refused(f"cannot read {expression[place:].strip()[:20]!r}: this is no arithmetic")
        kind, text = str(match.lastgroup), match[match.lastgroup or 0]
        if kind == "number" and "," in text and any(calls):  # between arguments a comma divides
            text = text[: text.index(",")]
            place = match.start("number") + len(text)
        else:
            place = match.end()
        if text == "(":
            calls.append(bool(tokens) and tokens[-1][0] == "name")
        elif text == ")" and len(calls) > 1:
            calls.pop()
        tokens.append((kind, text.replace(",", "") if kind == "number" else text))
    return tokens


class _Parser:
    def __init__(self, tokens: Sequence[tuple[str, str]]) -> None:
        self._tokens = [*tokens, ("end", "")]
        self._place = 0
        self._depth = 0

    def whole(self) -> Number:
        value = self._sum()
        if self._peek() != "":
            raise Refused(f"{self._peek()!r} is not expected there")
        return value

    def _peek(self) -> str:
        return self._tokens[self._place][1]

    def _take(self, *texts: str) -> str:
        text = self._peek()
        if text in texts and text:
            self._place += 1
            return text
        return ""

    def _need(self, text: str) -> None:
        if not self._take(text):
            raise Refused(f"{text!r} is missing" + (f" before {self._peek()!r}" if self._peek() else " at the end"))

    def _sum(self) -> Number:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise Refused(f"it is nested more than {MAX_DEPTH} deep")
        value = self._product()
        while sign := self._take("+", "-"):
            value = _applied(sign, value, self._product())
        self._depth -= 1
        return value

    def _product(self) -> Number:
        value = self._signed()
        while sign := self._take("*", "/", "//", "%"):
            value = _applied(sign, value, self._signed())
        return value

    def _signed(self) -> Number:
        signs = 0
        while sign := self._take("+", "-"):
            signs += sign == "-"
        value = self._power()
        return Number(-value.value, value.is_exact) if signs % 2 else value

    def _power(self) -> Number:
        base = self._factor()
        if not self._take("**", "^"):
            return base
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise Refused(f"it is nested more than {MAX_DEPTH} deep")
        exponent = self._signed()
        self._depth -= 1
        return _power(base, exponent)

    def _factor(self) -> Number:
        value = self._atom()
        while self._take("!"):
            value = _FUNCTIONS["factorial"]([value])
        return value

    def _atom(self) -> Number:
        kind, text = self._tokens[self._place]
        self._place += kind != "end"
        if kind == "number":
            return _checked(Number(_literal(text)))
        if text == "(":
            value = self._sum()
            self._need(")")
            return value
        if text in _CONSTANTS:
            return _CONSTANTS[text]
        if kind != "name":
            raise Refused(f"a number is missing before {text!r}" if text else "a number is missing at the end")
        return self._call(text)

    def _call(self, name: str) -> Number:
        function = _FUNCTIONS.get({"√": "sqrt"}.get(name, name))
        if function is None:
            raise Refused(f"there is no function {name[:30]!r}; there are: {', '.join(_FUNCTIONS)}")
        self._need("(")
        values = [self._sum()]
        while self._take(","):
            values.append(self._sum())
        self._need(")")
        return _checked(function(values))


def _literal(text: str) -> Fraction:
    exponent = int(re.split("[eE]", text)[1]) if re.search("[eE]", text) else 0
    if abs(exponent) > MAX_BITS // 4:
        raise Refused("a number is too large")
    return Fraction(text.rstrip(".") if text[-1] == "." else text.replace(".e", "e").replace(".E", "E"))


def _checked(number: Number) -> Number:
    if max(number.value.numerator.bit_length(), number.value.denominator.bit_length()) > MAX_BITS:
        raise Refused("a number becomes too large")
    return number


def _applied(sign: str, left: Number, right: Number) -> Number:
    a, b = left.value, right.value
    if sign in ("/", "//", "%") and b == 0:
        raise Refused("division by zero")
    if sign == "+":
        value = a + b
    elif sign == "-":
        value = a - b
    elif sign == "*":
        value = a * b
    elif sign == "/":
        value = a / b
    else:
        value = Fraction(a // b) if sign == "//" else a % b
    return _checked(Number(value, left.is_exact and right.is_exact))


def _power(base: Number, exponent: Number) -> Number:
    a, b = base.value, exponent.value
    is_exact = base.is_exact and exponent.is_exact
    if b.denominator != 1:
        if a < 0:
            raise Refused("a fractional power of a negative number is no real number")
        if b == Fraction(1, 2):
            return _sqrt(base)
        with decimal.localcontext(prec=_DIGITS + 10):
            try:
                if abs(b) * max(1, a.numerator.bit_length(), a.denominator.bit_length()) > MAX_BITS:
                    raise Refused("a power becomes too large")
                return Number(Fraction(_decimal(a) ** _decimal(b)), False)
            except decimal.InvalidOperation:
                raise Refused("this power cannot be taken") from None
    if a == 0 and b < 0:
        raise Refused("division by zero")
    if abs(a) in (0, 1):  # however large the exponent is
        return Number(Fraction(int(b == 0)) if a == 0 else Fraction(-1 if a < 0 and b % 2 else 1), is_exact)
    if abs(b) * max(a.numerator.bit_length(), a.denominator.bit_length()) > MAX_BITS:
        raise Refused("a power becomes too large")
    return Number(a ** int(b), is_exact)


def _decimal(value: Fraction) -> decimal.Decimal:
    return decimal.Decimal(value.numerator) / decimal.Decimal(value.denominator)


def _sqrt(number: Number) -> Number:
    if number.value < 0:
        raise Refused("the square root of a negative number is no real number")
    top, bottom = math.isqrt(number.value.numerator), math.isqrt(number.value.denominator)
    if top * top == number.value.numerator and bottom * bottom == number.value.denominator:
        return Number(Fraction(top, bottom), number.is_exact)
    with decimal.localcontext(prec=_DIGITS + 10):
        return Number(Fraction(_decimal(number.value).sqrt()), False)


def _whole(number: Number, most: int) -> int:
    if number.value.denominator != 1 or not 0 <= number.value <= most:
        raise Refused(f"a whole number from 0 to {most} is wanted there")
    return int(number.value)


def _one(values: Sequence[Number]) -> Number:
    if len(values) != 1:
        raise Refused("that function takes one number")
    return values[0]


def _of_one(function: Callable[[Fraction], Fraction | int]) -> Callable[[Sequence[Number]], Number]:
    return lambda values: Number(Fraction(function(_one(values).value)), values[0].is_exact)


def _of_all(function: Callable[..., Fraction]) -> Callable[[Sequence[Number]], Number]:
    return lambda values: Number(function(number.value for number in values), all(number.is_exact for number in values))


def _of_integers(function: Callable[..., int]) -> Callable[[Sequence[Number]], Number]:
    def applied(values: Sequence[Number]) -> Number:
        if any(number.value.denominator != 1 for number in values):
            raise Refused("whole numbers are wanted there")
        result = 0
        for place, number in enumerate(values):
            result = int(number.value) if not place else function(result, int(number.value))
            _checked(Number(Fraction(result)))
        return Number(Fraction(abs(result)))

    return applied


def _round(values: Sequence[Number]) -> Number:
    if len(values) > 2:
        raise Refused("round takes a number and its digits")
    digits = 0
    if len(values) == 2:
        if values[1].value.denominator != 1 or abs(values[1].value) > 100:
            raise Refused("digits: a whole number from -100 to 100 is wanted")
        digits = int(values[1].value)
    scale = Fraction(10) ** digits
    scaled = values[0].value * scale
    # Half away from zero, as at school.
    rounded = math.floor(abs(scaled) + Fraction(1, 2)) * (1 if scaled >= 0 else -1)
    return Number(rounded / scale, True)


def _comb(values: Sequence[Number]) -> Number:
    if len(values) != 2:
        raise Refused("comb takes two numbers")
    return Number(Fraction(math.comb(_whole(values[0], 2000), _whole(values[1], 2000))))


_FUNCTIONS: dict[str, Callable[[Sequence[Number]], Number]] = {
    "sqrt": lambda values: _sqrt(_one(values)),
    "abs": _of_one(abs),
    "min": _of_all(min),
    "max": _of_all(max),
    "round": _round,
    "floor": _of_one(math.floor),
    "ceil": _of_one(math.ceil),
    "gcd": _of_integers(math.gcd),
    "lcm": _of_integers(math.lcm),
    "factorial": lambda values: _checked(Number(Fraction(math.factorial(_whole(_one(values), 2000))))),
    "comb": _comb,
}
_PI = Number(Fraction("3.1415926535897932384626433832795028841971"), False)
_CONSTANTS = {"pi": _PI, "π": _PI, "e": Number(Fraction("2.7182818284590452353602874713526624977572"), False)}


def _text(number: Number) -> str:
    value = number.value
    if value.denominator == 1 and number.is_exact:
        return _integer(value.numerator)
    with decimal.localcontext(prec=_SHOWN):
        shown = _shown(_decimal(value))
    if not number.is_exact:
        return f"≈ {shown}"
    if _is_finite_decimal(value.denominator):
        with decimal.localcontext(prec=_LONGEST):
            exact = _decimal(value)
        if len(exact.as_tuple().digits) <= _DIGITS and Fraction(exact) == value:
            return f"{exact:f}" if abs(exact.adjusted()) < _DIGITS else str(exact)
    return f"{_integer(value.numerator)}/{_integer(value.denominator)} ≈ {shown}"


def _shown(value: decimal.Decimal) -> str:
    return f"{value:f}" if -7 <= value.adjusted() <= _SHOWN else str(value)


def _integer(value: int) -> str:
    digits = str(decimal.Decimal(value)) if abs(value).bit_length() <= 4 * _LONGEST else ""
    if digits and len(digits) <= _LONGEST:
        return digits
    with decimal.localcontext(prec=_SHOWN):
        return f"≈ {+decimal.Decimal(value)}"


def _is_finite_decimal(denominator: int) -> bool:
    while denominator % 2 == 0:
        denominator //= 2
    while denominator % 5 == 0:
        denominator //= 5
    return denominator == 1
