"""What follows a value: units, money, percent, degrees, scale words, bases, counted things, harmless words.

    5 kN     $3.50     30^\\circ 45'     2 h 30 min     2.5 million dollars     5 red apples in total     3 cars per hour

Every word is one of these, or the text is not read.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING

from reward_verifiers.answer.reading import numerals, units, words
from reward_verifiers.answer.reading.nodes import (
    Add,
    Based,
    Call,
    Const,
    Frac,
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
    symbols,
    walk,
)
from reward_verifiers.answer.reading.tokens import CannotRead

if TYPE_CHECKING:
    from reward_verifiers.answer.reading.parser import Parser

_MONEY = ("$", "＄", "€", "£", "¥", "¢", "₹", "₩", "₽", "₪")


_NO_WORDS = frozenset({"num", "sym", "end", "sep", "sci", "repeating"})


def starts(p: Parser) -> bool:
    """Whether words, a unit's sign or a bracket with words stand after a value."""
    token = p.token
    if token.kind in _NO_WORDS:
        return False
    if token.value == "(" and p.ahead().value in ("mod", "modulo"):
        return False
    if (
        token.kind == "text"
        or (token.kind == "op" and token.value in _MONEY)
        or (p.is_op("Omega", "mu", "AA") and _is_unit_letter(p))
    ):
        return True
    if token.kind == "cmd" and token.value == "$":
        return True
    return (
        token.value == "("
        and token.kind == "op"
        and p.ahead().kind == "text"
        and p.ahead().worded | (len(p.ahead().value) > 1)
    )


def _is_unit_letter(p: Parser) -> bool:
    """10\\,\\Omega is ten ohms, and \\mu before a letter is micro."""
    before = p.stream[p.at - 1] if p.at else None
    numeric = before is not None and before.kind in ("num", "sci", "repeating")
    if p.token.value == "mu":
        return numeric and p.ahead().value in ("m", "g", "s", "F", "A", "C", "H", "V", "W", "L", "Omega")
    return (numeric and p.ahead().kind in ("end",)) or (numeric and p.is_op("AA"))


def amount(p: Parser, value: Node) -> Node:
    """A value with all the words behind it."""
    if not _is_valued(value):
        raise CannotRead("words after letters")
    if p.accept("("):
        node = _parenthesised(p, value)
    elif p.is_op(*_MONEY):
        unit = units.spelled(p.token.value) or ""
        p.at += 1
        node = Quantity(value, unit)
        if p.token.kind == "text":
            _tail(p)
    elif p.is_op("Omega", "mu", "AA"):
        node = _greek_unit(p, value)
    else:
        node = _worded(p, value)
    return _compound(p, node)


def _is_valued(value: Node) -> bool:
    inside = walk(value)
    if any(isinstance(inner, Num | Const | Call) for inner in inside):
        return not any(isinstance(inner, Relation) for inner in inside)
    return False


def _greek_unit(p: Parser, value: Node) -> Node:
    if p.accept("mu"):
        letter = "Ω" if p.token.value == "Omega" else p.token.value
        name = units.unit_name("µ" + letter)
        if not name:
            raise CannotRead("a micro of nothing")
    else:
        name = "ohm" if p.is_op("Omega") else "angstrom"
    p.at += 1
    return Quantity(value, name)


def _parenthesised(p: Parser, value: Node) -> Node:
    """37 (pounds), 5 (approximately), 12 (twelve)."""
    parts = []
    if p.token.value.lower() in words.BASE_WORDS:
        node = _base(p, value)
        p.close(")")
        return node
    while p.token.kind == "text":
        parts.append(p.token.value)
        p.at += 1
    p.close(")")
    unit = units.spelled(" ".join(parts))
    if unit:
        return Quantity(value, unit)
    if len(parts) == 1 and parts[0].lower() in words.PLURALS:
        return Quantity(value, f"#{words.stem(parts[0])}")
    if isinstance(value, Num) and numerals.number(" ".join(parts)) == value.value:
        return value
    if not words.is_tail(parts):
        raise CannotRead("words in brackets after a value", f"({' '.join(parts)})")
    return value


def _worded(p: Parser, value: Node) -> Node:
    word = p.token.value
    low = word.lower()
    if low in words.BASE_WORDS:
        return _base(p, value)
    if low in words.SCALES:
        p.at += 1
        scaled = _scaled(value, low)
        return _worded(p, scaled) if p.token.kind == "text" else scaled
    if low in words.PERCENT or p.ahead().value.lower() in words.PER_CENT.get(low, ()):
        p.at += 1 if low in words.PERCENT else 2
        if p.token.kind == "text":
            _tail(p)
        return Percent(value)
    return _with_unit(p, value)


def _scaled(value: Node, word: str) -> Node:
    """3 million, 2.5 million, 4 dozen. A decimal keeps the figures that it was written with."""
    if isinstance(value, Num) and value.places is None:
        return Num(value.value * words.SCALES[word])
    return Mul((value, _factor(word)))


def _factor(word: str) -> Node:
    factor = words.SCALES[word]
    zeros = len(str(factor)) - 1
    return Pow(Num(Fraction(10)), Num(Fraction(zeros))) if factor == 10**zeros else Num(Fraction(factor))


def _base(p: Parser, value: Node) -> Node:
    """101 base 2, 340 base five."""
    p.at += 1
    if not isinstance(value, Num) or value.places is not None:
        raise CannotRead("a base of no whole number")
    base = p.token.value
    p.at += 1
    return based(str(value.value), base)


def based(digits: str, base: str) -> Node:
    """Digits in a base; 0.0011_2 is read too."""
    radix = int(base) if base.isdigit() and len(base) < 3 else words.BASES.get(base.lower(), 0)
    plain = digits.replace(".", "", 1)
    if not 2 <= radix <= 36 or not _are_digits(plain, radix):
        raise CannotRead("a subscript that is no base", f"_{base}")
    whole, point, decimals = digits.partition(".")
    return Based((whole.lstrip("0") or "0") + (f".{decimals}" if point else ""), radix)


def _are_digits(text: str, radix: int) -> bool:
    return text.isascii() and text.isalnum() and all(int(digit, 36) < radix for digit in text)


def _pieces(p: Parser) -> list[tuple[int, str]]:
    """(where it ends, text) of every stretch of words and unit signs that starts here."""
    readings: list[tuple[int, str]] = []
    at, text = p.at, ""
    stream = p.stream
    bracket = False
    while len(readings) < 16:
        token = stream[at]
        if token.value == "(" and text.endswith("/") and not bracket:  # J/(g K)
            text, at, bracket = f"{text}(", at + 1, True
            continue
        if token.value == ")" and bracket:
            text, at, bracket = f"{text})", at + 1, False
        elif token.kind == "text" or (
            token.kind == "sym" and (token.worded or text) and token.value in units.SINGLE_LETTERS
        ):
            text, at = f"{text} {token.value}", at + 1
        elif (
            token.value in ("/", "*", "cdot")
            and token.kind in ("op", "cmd")
            and (stream[at + 1].kind in ("text", "sym") or (token.value, stream[at + 1].value) == ("/", "("))
            and text
        ):
            text, at = text + ("/" if token.value == "/" else "*"), at + 1
            continue
        elif token.value == "^" and text:
            power, at = _power(p, at + 1)
            if power is None:
                break
            text = f"{text}^{power}"
        else:
            break
        if not bracket:
            readings.append((at, text.strip()))
    return readings


def _power(p: Parser, at: int) -> tuple[str | None, int]:
    values = [token.value for token in p.stream[at : at + 4]]
    if values[:1] == ["{"]:
        if values[1:2] == ["-"] and values[3:4] == ["}"] and values[2].isdigit():
            return f"-{values[2]}", at + 4
        if values[2:3] == ["}"] and values[1].isdigit():
            return values[1], at + 3
        return None, at
    if values[:1] == ["-"] and values[1].isdigit():
        return f"-{values[1]}", at + 2
    return (values[0], at + 1) if values and values[0].isdigit() and len(values[0]) < 3 else (None, at)


def _with_unit(p: Parser, value: Node) -> Node:
    """The longest unit, then what is counted, then words that change nothing."""
    is_unit = f"{p.token.value} {p.ahead().value}".lower() not in words.TAILS  # "5 in all" is no length
    for end, text in reversed(_pieces(p)) if is_unit else ():
        unit = units.spelled(text)
        if unit is None and _has_rate(text):
            unit = units.spelled(text, things=True)
        if unit:
            p.at = end
            if p.token.value.lower() == "per":
                raise CannotRead("a rate of a unit that was not read", p.token.value)
            _tail(p)
            return Quantity(value, unit)
    return _counted(p, value)


def _has_rate(text: str) -> bool:
    return "/" in text or " per " in f" {text} "


def _counted(p: Parser, value: Node) -> Node:
    """5 different red apples: adjectives, then a thing (or two: "apple trees"), then a tail."""
    start, kinds = p.at, list[str]()
    if p.token.value.lower().rstrip(".") in ("square", "sq", "cubic") and p.ahead().value.lower().rstrip(".") in (
        "units",
        "unit",
    ):
        p.at += 1
    while p.token.kind == "text" and words.is_adjective(p.token.value.lower()) and p.ahead().kind == "text":
        kinds += [] if words.is_plain(p.token.value.lower()) else [p.token.value.lower()]
        p.at += 1
    ordered = p.at > start
    thing = None
    if p.token.kind == "text" and p.token.value.lower().rstrip(".") in ("units", "unit"):
        named = p.at > start  # square units
        p.at += 1
        if not named:
            _unit_power(p)
        _tail(p)
        return value
    at, single = p.at, isinstance(value, Num) and value.value <= 1
    while p.stream[at].kind == "text":
        low = p.stream[at].value.lower().rstrip(".")
        stem = words.stem(low) or ("pair" if ordered and low == "pairs" else None)
        if stem is None:
            break
        at += 1
        if low in words.PLURALS or low == "pairs" or single:
            thing, p.at = stem, at
    if thing is None:
        p.at = start
        colour = p.token.value.lower()
        if colour in words.COLOURS:
            p.at += 1
            _tail(p)
            return Quantity(value, f"#{colour}")
        if p.token.value in words.CJK_HARMLESS:
            p.at += 1
            if p.token.kind == "text":
                _tail(p)
            return value
        _tail(p)
        return value
    _tail(p)
    if words.is_generic(thing) and not kinds:
        return value
    return Quantity(value, f"#{thing}:{'-'.join(kinds)}" if kinds else f"#{thing}")


def _unit_power(p: Parser) -> None:
    """37 units^2, 37 square units."""
    if p.token.value == "^":
        power, at = _power(p, p.at + 1)
        if power in ("2", "3"):
            p.at = at
    elif p.token.kind == "text" and p.token.value.lower() in ("squared", "cubed"):
        p.at += 1


def _tail(p: Parser) -> None:
    """Words after a value and its unit that change nothing; a separator ends them, and what follows is another item."""
    start, parts = p.at, []
    while p.token.kind == "text" and not p.token.value.lower().startswith("("):
        parts.append(p.token.value)
        p.at += 1
    if parts and not words.is_tail(parts) and not (len(parts) == 1 and parts[0] in words.CJK_HARMLESS):
        p.at = start
        raise CannotRead("words that no list has", " ".join(parts))


def rate(factors: list[Node]) -> Node:
    """50 \\frac{\\text{mi}}{\\text{h}}: a unit written as a fraction; raises CannotRead for other words in a product."""
    match factors[-1]:
        case Frac((Text() | Sym()) as over, (Text() | Sym()) as under):
            unit = units.spelled(
                "/".join(side.words if isinstance(side, Text) else side.name for side in (over, under))
            )
            rest = factors[:-1]
            if unit and rest and not any(isinstance(factor, Text | Relation) for factor in rest):
                return Quantity(rest[0] if len(rest) == 1 else Mul(tuple(rest)), unit)
    raise CannotRead("words in a product")


_SUFFIXES = {"K": 3, "k": 3, "M": 6, "m": 6, "B": 9, "b": 9, "T": 12}
"""Powers of ten that a letter behind a sum of money stands for."""

# --- money, degrees ---------------------------------------------------------------------------------------------------


def money(p: Parser, sign: str) -> Node:
    """$5, $2.5 million, $12K, $18 in total. A letter that touches the number is no unit: $5m are millions."""
    unit = units.spelled(sign) or ""
    value = p.power()
    if isinstance(value, Num) and p.token.kind == "sym" and not p.token.spaced and p.token.value in _SUFFIXES:
        value = Num(value.value * 10 ** _SUFFIXES[p.token.value])
        p.at += 1
    while p.token.kind == "text" and p.token.value.lower() in words.SCALES:
        value = Mul((value, _factor(p.token.value.lower())))
        p.at += 1
    if p.token.kind == "text":
        pieces = [piece for piece in _pieces(p) if (parts := units.spelled(piece[1])) and (parts == unit)]
        if pieces:
            p.at = pieces[-1][0]
        elif p.token.value.lower() == "per":
            for end, text in reversed(_pieces(p)):
                rate = units.spelled(f"{unit_word(unit)} {text}", things=True)
                if rate:
                    p.at = end
                    return Quantity(value, rate)
        _tail(p)
    elif p.is_op("/") and p.ahead().kind == "text":
        for end, text in reversed([(end, text) for end, text in _rate_pieces(p)]):
            rate = units.spelled(f"{unit_word(unit)}/{text}", things=True)
            if rate:
                p.at = end
                return Quantity(value, rate)
    return Quantity(value, unit)


def _rate_pieces(p: Parser) -> list[tuple[int, str]]:
    p.at += 1
    pieces = _pieces(p)
    p.at -= 1
    return pieces


def unit_word(unit: str) -> str:
    return "GBP" if unit == "pound_sterling" else unit


def _dollar(p: Parser, name: str) -> Node:
    return money(p, "$")


def degrees(p: Parser, node: Node) -> Node:
    """After a degree sign: C and F are temperatures; ' and '' are minutes and seconds."""
    follows = p.token
    if follows.kind in ("sym", "text") and follows.value in ("C", "F", "Celsius", "Fahrenheit"):
        p.at += 1
        return Quantity(node, units.spelled("°" + follows.value[0]) or "")
    total, size = node, 1
    while p.token.kind == "num" and size < 3600:
        after = [p.ahead(k).value for k in range(1, 5)]
        if after[0] in ("'", "prime") and after[1] not in ("'", "prime"):
            taken, factor = 2, 60
        elif after[:2] == ["'", "'"] or after[0] == '"':
            taken, factor = (3 if after[0] == "'" else 2), 3600
        elif after[:2] == ["^", "prime"] or after[:2] == ["^", "'"]:
            taken, factor = 3, 60
        elif after[0] == "^" and after[1] == "{" and after[2] in ("prime", "'") and after[3] == "}":
            taken, factor = 5, 60
        else:
            break
        if factor <= size:
            break
        part = p.number_at()
        if isinstance(total, Num) and isinstance(part, Num):
            total = Num(total.value + part.value / factor)
        else:
            total = Add((total, Frac(part, Num(Fraction(factor)))))
        p.at += taken
        size = factor
    return Quantity(total, "degree")


# --- several quantities that are one ----------------------------------------------------------------------------------


def _compound(p: Parser, node: Node) -> Node:
    """2 h 30 min: another quantity of the same dimension right behind, in a smaller unit."""
    total = node
    while isinstance(total, Quantity) and p.token.kind in ("num",) and not _is_thing(total.unit):
        start = p.at
        following = p.sum_of_one()
        merged = _sum(total, following)
        if merged is None:
            p.at = start
            raise CannotRead("two values side by side")
        total = merged
    return total


def total(terms: list[Node]) -> Node:
    """A sum: a unit behind its last term is the whole sum's, as in 5 + 2\\sqrt3 cm."""
    bare = [term.term if isinstance(term, Neg) else term for term in terms]
    quantities = [term for term in bare if isinstance(term, Quantity) and term.unit != "degree"]
    if not quantities:
        return Add(tuple(terms))
    if len({term.unit for term in quantities}) != 1 or (len(quantities) != len(terms) and quantities != [bare[-1]]):
        raise CannotRead("several units in a sum")
    values = [_value_of(term) for term in terms]
    return Quantity(Add(tuple(values)), quantities[0].unit)


def _value_of(term: Node) -> Node:
    if isinstance(term, Neg):
        return Neg(_value_of(term.term))
    return term.value if isinstance(term, Quantity) else term


def _is_thing(unit: str) -> bool:
    return "#" in unit


def _sum(first: Node, second: Node) -> Node | None:
    if not isinstance(first, Quantity) or not isinstance(second, Quantity) or _is_thing(first.unit + second.unit):
        return None
    if (first.unit, second.unit) == ("pound", "penny"):
        first = Quantity(first.value, "pound_sterling")
    ratio = units.factor(second.unit, first.unit)
    if ratio is None or ratio >= 1 or symbols(first) or symbols(second):
        return None
    if isinstance(first.value, Num) and isinstance(second.value, Num):
        return Quantity(Num(first.value.value + second.value.value * ratio), first.unit)
    return Quantity(Add((first.value, Mul((second.value, Num(ratio))))), first.unit)


def _is_rest(before: Node, item: Node) -> bool:
    """Whether a quantity is less than one of the unit before it."""
    if not isinstance(before, Quantity) or not isinstance(item, Quantity) or not isinstance(item.value, Num):
        return True
    ratio = units.factor(item.unit, before.unit)
    return ratio is None or item.value.value * ratio < 1


def joined(items: Seq) -> Node:
    """3 dollars and 50 cents is one sum of money; 12 pencils and 7 pens stay two, and so do 3 cm and 40 mm."""
    if len(items.items) in (2, 3) and not items.open:
        total: Node | None = items.items[0]
        for before, item in pairwise(items.items):
            total = _sum(total, item) if total is not None and _is_rest(before, item) else None
        if total is not None:
            return total
    return items


def _dots(p: Parser, name: str) -> Node:
    """1 + x + x^2 + \\cdots: what goes on."""
    return Sym("…")


COMMANDS: dict[str, Callable[[Parser, str], Node]] = {"$": _dollar, "ldots": _dots}
