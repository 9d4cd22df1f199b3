"""The smallest parts: numbers, symbols, words, and commands by the tables of their modules."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING

from reward_verifiers.answer.reading import amounts, bigs, brackets, functions, layouts, numerals, words
from reward_verifiers.answer.reading.literals import literal, repeating
from reward_verifiers.answer.reading.nodes import Call, Const, Letters, Neg, Node, Num, Seq, Sym, Text
from reward_verifiers.answer.reading.tokens import FUNCTIONS, CannotRead

if TYPE_CHECKING:
    from reward_verifiers.answer.reading.parser import Parser

CONSTANTS = {"e": "e", "i": "i", "infty": "inf", "emptyset": "∅", "R*": "R", "Z*": "Z", "N*": "N", "Q*": "Q", "C*": "C"}
_GREEK = frozenset(
    (
        "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi rho sigma tau upsilon phi chi "
        "psi omega Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega ell hbar"
    ).split()
)
Handler = Callable[["Parser", str], Node]
COMMANDS: dict[str, Handler] = {
    **functions.COMMANDS,
    **bigs.COMMANDS,
    **brackets.COMMANDS,
    **layouts.COMMANDS,
    **amounts.COMMANDS,
}
"""Command → what reads it. Adding a notation is a line in the table of its module."""
_INSIDE_NUMBER, _INSIDE_NAME = frozenset("._"), frozenset(["_", "'", "prime", "("])
CAPITALS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ")


def atom(p: Parser) -> Node:
    token = p.token
    match token.kind:
        case "num":
            p.at += 1
            return _number(p, token.value)
        case "sci":
            p.at += 1
            mantissa, _, exponent = token.value.lower().partition("e")
            return literal(mantissa, int(exponent.strip("{}")))
        case "repeating":
            p.at += 1
            return repeating(token.value)
        case "sym":
            p.at += 1
            return symbol(p, token.value)
        case "text":
            return _text(p)
        case "cmd":
            return _command(p, token.value)
        case "op":
            return brackets.bracket(p, token.value)
    raise CannotRead(f"unexpected {token.value[:20]!r}")


def _number(p: Parser, digits: str) -> Node:
    if p.stream[p.at].value not in _INSIDE_NUMBER:
        return literal(digits)
    if p.is_op(".") and p.ahead().value != ".":  # 1./3
        p.at += 1
    if p.is_op("_"):
        p.at += 1
        return amounts.based(digits, subscript(p))
    return literal(digits)


def subscript(p: Parser) -> str:
    if p.accept("{"):
        pieces = []
        while not p.is_op("}"):
            if p.token.kind == "end":
                raise CannotRead("a subscript is not closed")
            pieces.append(p.token.value)
            p.at += 1
        p.at += 1
        return "".join(pieces)
    token = p.token
    if token.kind == "end":
        raise CannotRead("a subscript is missing")
    p.at += 1
    return token.value


def symbol(p: Parser, name: str) -> Node:
    if name in CONSTANTS and not p.is_op("_", "'"):
        return Const(CONSTANTS[name])
    if name.isupper() and (run := _capitals(p, name)):
        return run
    if name == "C" and functions.is_chosen(p):
        return functions.chosen(p)
    if p.stream[p.at].value not in _INSIDE_NAME:
        return Sym(name)
    if p.is_op("_"):
        p.at += 1
        name = f"{name}_{subscript(p)}"
    while p.accept("'", "prime"):
        name += "'"
    if p.is_op("(") and not p.token.spaced and (name[0] in "fghFGHPQ" or _names_a_value(p, name)):
        return applied_to(p, name)
    return Sym(name)


def _names_a_value(p: Parser, name: str) -> bool:
    """C(10) = …: a capital at the start, with one number or letter in brackets, before a sign of equality."""
    inside = p.ahead().kind in ("num", "sym")
    return (
        p.at == 1
        and (name.isupper() or name[0] == "\\")
        and inside
        and p.ahead(2).value == ")"
        and p.ahead(3).value == "="
    )


def applied_to(p: Parser, name: str) -> Node:
    p.at += 1
    argument = p.items()
    p.close(")")
    return Call(f"{name}()", argument.items if isinstance(argument, Seq) and not argument.open else (argument,))


def _capitals(p: Parser, name: str) -> Node | None:
    """HTH: capitals in a row that are all there is."""
    if p.at != 1 or len(name) != 1:
        return None
    end = p.at
    while (
        p.stream[end].kind == "sym"
        and len(p.stream[end].value) == 1
        and p.stream[end].value.isupper()
        and not p.stream[end].spaced
    ):
        end += 1
    if end < 2 or p.stream[end].kind != "end":
        return None
    p.at = end
    return Letters("".join(token.value for token in p.stream[:end]))


def _text(p: Parser) -> Node:
    value = _spoken_number(p)
    if value is not None:
        return Num(value) if value >= 0 else Neg(Num(-value))
    spoken = []
    start = p.at
    while p.token.kind == "text":
        spoken.append(p.token.value)
        p.at += 1
    if spoken[-1] == "of" and p.token.kind == "sym":  # Area of ABC =
        while p.token.kind == "sym":
            spoken.append(p.token.value)
            p.at += 1
    if p.is_op("=") and not all(word in CAPITALS or words.is_harmless(word) for word in spoken):
        p.at = start
        raise CannotRead("a name that is none")
    if not (p.at_end() or p.token.kind == "sep" or p.is_op("=", ",", ";")):
        p.at = start
        raise CannotRead("words before maths")
    return Text(" ".join(spoken))


def _spoken_number(p: Parser) -> Fraction | None:
    """The longest row of words here that spells a number."""
    pieces: list[str] = []
    end = p.at
    while len(pieces) < 14 and (p.stream[end].kind == "text" or (pieces and p.stream[end].value == "and")):
        pieces.append(p.stream[end].value)
        end += 1
    for size in range(len(pieces), 0, -1):
        value = numerals.number(" ".join(pieces[:size]))
        if value is not None:
            p.at += size
            return value
    return None


def argument(p: Parser) -> Node:
    """What follows \\frac: a group, or one digit or symbol."""
    if p.is_op("{"):
        return p.group()
    token = p.token
    if token.kind == "num" and len(token.value) > 1 and token.value.isdigit():
        p.stream[p.at] = replace(token, value=token.value[1:])
        return literal(token.value[0])
    return atom(p)


def _command(p: Parser, name: str) -> Node:
    if name in CONSTANTS:
        p.at += 1
        return Const(CONSTANTS[name]) if name != "emptyset" else Seq((), "{", "}")
    if name in COMMANDS:
        p.at += 1
        return COMMANDS[name](p, name)
    if name in _GREEK:
        p.at += 1
        return symbol(p, "\\" + name)
    if name in FUNCTIONS:
        p.at += 1
        return functions.function(p, name)
    if name.startswith("begin "):
        p.at += 1
        return layouts.environment(p, name[6:])
    raise CannotRead(f"unknown command {name[:20]!r}")
