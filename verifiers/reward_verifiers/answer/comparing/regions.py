"""Sets of real numbers: intervals, inequalities and unions of them are one thing in several spellings.

x > 3   (3, \\infty)   \\{x \\mid x > 3\\}   \\mathbb{R} \\setminus (-\\infty, 3]
"""

from __future__ import annotations

from fractions import Fraction
from functools import cmp_to_key
from typing import Any, NamedTuple

from reward_verifiers.answer.comparing.digits import close, numeric
from reward_verifiers.answer.comparing.named import is_member
from reward_verifiers.answer.comparing.rationals import NotHere
from reward_verifiers.answer.reading.nodes import (
    Add,
    Call,
    Const,
    Neg,
    Node,
    Num,
    Quantity,
    Relation,
    Seq,
    Sym,
    Union,
    symbols,
    walk,
)

INF = float("inf")


class Interval(NamedTuple):
    low: Any
    low_in: bool
    high: Any
    high_in: bool


Region = tuple[Interval, ...]
_ZERO = Num(Fraction(0))
_EVERYTHING: Region = (Interval(-INF, False, INF, False),)
_FLIPPED = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}


def _end(node: Node) -> Any:
    """The value of an end point. Raises NotHere when it is no real constant."""
    match node:
        case Const("inf"):
            return INF
        case Neg(term):
            return -_end(term)
        case Quantity(value):
            return _end(value)
    value = numeric(node, {})
    if getattr(value, "imag", 0) != 0:
        raise NotHere
    return value


def _same(left: Any, right: Any) -> bool:
    if left in (INF, -INF) or right in (INF, -INF):
        return bool(left == right)
    return close(left, right)


def _interval(low: Node, low_in: bool, high: Node, high_in: bool) -> Interval:
    left, right = _end(low), _end(high)
    return Interval(left, low_in and left != -INF, right, high_in and right != INF)


def region(node: Node) -> Region | None:
    """The set that a node describes, merged and in order; None when it is not (clearly) a set of real numbers."""
    try:
        own_region = _region(node)
    except (NotHere, ZeroDivisionError):
        return None
    return None if own_region is None else _merged(own_region)


def _region(node: Node) -> Region | None:
    match node:
        case Const("R"):
            return _EVERYTHING
        case Const("R*"):
            return _without(_EVERYTHING, (_interval(_ZERO, True, _ZERO, True),))
        case Const("R+" | "R-" as name):
            return (Interval(0, False, INF, False) if name == "R+" else Interval(-INF, False, 0, False),)
        case Seq((low, high), "(" | "[" as left, ")" | "]" as right):
            return (_interval(low, left == "[", high, right == "]"),)
        case Seq(items, "{", "}"):
            return tuple(_interval(item, True, item, True) for item in items)
        case Relation(("in",), (member, inner)):
            return _region(inner) if is_member(member) else None
        case Relation(ops, sides):
            return _inequality(ops, sides)
        case Union(parts) if (
            len({symbols(part) for part in parts if isinstance(part, Relation) and part.ops != ("in",)}) > 1
        ):
            return None  # x < 0 or y > 1
        case Union(parts, minus):
            regions = [_point(part) or _region(part) for part in parts]
            if any(part is None for part in regions):
                return None
            whole = tuple(piece for part in regions for piece in part or ())
            taken = _region(minus) if minus is not None else ()
            if minus is not None and taken is None:
                return None
            return _without(_merged(whole), taken or ())
        case Seq((Relation(("!=",), (Sym() as variable, _)) as first, *values), "", "") if values and not any(
            symbols(value) or isinstance(value, Relation) for value in values
        ):
            # x \\ne 2, 5
            return _region(Union((Const("R"),), Seq((first.sides[1], *values), "{", "}"))) if variable else None
        case Call("both", relations) if len(frozenset().union(*map(symbols, relations))) == 1:
            return _intersected([_region(relation) for relation in relations])
        case Seq(relations, "", "") if relations and all(isinstance(item, Relation) for item in relations):
            return _all_of([item for item in relations if isinstance(item, Relation)])
    return None


def _point(node: Node) -> Region | None:
    """The x = 1 of "x < 0 or x = 1"."""
    match node:
        case Relation(("=",), (Sym(), value)) if not symbols(value):
            return (_interval(value, True, value, True),)
    return None


def _intersected(regions: list[Region | None]) -> Region | None:
    """What lies in all of them."""
    common: Region = _EVERYTHING
    for piece in regions:
        if piece is None:
            return None
        common = tuple(both for left in common for right in piece if (both := _overlap(left, right)) is not None)
    return common


def _overlap(left: Interval, right: Interval) -> Interval | None:
    low, high = max((left, right), key=cmp_to_key(_by_low)), min((left, right), key=cmp_to_key(_by_high))
    if low.low > high.high or (_same(low.low, high.high) and not (low.low_in and high.high_in)):
        return None
    return Interval(low.low, low.low_in, high.high, high.high_in)


def _by_high(left: Interval, right: Interval) -> int:
    if _same(left.high, right.high):
        return int(left.high_in) - int(right.high_in)
    return -1 if left.high < right.high else 1


def _all_of(relations: list[Relation]) -> Region | None:
    """Conditions side by side: points left out are taken from the rest."""
    rest = [
        item for item in relations if item.ops != ("!=",) and not (item.ops == ("in",) and item.sides[1] == Const("R"))
    ]
    left_out = [item for item in relations if item.ops == ("!=",)]
    holes = [item.sides[1] for item in left_out]
    if not all(_is_variable(item.sides[0]) for item in left_out):
        return None
    if len(frozenset().union(*(symbols(item) for item in relations))) != 1:
        return None
    if len(rest) == 2:
        whole = _both(rest[0], rest[1])
    elif len(rest) < 2:
        whole = _region(rest[0]) if rest else _EVERYTHING
    else:
        whole = None
    if whole is None or any(symbols(hole) for hole in holes):
        return None
    return _without(_merged(whole), tuple(_interval(hole, True, hole, True) for hole in holes))


def _inequality(ops: tuple[str, ...], sides: tuple[Node, ...]) -> Region | None:
    shifted = _shifted_magnitude(ops, sides)
    if shifted is not None:
        return shifted
    if any(_magnitude(side) is not None for side in sides):
        plain = _inequality(ops, tuple(_magnitude(side) or side for side in sides))
        return None if plain is None else _mirrored(plain)
    if ops == ("!=",) and _is_variable(sides[0]) and not symbols(sides[1]):
        return _without(_EVERYTHING, (_interval(sides[1], True, sides[1], True),))
    if not set(ops) <= set(_FLIPPED):
        return None
    if len(ops) == 1:
        left, right = sides
        if _is_variable(right):
            left, right, ops = right, left, (_FLIPPED[ops[0]],)
        if not _is_variable(left) or symbols(right):
            return None
        bound = _end(right)
        inside = ops[0].endswith("=")
        if ops[0][0] == ">":
            return (Interval(bound, inside, INF, False),)
        return (Interval(-INF, False, bound, inside),)
    if len(ops) == 2 and _is_variable(sides[1]) and ops[0][0] == ops[1][0]:
        first, last = (sides[0], ops[0]), (sides[2], ops[1])
        if ops[0][0] == ">":
            first, last = last, first
        if symbols(first[0]) or symbols(last[0]):
            return None
        return (_interval(first[0], first[1].endswith("="), last[0], last[1].endswith("=")),)
    return None


def _is_variable(node: Node) -> bool:
    """What an inequality bounds: x, or f(x)."""
    return isinstance(node, Sym) or (isinstance(node, Call) and node.name.endswith("()"))


def _magnitude(node: Node) -> Node | None:
    """The x of |x|."""
    return node.args[0] if isinstance(node, Call) and node.name == "abs" and isinstance(node.args[0], Sym) else None


def _shifted_magnitude(ops: tuple[str, ...], sides: tuple[Node, ...]) -> Region | None:
    """|x - 1| < 3 is (-2, 4), |x - 1| > 3 the rest."""
    match ops, sides:
        case ((("<" | "<=" | ">" | ">=") as op,), (Call("abs", (Add((Sym(), shift)),)), bound)) if not symbols(
            shift
        ) and not symbols(bound):
            pass
        case _:
            return None
    centre, size = -_end(shift), _end(bound)
    if size in (INF, -INF) or size < 0:
        return None
    closed = op.endswith("=")
    if op[0] == "<":
        return (Interval(centre - size, closed, centre + size, closed),)
    return (Interval(-INF, False, centre - size, closed), Interval(centre + size, closed, INF, False))


def is_solved(node: Node) -> bool:
    """Whether it says what the letter is, and not a condition to work out."""
    return not any(
        isinstance(inner, Relation)
        and any(
            isinstance(side, Call) and side.name == "abs" and not isinstance(side.args[0], Sym) for side in inner.sides
        )
        for inner in walk(node)
    )


def _mirrored(sizes: Region) -> Region:
    """The numbers whose size lies in `sizes`."""
    pieces = []
    for piece in sizes:
        if piece.high < 0:
            continue
        if piece.low < 0:
            piece = piece._replace(low=0, low_in=True)
        pieces += [piece, Interval(-piece.high, piece.high_in, -piece.low, piece.low_in)]
    return tuple(pieces)


def _both(first: Relation, second: Relation) -> Region | None:
    """Two inequalities side by side: apart they are alternatives, overlapping they are both meant."""
    if symbols(first) != symbols(second) or len(symbols(first)) != 1:
        return None
    left, right = _region(first), _region(second)
    if left is None or right is None or len(left) != 1 or len(right) != 1:
        return None
    low, high = sorted((left[0], right[0]), key=cmp_to_key(_by_low))
    if high.low > low.high or _same(high.low, low.high):
        return left + right
    top, top_in = (low.high, low.high_in) if low.high < high.high else (high.high, high.high_in)
    return (Interval(high.low, high.low_in, top, top_in),)


def _by_low(left: Interval, right: Interval) -> int:
    if _same(left.low, right.low):
        return int(right.low_in) - int(left.low_in)
    return -1 if left.low < right.low else 1


def _merged(pieces: Region) -> Region:
    merged: list[Interval] = []
    for piece in sorted(pieces, key=cmp_to_key(_by_low)):
        last = merged[-1] if merged else None
        touches = last is not None and (
            (_same(piece.low, last.high) and (piece.low_in or last.high_in))
            or (not _same(piece.low, last.high) and piece.low < last.high)
        )
        if last is None or not touches:
            merged.append(piece)
        elif _same(piece.high, last.high):
            merged[-1] = last._replace(high_in=last.high_in or piece.high_in)
        elif piece.high > last.high:
            merged[-1] = last._replace(high=piece.high, high_in=piece.high_in)
    return tuple(merged)


def _without(whole: Region, taken: Region) -> Region:
    """`whole` less single points and intervals."""
    for hole in taken:
        outside = (
            Interval(-INF, False, hole.low, not hole.low_in and hole.low != -INF),
            Interval(hole.high, not hole.high_in and hole.high != INF, INF, False),
        )
        whole = tuple(part for piece in whole for rest in outside if (part := _overlap(piece, rest)) is not None)
    return whole


def same(left: Region, right: Region) -> bool:
    """Equal sets, ends included or not."""
    return len(left) == len(right) and all(
        a.low_in == b.low_in and a.high_in == b.high_in and _same(a.low, b.low) and _same(a.high, b.high)
        for a, b in zip(left, right, strict=True)
    )
