"""Parts of an answer behind their numbers or names, all of them read or none.

(i) 3 (ii) 5       the values, in the order of the numbers
Tom: 5, Ann: 8     equations
dogs: 5, cats: 8   counts

To the parser, `(i)` and `Ann` are products of their letters.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from reward_verifiers.answer.reading import words
from reward_verifiers.answer.reading.nodes import Node, Quantity, Relation, Seq, Sym, Text, symbols

MAX_TEXT = 300
_MAX_PARTS = 8
# A sign with a blank behind it goes on with a sum: (2) - 3 (1) + 4.
_NUMBER = re.compile(r"(?:^|(?<=[\s,;，；.]))\(([ivx]{1,4}|[1-9]|[a-h])\)(?!\s{0,3}(?:[-−+*/^=]\s|\+))\s{0,3}")
_NUMBERS = ("i ii iii iv v vi vii viii".split(), list("12345678"), list("abcdefgh"))
_NAMED = re.compile(
    r"([A-Za-z][a-z]{2,20}(?: [a-z]{2,20}){0,2}(?=\s?[:：=])|[A-Za-z](?=\s?[:：]))\s?[:：=]\s?([^\s:：=].{0,80})"
)
"""A letter with a sign of equality is an equation, which the parser reads."""
_BETWEEN = re.compile(r"\s?[,;，；]\s?(?:and\s)?|\sand\s")
_ENDS = " ,;，；."


def parts(text: str, read: Callable[[str], Node | None]) -> Node | None:
    """None where the text is not of these forms, or the value of a part is not read."""
    if len(text) > MAX_TEXT:
        return None
    return _numbered(text, read) if text[:1] == "(" else _named(text, read)


def is_numbered(text: str) -> bool:
    return len(text) <= MAX_TEXT and bool(_places(text))


def _places(text: str) -> list[tuple[int, int, int]]:
    """(place of the number among the numbers, where its value begins, where it ends); empty for another text."""
    if text.count("(") < 2:
        return []
    marks = list(_NUMBER.finditer(text))
    names = [mark[1] for mark in marks]
    if not 2 <= len(marks) <= _MAX_PARTS or marks[0].start():
        return []
    for numbers in _NUMBERS:
        if sorted(names) == sorted(numbers[: len(names)]):
            ends = [*(mark.start() for mark in marks[1:]), len(text)]
            return [(numbers.index(mark[1]), mark.end(), end) for mark, end in zip(marks, ends, strict=True)]
    return []


def _numbered(text: str, read: Callable[[str], Node | None]) -> Node | None:
    values = _values([text[start:end] for _, start, end in sorted(_places(text))], read)
    return Seq(values, "(", ")") if values else None


def _named(text: str, read: Callable[[str], Node | None]) -> Node | None:
    pieces = _BETWEEN.split(text) if text[:1].isalpha() else []
    if not 1 <= len(pieces) <= _MAX_PARTS:
        return None
    matches = [match for piece in pieces if (match := _NAMED.fullmatch(piece.strip(_ENDS)))]
    values = _values([match[2] for match in matches], read) if len(matches) == len(pieces) else ()
    if not values:
        return None
    nodes = [_part(match[1], match[2], value, read) for match, value in zip(matches, values, strict=True)]
    read_nodes = tuple(node for node in nodes if node is not None)
    if len(read_nodes) < len(nodes):
        return None
    if len(nodes) > 1:
        return Seq(read_nodes)
    return nodes[0] if isinstance(nodes[0], Quantity) else None  # "Total: 5" says what is asked for


def _part(name: str, text: str, value: Node, read: Callable[[str], Node | None]) -> Node | None:
    """ "cats: 4" are four cats, as in "6 dogs and 4 cats", "hours: 5" five hours; "x: 4" is x = 4, and a : b a ratio."""
    if len(name) == 1:
        return None if symbols(value) else Relation(("=",), (Sym(name), value))
    name = name.lower()
    if name in words.PLURALS and name not in words.MEASURES and not isinstance(value, Quantity) and not symbols(value):
        amount = read(f"{text.strip(_ENDS)} {name}")
        if isinstance(amount, Quantity):
            return amount
    return Relation(("=",), (Sym(name), value))


def _values(texts: Sequence[str], read: Callable[[str], Node | None]) -> tuple[Node, ...]:
    """Empty where one of them is not read."""
    nodes = [read(content) if (content := text.strip(_ENDS)) else None for text in texts]
    values = tuple(node for node in nodes if node is not None and not isinstance(node, Text))
    return values if len(values) == len(texts) else ()
