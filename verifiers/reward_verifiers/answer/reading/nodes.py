"""The shapes of an answer, as the parser reads them. Immutable; meaning is in evaluate.py and decide.py.

Node
├─ Num Sym Const                 literals
├─ Neg Add Mul Frac Pow Call     arithmetic; Call is a function by name, `root` and `log` take two arguments
├─ PlusMinus                     stands for two values until `signs` spreads it
├─ Percent Quantity Based        5\\%, 10 cm^2, 101_2
├─ Seq Matrix Union              (1,2) [1,2) {1,2} 1,2 · rows · A ∪ B
├─ Relation                      x = 5, 1 < x \\le 2, x \\in A
├─ Builder Cases Conditioned     {2k : k \\in Z} · piecewise · a value with a condition beside it
├─ Text Letters Time             even, no solution · HTH · 6:40
└─ Big                           an integral, sum, product or limit
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any


class Node:
    __slots__ = ("_symbols",)
    _symbols: frozenset[str]
    """What `symbols` worked out: a comparison asks for it ten times."""


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
    """One spelling, as units.py writes it."""


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


ANY = Text("any value")
"""The left side of a congruence that stands without one: 3 (mod 7)."""
BOUND = Sym("·")
"""The letter of {x : x > 3}, which may be any."""


@dataclass(frozen=True, slots=True)
class Letters(Node):
    """Capital letters in a row, in their order: HTH, ACD."""

    run: str


@dataclass(frozen=True, slots=True)
class Time(Node):
    """Hours and minutes, or a ratio of such a look."""

    written: str


@dataclass(frozen=True, slots=True)
class Builder(Node):
    element: Node
    conditions: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Cases(Node):
    values: tuple[Node, ...]
    conditions: tuple[Node, ...]
    """As many as values; Text("otherwise") for the rest."""


@dataclass(frozen=True, slots=True)
class Conditioned(Node):
    value: Node
    conditions: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Big(Node):
    name: str
    """sum, prod, int or lim."""
    variable: str
    body: Node
    bounds: tuple[Node, ...]
    """(low, high); (point,) for a limit; () for an indefinite integral."""
    side: str = ""
    """+ or - for a limit from one side."""


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
    Builder: lambda node: (node.element, *node.conditions),
    Conditioned: lambda node: (node.value, *node.conditions),
    Cases: lambda node: (*node.values, *node.conditions),
    Big: lambda node: (node.body, *node.bounds),
}


def children(node: Node) -> tuple[Node, ...]:
    """The nodes directly inside."""
    inside = _CHILDREN.get(type(node))
    return inside(node) if inside else ()


def walk(node: Node) -> list[Node]:
    """Every node of the tree, without recursion."""
    nodes = [node]
    for current in nodes:
        inside = _CHILDREN.get(type(current))
        if inside:
            nodes.extend(inside(current))
    return nodes


_NONE: frozenset[str] = frozenset()


def symbols(node: Node) -> frozenset[str]:
    """The names of its free symbols."""
    if type(node) is Num:
        return _NONE
    try:
        return node._symbols
    except AttributeError:
        names = _symbols(node)
        object.__setattr__(node, "_symbols", names)  # nodes are frozen
        return names


def _symbols(node: Node) -> frozenset[str]:
    names, bound = set(), set()
    for inner in walk(node):
        if type(inner) is Sym:
            names.add(inner.name)
        elif type(inner) is Big and (inner.bounds or inner.name != "int"):
            bound.add(inner.variable)
    return frozenset(names - bound) if names else _NONE


def renamed(node: Node, names: dict[str, str]) -> Node:
    """With other names for its symbols."""
    if isinstance(node, Sym):
        return Sym(names.get(node.name, node.name))
    inner = children(node)
    changed = rebuilt(node, tuple(renamed(child, names) for child in inner)) if inner else node
    return (
        replace(changed, variable=names.get(changed.variable, changed.variable))
        if isinstance(changed, Big)
        else changed
    )


def put(node: Node, values: Mapping[Node, Node]) -> Node:
    """With values in place of letters and constants."""
    if isinstance(node, Sym | Const):
        return values.get(node, node)
    inner = children(node)
    return rebuilt(node, tuple(put(child, values) for child in inner)) if inner else node


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
        case Builder():
            return Builder(new[0], new[1:])
        case Conditioned():
            return Conditioned(new[0], new[1:])
        case Cases(values):
            return Cases(new[: len(values)], new[len(values) :])
        case Big(name, variable, _, _, side):
            return Big(name, variable, new[0], new[1:], side)
    return node
