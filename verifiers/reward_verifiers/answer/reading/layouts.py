"""What stands in rows: matrices, vectors, determinants, systems of equations, piecewise functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from reward_verifiers.answer.reading.nodes import Call, Cases, Matrix, Node, Relation, Seq, Sym, Text, walk
from reward_verifiers.answer.reading.tokens import CannotRead

if TYPE_CHECKING:
    from reward_verifiers.answer.reading.parser import Parser

_SYSTEMS = frozenset({"cases", "aligned", "align*", "align", "gathered", "dcases", "rcases", "split"})
_MATRICES = frozenset({"pmatrix", "bmatrix", "matrix", "Bmatrix", "smallmatrix", "array", "tabular"})
_DETERMINANTS = frozenset({"vmatrix", "Vmatrix"})
_CONDITION_WORDS = frozenset({"if", "for", "when", "where", "ako", "si", "wenn", "falls", "当"})
_OTHERWISE = frozenset({"otherwise", "else", "其他", "其它", "sonst", "sinon"})

COMMANDS: dict[str, Callable[[Parser, str], Node]] = {}


def environment(p: Parser, kind: str) -> Node:
    """\\begin{kind} … \\end{kind}; `begin` was read."""
    if kind not in _MATRICES | _SYSTEMS | _DETERMINANTS:
        raise CannotRead(f"unknown environment {kind[:20]!r}")
    system = kind in _SYSTEMS
    rows = _rows(p, kind, system)
    if not rows or len({len(cells) for cells in rows}) != 1:
        raise CannotRead("a ragged matrix")
    if kind in _DETERMINANTS:
        return Call("det", (Matrix(tuple(rows)),))
    if system and len(rows[0]) == 1:
        return Seq(tuple(cells[0] for cells in rows))
    if system and len(rows[0]) == 2:
        return _piecewise(rows)
    if kind == "array" and len(rows[0]) == 1 and all(isinstance(cells[0], Relation) for cells in rows):
        return Seq(tuple(cells[0] for cells in rows))
    return Matrix(tuple(rows))


def _piecewise(rows: list[tuple[Node, ...]]) -> Node:
    if all(isinstance(row[0], Relation) for row in rows) and not all(
        isinstance(row[1], Relation | Text) for row in rows
    ):
        return Matrix(tuple(rows))
    return Cases(tuple(row[0] for row in rows), tuple(row[1] for row in rows))


def _rows(p: Parser, kind: str, system: bool) -> list[tuple[Node, ...]]:
    rows: list[tuple[Node, ...]] = []
    row: list[Node] = []
    while True:
        while p.is_op("hline"):
            p.at += 1
        if p.token.kind == "cmd" and p.token.value == f"end {kind}":
            p.at += 1
            break
        row.append(_cell(p, system))
        if p.accept("&"):
            continue
        if p.is_op("\\"):
            p.at += 1
            if p.is_op("["):  # \\[2pt]
                while p.token.kind != "end" and not p.accept("]"):
                    p.at += 1
            rows.append(tuple(row))
            row = []
        elif not (p.token.kind == "cmd" and p.token.value == f"end {kind}"):
            raise CannotRead("a matrix is not closed")
    if row:
        rows.append(tuple(row))
    return rows


def _cell(p: Parser, system: bool) -> Node:
    if not system:
        return p.relation()
    while p.token.kind == "text" and p.token.value.lower() in _CONDITION_WORDS:
        p.at += 1
    if p.token.kind == "text" and p.token.value.lower() in _OTHERWISE:
        p.at += 1
        node: Node = Text("otherwise")
    else:
        node = p.items()
    while p.is_op(",", ".", ";") or (p.token.kind == "sep" and p.token.value == ","):
        p.at += 1
    return node


def is_layout(node: Node) -> bool:
    """Whether it can be transposed."""
    return isinstance(node, Matrix) or (isinstance(node, Seq) and node.open in ("(", "["))


def has_vector(node: Node) -> bool:
    """Whether × beside it is another product than ·."""
    return any(isinstance(one, Sym) and (one.name.startswith("vec(") or one.name.endswith("→")) for one in walk(node))


def multiply(p: Parser, factors: list[Node]) -> None:
    """What stands behind the × of a vector: of two vectors that is a vector, and the order counts."""
    right = p.factor()
    if has_vector(right):
        factors[-1] = Call("cross", (factors[-1], right))
    elif p.at_end() or p.token.kind == "sep" or p.is_op("+", "-", "=", ",", ";"):
        factors.append(right)
    else:
        raise CannotRead("a product of vectors that goes on")


def transposed(node: Node) -> Node:
    """[1,2]^T is a column."""
    if isinstance(node, Matrix):
        return Matrix(tuple(zip(*node.rows, strict=True)))
    if isinstance(node, Seq):
        return Matrix(tuple((item,) for item in node.items))
    raise CannotRead("a transpose of no matrix")
