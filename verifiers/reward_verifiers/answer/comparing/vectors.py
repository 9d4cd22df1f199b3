"""Vectors and matrices worked out: i - 2j + 3k is (1, -2, 3), a half times a matrix is the matrix of halves."""

from __future__ import annotations

from fractions import Fraction

from reward_verifiers.answer.comparing.rationals import rational_or_none
from reward_verifiers.answer.reading.nodes import (
    Add,
    Const,
    Frac,
    Matrix,
    Mul,
    Neg,
    Node,
    Num,
    Percent,
    Pow,
    Seq,
    Sym,
    children,
    put,
    rebuilt,
    symbols,
    walk,
)

_BASIS = {"i→": 0, "j→": 1, "k→": 2}
_ZERO, _ONE = Num(Fraction(0)), Num(Fraction(1))


def alike(gold: Node, answer: Node) -> tuple[Node, Node]:
    """Both with vectors as rows of their parts; a vector of the plane has a third part where the other side has."""
    if _has_basis(gold) != _has_basis(answer):
        gold, answer = _with_arrows(gold, answer), _with_arrows(answer, gold)
    left, right = worked_out(gold), worked_out(answer)
    if left is gold and right is answer:
        return gold, answer
    for_plane = [isinstance(node, Seq) and len(node.items) == 2 for node in (left, right)]
    if isinstance(left, Seq) and isinstance(right, Seq) and {len(left.items), len(right.items)} == {2, 3}:
        if for_plane[0] and left is not gold:
            left = Seq((*left.items, _ZERO), left.open, left.close)
        if for_plane[1] and right is not answer:
            right = Seq((*right.items, _ZERO), right.open, right.close)
    return left, right


def _with_arrows(node: Node, other: Node) -> Node:
    """3i + 4j beside vectors: plain i, j, k are theirs."""
    if not _has_basis(other) or _has_basis(node) or not {Sym("j"), Sym("k")} & set(walk(node)):
        return node
    return _renamed_basis(node)


def _renamed_basis(node: Node) -> Node:
    if node == Const("i") or node in (Sym("j"), Sym("k")):
        return Sym(f"{node.name}→")
    inner = children(node)
    return rebuilt(node, tuple(map(_renamed_basis, inner))) if inner else node


def worked_out(node: Node) -> Node:
    """A vector in i, j, k as a row; a matrix with its factor multiplied in; other nodes as they are."""
    if isinstance(node, Add | Mul | Neg | Frac | Sym):
        for inner in walk(node):
            kind = type(inner)
            if kind is Sym and inner.name in _BASIS:  # type: ignore[attr-defined]
                return _vector(node) or node
            if kind is Matrix or (kind is Seq and _is_tuple(inner)):
                return _matrix(node) or node
    return node


def _is_tuple(node: Node) -> bool:
    return isinstance(node, Seq) and node.open in ("(", "[") and node.close in (")", "]") and len(node.items) > 1


def _vector(node: Node) -> Node | None:
    parts: list[Node] = []
    for name in _BASIS:
        part = _at(node, name)
        if part is None:
            return None
        parts.append(_folded(part))
    size = 3 if any(isinstance(inner, Sym) and inner.name == "k→" for inner in walk(node)) else 2
    return Seq(tuple(parts[:size]), "(", ")")


def _at(node: Node, name: str) -> Node | None:
    """The node with the named basis vector as 1 and the others as 0; None where it is not linear in them."""
    if any(
        isinstance(inner, Pow) and any(isinstance(s, Sym) and s.name in _BASIS for s in walk(inner))
        for inner in walk(node)
    ):
        return None
    if not _is_linear(node):
        return None
    return put(node, {Sym(other): _ONE if other == name else _ZERO for other in _BASIS})


def _is_linear(node: Node) -> bool:
    match node:
        case Sym():
            return True
        case Add(terms):
            return all(map(_is_linear, terms)) and all(_has_basis(term) for term in terms)
        case Neg(term):
            return _is_linear(term)
        case Mul(factors):
            return sum(map(_has_basis, factors)) == 1 and all(_is_linear(f) for f in factors if _has_basis(f))
        case Frac(over, under):
            return _is_linear(over) and not _has_basis(under)
    return not _has_basis(node)


def _has_basis(node: Node) -> bool:
    return not symbols(node).isdisjoint(_BASIS)


def _matrix(node: Node) -> Node | None:
    """The matrix (or tuple) that a product or sum with one is."""
    match node:
        case Matrix():
            return node
        case Seq() if _is_tuple(node):
            return node
        case Neg(term):
            return _scaled(_matrix(term), Num(Fraction(-1)))
        case Frac(over, under):
            return _scaled(_matrix(over), Frac(_ONE, under))
        case Mul(factors):
            whole = [factor for factor in factors if isinstance(factor, Matrix) or _is_tuple(factor)]
            rest = tuple(factor for factor in factors if factor not in whole)
            if len(whole) != 1 or any(isinstance(inner, Matrix | Percent) for factor in rest for inner in walk(factor)):
                return None
            return _scaled(whole[0], Mul(rest) if len(rest) > 1 else rest[0])
        case Add(terms):
            matrices = [_matrix(term) for term in terms]
            if None in matrices or len({_shape(part) for part in matrices}) != 1:
                return None
            cells = zip(*(children(part) for part in matrices if part is not None), strict=True)
            return (
                rebuilt(matrices[0], tuple(_folded(Add(tuple(group))) for group in cells))
                if matrices[0] is not None
                else None
            )
    return None


def _shape(node: Node | None) -> tuple[object, ...]:
    if isinstance(node, Matrix):
        return tuple(len(row) for row in node.rows)
    return ("row", len(node.items)) if isinstance(node, Seq) else ()


def _scaled(node: Node | None, factor: Node) -> Node | None:
    return None if node is None else rebuilt(node, tuple(_folded(Mul((factor, cell))) for cell in children(node)))


def _folded(node: Node) -> Node:
    """A number worked out."""
    value = rational_or_none(node)
    if value is None:
        return node
    return Num(value) if value >= 0 else Neg(Num(-value))
