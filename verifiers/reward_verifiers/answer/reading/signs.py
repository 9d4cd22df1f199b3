"""Both signs: 2 \\pm \\sqrt 3 is a list of two values, the upper signs and the lower."""

from __future__ import annotations

from reward_verifiers.answer.reading.nodes import Neg, Node, PlusMinus, Seq, children, rebuilt, walk


def spread(node: Node) -> Node:
    """With every \\pm written out: a list of the upper and the lower reading."""
    if not any(type(inner) is PlusMinus for inner in walk(node)):
        return node

    def reading(current: Node, upper: bool) -> Node:
        new = tuple(reading(child, upper) for child in children(current))
        if isinstance(current, PlusMinus):
            return new[0] if current.upper == upper else Neg(new[0])
        return rebuilt(current, new) if new else current

    if isinstance(node, Seq) and node.open in ("", "{"):
        items: list[Node] = []
        for item in node.items:
            both = spread(item)
            items.extend(both.items if isinstance(both, Seq) and not both.open and both is not item else (both,))
        return Seq(tuple(items), node.open, node.close)
    return Seq((reading(node, True), reading(node, False)))
