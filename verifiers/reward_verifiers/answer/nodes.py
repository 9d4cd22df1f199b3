"""The shapes of an answer, as the parser reads them. Immutable; meaning is in evaluate.py and decide.py.

Node
├─ Num Sym Const                 literals
├─ Neg Add Mul Frac Pow Call     arithmetic; Call is a function by name, `root` and `log` take two arguments
├─ PlusMinus                     stands for two values until `signs` spreads it
├─ Percent Quantity Based        5\\%, 10 cm^2, 101_2
├─ Seq Matrix Union              (1,2) [1,2) {1,2} 1,2 · rows · A ∪ B
├─ Relation                      x = 5, 1 < x \\le 2, x \\in A
├─ Text                          even, no solution
└─ Unevaluated                   an integral, sum, limit, … left standing
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any


class Node:
    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Num(Node):
    value: Fraction
    places: int | None = None
    """Decimal places written, when it was written as a decimal; negative for 1.2e5."""
    figures: int = 0
    """Significant figures written, for a decimal."""


@dataclass(frozen=True, slots=True)
class Sym(Node):
    name: str


@dataclass(frozen=True, slots=True)
class Const(Node):
    name: str
    """pi, e, i, inf, or a number set R, Z, N, Q, C."""


@dataclass(frozen=True, slots=True)
class Neg(Node):
    term: Node


@dataclass(frozen=True, slots=True)
class Add(Node):
    terms: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Mul(Node):
    factors: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Frac(Node):
    over: Node
    under: Node


@dataclass(frozen=True, slots=True)
class Pow(Node):
    base: Node
    exponent: Node


@dataclass(frozen=True, slots=True)
class Call(Node):
    name: str
    args: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class PlusMinus(Node):
    term: Node
    upper: bool = True
    """True for \\pm, False for \\mp."""


@dataclass(frozen=True, slots=True)
class Percent(Node):
    value: Node


@dataclass(frozen=True, slots=True)
class Quantity(Node):
    value: Node
    unit: str
    """One spelling, as units.py writes it; '' for words that are no known unit."""


@dataclass(frozen=True, slots=True)
class Based(Node):
    digits: str
    base: int


@dataclass(frozen=True, slots=True)
class Seq(Node):
    items: tuple[Node, ...]
    open: str = ""
    close: str = ""
    """'' and '' for a bare list, '{' and '}' for a set, else round, square or angle brackets."""


@dataclass(frozen=True, slots=True)
class Matrix(Node):
    rows: tuple[tuple[Node, ...], ...]


@dataclass(frozen=True, slots=True)
class Union(Node):
    parts: tuple[Node, ...]
    minus: Node | None = None
    """What is taken away, as in R \\setminus {3}."""


@dataclass(frozen=True, slots=True)
class Relation(Node):
    ops: tuple[str, ...]
    sides: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Text(Node):
    words: str


@dataclass(frozen=True, slots=True)
class Unevaluated(Node):
    name: str
    written: str
    """Its tokens: two integrals are the same expression only when they are written the same."""


# By type, since this is the innermost loop of every comparison.
_CHILDREN: dict[type[Node], Callable[[Any], tuple[Node, ...]]] = {
    Neg: lambda node: (node.term,),
    PlusMinus: lambda node: (node.term,),
    Percent: lambda node: (node.value,),
    Quantity: lambda node: (node.value,),
    Add: lambda node: node.terms,
    Mul: lambda node: node.factors,
    Seq: lambda node: node.items,
    Call: lambda node: node.args,
    Relation: lambda node: node.sides,
    Frac: lambda node: (node.over, node.under),
    Pow: lambda node: (node.base, node.exponent),
    Matrix: lambda node: tuple(cell for row in node.rows for cell in row),
    Union: lambda node: node.parts if node.minus is None else (*node.parts, node.minus),
}


def children(node: Node) -> tuple[Node, ...]:
    """The nodes directly inside."""
    inside = _CHILDREN.get(type(node))
    return inside(node) if inside else ()


def walk(node: Node) -> list[Node]:
    """Every node of the tree, without recursion."""
    found = [node]
    for current in found:
        found.extend(children(current))
    return found


def symbols(node: Node) -> frozenset[str]:
    """The names of its free symbols."""
    return frozenset(inner.name for inner in walk(node) if isinstance(inner, Sym))


def rebuilt(node: Node, new: tuple[Node, ...]) -> Node:
    """The same shape around other children, in the order of `children`."""
    match node:
        case Neg():
            return Neg(new[0])
        case PlusMinus(_, upper):
            return PlusMinus(new[0], upper)
        case Percent():
            return Percent(new[0])
        case Quantity(_, unit):
            return Quantity(new[0], unit)
        case Add():
            return Add(new)
        case Mul():
            return Mul(new)
        case Seq(_, left, right):
            return Seq(new, left, right)
        case Call(name):
            return Call(name, new)
        case Relation(ops):
            return Relation(ops, new)
        case Frac():
            return Frac(*new)
        case Pow():
            return Pow(*new)
        case Matrix(rows):
            nodes = iter(new)
            return Matrix(tuple(tuple(next(nodes) for _ in row) for row in rows))
        case Union(parts, minus):
            return Union(new[: len(parts)], None if minus is None else new[-1])
    return node
