"""What names say: x = 5 is the value 5, x = 1, y = 2 is the point (1, 2), k \\in Z names a whole number.

answer ──▶ same_parameter ──▶ settled ──▶ unlabelled ──▶ the value proper
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from reward_verifiers.answer import words
from reward_verifiers.answer.nodes import (
    Call,
    Const,
    Frac,
    Mul,
    Neg,
    Node,
    Relation,
    Seq,
    Sym,
    Text,
    children,
    rebuilt,
    symbols,
)

Same = Callable[[Node, Node], bool]
"""Whether two nodes have the same value."""


def settled(node: Node, as_written: bool = False) -> Node:
    """Synonyms in one spelling: "no solution" is the empty set, "x \\in A" is A, "a \\approx b" is a.

    Values with names stand in the order of the names, or `as_written` when the other side names none.
    """
    match node:
        case Text(said):
            name = words.synonym(said)
            if name == "∅":
                return Seq((), "{", "}")
            if name == "R":
                return Const("R")
            if name in ("inf", "-inf"):
                return Const("inf") if name == "inf" else Neg(Const("inf"))
            return Text(name or words.plain(said))
        case Const("∅"):
            return Seq((), "{", "}")
        case Relation(("in",), (_, inner)):
            return settled(inner)
        case Relation(("~",), (left, right)):
            return right if _is_label(left) else left
        case Relation(ops, sides) if ops[-1] == "~":
            return settled(Relation(ops[:-1], sides[:-1]))
        case Relation(("=",), (Seq(names, "(", ")"), Seq(items, "(", ")") as right)) if len(names) == len(
            items
        ) and all(isinstance(name, Sym) for name in names):
            return right
        case Seq((single,), "", ""):
            return settled(single)
        case Seq(items, "", "") | Seq(items, "{", "}") if items and all(map(_is_assignment, items)):
            return _assignments(node, items, as_written)
    return node


def same_parameter(gold: Node, answer: Node) -> tuple[Node, Node]:
    """Without "k \\in Z" beside them, and with one name for the whole number that both speak of."""
    (left, name), (right, other) = _without_condition(gold), _without_condition(answer)
    if name and other and name != other and name not in symbols(right):
        right = _renamed(right, other, name)
    return left, right


def _without_condition(node: Node) -> tuple[Node, str | None]:
    match node:
        case Seq((*items, Relation(("in",), (Sym(name), Const("Z" | "N")))), "", "") if items:
            return (items[0] if len(items) == 1 else Seq(tuple(items))), name
    return node, None


def _renamed(node: Node, old: str, new: str) -> Node:
    if isinstance(node, Sym):
        return Sym(new) if node.name == old else node
    inner = children(node)
    return rebuilt(node, tuple(_renamed(child, old, new) for child in inner)) if inner else node


def _is_assignment(node: Node) -> bool:
    return isinstance(node, Relation) and node.ops == ("=",) and _is_label(node.sides[0])


def is_bare(node: Node) -> bool:
    """Whether it is a list without brackets and names: 1, 2."""
    return isinstance(node, Seq) and not node.open and not all(map(_is_assignment, node.items))


def _assignments(node: Seq, items: Sequence[Node], as_written: bool) -> Node:
    """x=1, x=2 are two values of x; x=1, y=2 is a point; x=1, y=2, x=3, y=4 are two points."""
    pairs = [(repr(item.sides[0]), item.sides[1]) for item in items if isinstance(item, Relation)]
    names = list(dict.fromkeys(name for name, _ in pairs))
    if len(names) == 1:
        return Seq(tuple(value for _, value in pairs), node.open, node.close)
    width = len(names)
    points = []
    for start in range(0, len(pairs), width):
        point = pairs[start : start + width]
        if {name for name, _ in point} != set(names):
            return node
        ordered = point if as_written else sorted(point, key=lambda pair: pair[0])
        points.append(Seq(tuple(value for _, value in ordered), "(", ")"))
    return points[0] if len(points) == 1 else Seq(tuple(points))


def _is_label(node: Node) -> bool:
    """A name for a value: x, x_1, f(x), Area, AB, |AB|, AB/CD."""
    match node:
        case Sym() | Text():
            return True
        case Call("abs" | "ratio", parts):
            return all(map(_is_label, parts))
        case Frac(over, under):
            return _is_label(over) and _is_label(under)
        case Call(name):
            return name.endswith("()")
        case Mul(factors):
            return all(isinstance(factor, Sym) for factor in factors)
    return False


def unlabelled(gold: Node, answer: Node, same: Same) -> tuple[Node | None, Node | None]:
    """Both without `x =` where that only names the value; None for an equation whose sides contradict each other."""
    both = isinstance(gold, Relation) and isinstance(answer, Relation)
    if both and _label(gold) is not None and _label(answer) is not None:
        left, right = _label(gold), _label(answer)
        if left == right or (_is_function(left) and _is_function(right)):
            return _value(gold, same), _value(answer, same)
        return gold, answer
    if both and len(gold.sides) == len(answer.sides) == 2:  # type: ignore[attr-defined]
        return gold, answer
    return _value(gold, same), _value(answer, same)


def _is_function(node: Node | None) -> bool:
    return node == Sym("y") or (isinstance(node, Call) and node.name.endswith("()"))


def _label(node: Node) -> Node | None:
    if isinstance(node, Relation) and set(node.ops) == {"="} and _is_label(node.sides[0]):
        return node.sides[0]
    return None


def _value(node: Node, same: Same) -> Node | None:
    """The value that a chain `x = a = b` gives, when a and b are the same; other nodes as they are."""
    if not isinstance(node, Relation) or set(node.ops) != {"="}:
        return node
    sides = list(node.sides)
    while len(sides) > 1 and _is_label(sides[0]):
        del sides[0]
    if len(sides) == 2 and isinstance(sides[1], Sym) and not symbols(sides[0]):
        del sides[1]
    if len(sides) == 1:
        return sides[0]
    if len(sides) == len(node.sides) == 2 and symbols(node):
        return node  # an equation proper, such as x^2 + y^2 = 1
    return sides[-1] if all(same(sides[-1], side) for side in sides[:-1]) else None
