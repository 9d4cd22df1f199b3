"""What stands between the items of a list: unions of sets, chains of relations, ratios and times."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reward_verifiers.answer.reading import functions
from reward_verifiers.answer.reading.nodes import Call, Node, Num, Quantity, Relation, Text, Time, Union
from reward_verifiers.answer.reading.tokens import CannotRead

if TYPE_CHECKING:
    from reward_verifiers.answer.reading.parser import Parser

RELATIONS = {
    "=": "=", "==": "=", "<": "<", ">": ">", "<=": "<=", ">=": ">=", "!=": "!=", "le": "<=", "ge": ">=", "ne": "!=",
    "in": "in", "approx": "~", "equiv": "==", "sim": "~", "simeq": "~", "to": "->", "rightarrow": "->", "notin": "notin",
    "neq": "!=", "cong": "~", "Rightarrow": "->", "implies": "->", "longrightarrow": "->", "mapsto": "mapsto",
    "subset": "subset", "subseteq": "subseteq", "perp": "perp", "parallel": "parallel", "ll": "<<", "gg": ">>",
    "Leftrightarrow": "iff", "iff": "iff", "propto": "propto", "doteq": "~", "fallingdotseq": "~", "approxeq": "~",
}  # fmt: skip


_GOES_ON = frozenset({*RELATIONS, ":", "!="})


def union(p: Parser) -> Node:
    first = relation(p)
    if not p.is_op("cup", "setminus"):
        return first
    parts, minus = [first], None
    while p.is_op("cup", "setminus"):
        if p.accept("cup"):
            parts.append(relation(p))
        else:
            p.at += 1
            minus = relation(p)
            break
    # x \in A \cup B is a union of sets, whatever x is.
    if isinstance(first, Relation) and first.ops == ("in",):
        parts[0] = first.sides[1]
    return Union(tuple(parts), minus)


def relation(p: Parser) -> Node:
    if p.is_op("=", "approx", "in"):
        p.at += 1
    first = p.sum()
    if p.stream[p.at].value not in _GOES_ON:
        p.modular = False
        return first
    if p.is_op(":") and p.colons:
        first = _ratio(p, first)
    sides, ops = [first], []
    if p.is_op("!=") and p.token.kind == "op" and isinstance(first, Num):  # 4!=24
        p.at += 1
        sides, ops = [Call("factorial", (first,)), p.sum()], ["="]
    while p.token.kind in ("op", "cmd") and p.token.value in RELATIONS:
        ops.append(RELATIONS[p.token.value])
        p.at += 1
        if p.is_op("="):  # "> =" and "< ="
            ops[-1] += "="
            p.at += 1
        p.modular |= ops[-1] == "=="
        side = p.sum()
        sides.append(_ratio(p, side) if _is_ratio(p, sides[0], ops) else side)
    modular, p.modular = p.modular, False
    if modular and len(sides) == 2:
        modulus = functions.modulus(p)
        if modulus is not None:
            return Call("congruent", (*sides, modulus))
    return Relation(tuple(ops), tuple(sides)) if ops else sides[0]


def _is_ratio(p: Parser, first: Node, ops: list[str]) -> bool:
    """Whether a colon here goes on with a ratio: a : b = 2 : 3, k = 2 : 3."""
    if not p.colons or ops != ["="] or not p.is_op(":"):
        return False
    named = isinstance(first, Call) and first.name == "ratio"
    return named or (p.ahead().kind == "num" and p.ahead(2).kind in ("end", "sep"))


def _ratio(p: Parser, first: Node) -> Node:
    """3 : 2; with two digits behind it may be a time. The name before a colon is dropped: Total: 5."""
    start = p.at
    parts = [first]
    while p.accept(":"):
        parts.append(p.sum())
    if isinstance(first, Relation | Text):
        raise CannotRead("a colon after words")
    digits = [token.value for token in p.stream[max(0, start - 1) : p.at] if token.kind == "num"]
    written = p.written(max(0, start - 1)).replace(" ", "")
    if (
        isinstance(first, Num)  # without a sign
        and len(digits) == len(parts)
        and all(len(piece) == 2 and piece.isdigit() for piece in digits[1:])
        and len(digits[0]) <= 2
    ):
        return Time(written)
    if isinstance(parts[-1], Quantity) and not isinstance(first, Quantity):
        raise CannotRead("a unit behind a ratio", parts[-1].unit)
    return Call("ratio", tuple(parts))
