"""What names say: x = 5 is the value 5, x = 1, y = 2 is the point (1, 2), k \\in Z names a whole number.

answer ──▶ same_letters ──▶ settled ──▶ unlabelled ──▶ the value proper
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import permutations
from operator import itemgetter

from reward_verifiers.answer.comparing.rationals import rational_or_none
from reward_verifiers.answer.reading import words
from reward_verifiers.answer.reading.nodes import (
    Add,
    Big,
    Call,
    Conditioned,
    Const,
    Frac,
    Matrix,
    Mul,
    Neg,
    Node,
    Num,
    Pow,
    Quantity,
    Relation,
    Seq,
    Sym,
    Text,
    renamed,
    symbols,
    walk,
)

Same = Callable[[Node, Node], bool | None]
"""Whether two nodes have the same value; None: not known."""
Near = Callable[[Node, Node], bool]
"""Whether the second is a decimal that rounds the first."""
_CONSTANT_LETTERS = frozenset("C c K k A B D".split())
_MAX_CONSTANTS = 4
_INVERSE = "^-1()"


def settled(node: Node, as_written: bool = False) -> Node:
    """Synonyms in one spelling: "no solution" is the empty set, "x \\in A" is A, "a \\approx b" is a.

    Values with names stand in the order of the names, or `as_written` when the other side names none.
    """
    match node:
        case Text(word):
            name = words.synonym(word)
            if name == "∅":
                return Seq((), "{", "}")
            if name == "R":
                return Const("R")
            if name in ("inf", "-inf"):
                return Const("inf") if name == "inf" else Neg(Const("inf"))
            return Text(name or words.plain(word))
        case Const("∅"):
            return Seq((), "{", "}")
        case Relation(("in",), (member, inner)) if is_member(member):
            return settled(inner)
        case Relation(("mapsto",), (Sym(), value)):
            return value
        case Relation(("=",), (Seq(names, "(", ")"), Seq(items, "(", ")") as right)) if len(names) == len(
            items
        ) and all(isinstance(name, Sym) for name in names):
            return _in_axes_order(names, right)
        case Seq((single,), "", ""):
            return settled(single)
        case Conditioned(value):
            return settled(value, as_written)
        case Seq(items) if items and all(map(_is_assignment, items)):
            return _assignments(
                Seq(items, *(("", "") if node.open in ("(", "[") else (node.open, node.close))), items, as_written
            )
    return node


def _in_axes_order(names: tuple[Node, ...], values: Seq) -> Seq:
    """(y, x) = (1, 2) is the point (2, 1)."""
    pairs = sorted(
        zip((name.name for name in names if isinstance(name, Sym)), values.items, strict=True), key=itemgetter(0)
    )
    if [name for name, _ in pairs] not in (["x", "y"], ["x", "y", "z"]):
        return values
    return Seq(tuple(value for _, value in pairs), values.open, values.close)


def same_letters(gold: Node, answer: Node) -> tuple[Node, Node]:
    """Without conditions on a letter beside them, and with one name for what may be named at will."""
    (left, name), (right, other) = _without_condition(gold), _without_condition(answer)
    if name and other and _letter_set(gold) != _letter_set(answer):
        return gold, answer  # k in N is not k in Z
    if name and other and name != other and name not in symbols(right):
        right = renamed(right, {other: name})
    right = _same_argument(left, right)
    ours, theirs = symbols(left), symbols(right)
    if ours == theirs or not ours or not theirs:
        return left, right  # no letter that the other side lacks
    right = _same_period(left, right)
    return left, _same_constants(left, right)


def _without_condition(node: Node) -> tuple[Node, str | None]:
    """(2k+1), k \\in Z speaks of a whole number k; a_n = 2n+1, n \\ge 1 is a formula for a_n."""
    match node:
        case Seq((Relation(("in",), (Sym(), Const())) as condition, *rest), "", "") if rest and not isinstance(
            rest[-1], Seq
        ):
            if rest[-1] != condition and not (isinstance(rest[-1], Relation) and rest[-1].ops == ("in",)):
                return _without_condition(Seq((*rest, condition)))
    match node:
        case Seq((*items, Relation(("in",), (Sym(name), Const("Z" | "N" | "Z+" | "N+" | "N*" | "Z*")))), "", "") if (
            items
        ) and not (len(items) == 1 and _bounds(items[0], name)):
            return (items[0] if len(items) == 1 else Seq(tuple(items))), name
        case Seq((Relation(("=",), (label, value)) as formula, Relation(ops, (Sym(name), bound))), "", "") if (
            ops[0] in ("<", ">", "<=", ">=", "!=")
            and name in symbols(value)
            and not symbols(bound)
            and _argument(label) == name
        ):
            return formula, name
        case Conditioned(value, (Relation(("in",), (Sym(name), Const())),)):
            return value, name
        case Conditioned(value):
            return value, None
    return node, None


def _bounds(node: Node, name: str) -> bool:
    """Whether it is an inequality for the letter itself: n >= 3."""
    return isinstance(node, Relation) and node.ops[0] in ("<", ">", "<=", ">=", "!=") and Sym(name) in node.sides


def first_index(node: Node) -> Fraction | None:
    """Where the n of a formula begins: 1 for a_n = 3n - 1, n >= 1."""
    beside = node.items[1:] if isinstance(node, Seq) else node.conditions if isinstance(node, Conditioned) else ()
    for condition in beside:
        match condition:
            case Relation((">=" | ">" as op,), (Sym(name), bound)) if name in _WHOLE_LETTERS:
                value = rational_or_none(bound)
                return None if value is None else value + (op == ">")
    return None


def _letter_set(node: Node) -> str | None:
    """The set of numbers that a letter beside a formula is in; the natural numbers with and without 0 are one."""
    inside = node.items if isinstance(node, Seq) else node.conditions if isinstance(node, Conditioned) else ()
    sets = [item.sides[1] for item in inside if isinstance(item, Relation) and item.ops == ("in",)]
    name = sets[-1].name if sets and isinstance(sets[-1], Const) else None
    return "N" if name in ("N*", "N+", "Z+") else name


def _same_period(gold: Node, answer: Node) -> Node:
    """2k\\pi is 2n\\pi: a letter for a whole number, with pi beside it."""
    ours, theirs = symbols(gold) - symbols(answer), symbols(answer) - symbols(gold)
    if len(ours) == len(theirs) == 1 and (ours | theirs) <= _WHOLE_LETTERS:
        name, other = next(iter(ours)), next(iter(theirs))
        if _only_beside_pi(gold, name) and _only_beside_pi(answer, other):
            return renamed(answer, {other: name})
    return answer


_WHOLE_LETTERS = frozenset("nkmlN")


def _only_beside_pi(node: Node, name: str) -> bool:
    """Whether a letter stands in products with pi alone."""
    products = sum(
        isinstance(inner, Mul) and Sym(name) in inner.factors and Const("pi") in walk(inner) for inner in walk(node)
    )
    return products > 0 and products == sum(inner == Sym(name) for inner in walk(node))


def _argument(label: Node) -> str | None:
    """The letter of f(x), and of a_n."""
    match label:
        case Call(name, (Sym(argument),)) if name.endswith("()"):
            return argument
        case Sym(name) if len(name) == 3 and name[1] == "_" and name[2].isalpha():
            return name[2]
    return None


def _same_argument(gold: Node, answer: Node) -> Node:
    """f(t) = t^2 is f(x) = x^2, x \\mapsto x^2 too, and a_k = 2k+1 is a_n = 2n+1."""
    if not isinstance(gold, Relation) or not isinstance(answer, Relation) or gold.ops != ("=",):
        return answer
    gold_letter = _argument(gold.sides[0])
    if answer.ops == ("mapsto",) and isinstance(answer.sides[0], Sym) and gold_letter:
        return renamed(answer.sides[1], {answer.sides[0].name: gold_letter})
    letter = _argument(answer.sides[0]) if answer.ops == ("=",) else None
    if not gold_letter or not letter or gold_letter == letter or gold_letter in symbols(answer):
        return answer
    label = gold.sides[0]
    old = answer.sides[0]
    same = isinstance(label, Call) == isinstance(old, Call) and (isinstance(label, Call) or _stem(label) == _stem(old))
    return Relation(("=",), (label, renamed(answer.sides[1], {letter: gold_letter}))) if same else answer


def _stem(label: Node) -> str:
    return label.name[:2] if isinstance(label, Sym) else ""


def _another_number(ours: str, theirs: str) -> bool:
    """C_1 and C_4: numbered otherwise, not named otherwise."""
    return ours[:2] == theirs[:2] and ours[1:2] == "_"


def _is_constant_letter(name: str) -> bool:
    return name in _CONSTANT_LETTERS or (name[:2] in ("C_", "c_", "K_", "k_", "A_", "B_") and name[2:].isdigit())


def _same_constants(gold: Node, answer: Node) -> Node:
    """+c is +C: letters that only one side has, when they may name a constant of integration."""
    if isinstance(gold, Seq):
        return answer
    left, right = symbols(_unnamed(gold)), symbols(_unnamed(answer))
    if left == right or not left:
        return answer
    ours = [name for name in _in_order(_unnamed(gold)) if name not in right]
    theirs = [name for name in _in_order(_unnamed(answer)) if name not in left]
    if not ours or len(ours) != len(theirs) or len(ours) > _MAX_CONSTANTS:
        return answer
    if not all(map(_is_constant_letter, ours)) or not all(map(_is_constant_letter, theirs)):
        return answer
    if any(map(_another_number, ours, theirs)) or not (left - set(ours)):
        return answer  # no more than a constant, or a name: A is not C, and AB not AC
    if not _is_general_solution(gold, ours) or (symbols(answer) - right) & set(theirs):
        return answer
    return renamed(answer, dict(zip(theirs, ours, strict=True)))


def _unnamed(node: Node) -> Node:
    """The value of y = C e^x."""
    named = (
        isinstance(node, Relation) and node.ops == ("=",) and (_is_function(node.sides[0]) or _is_lone(node.sides[0]))
    )
    return node.sides[1] if named and isinstance(node, Relation) else node


def _is_lone(node: Node) -> bool:
    return isinstance(node, Sym) and node.name in ("x", "u", "z", "s")


def _is_general_solution(gold: Node, constants: list[str]) -> bool:
    """Whether letters may be constants of integration: in a formula for y or f(x), or added to a formula of one letter.

    The C of E = C V^2 / 2 is a quantity, and that of A \\cap C a set.
    """
    value = _unnamed(gold)
    variables = symbols(value) - set(constants)
    if value is not gold or len(constants) > 1:
        return variables <= _VARIABLES
    added = isinstance(value, Add) and any(isinstance(term, Sym) and term.name in constants for term in value.terms)
    return variables <= _VARIABLES and (added or _has_exponential(value))


_VARIABLES = frozenset("x y z t s u v w n r θ \\theta".split())


def _has_exponential(node: Node) -> bool:
    return any(isinstance(inner, Pow) and inner.base == Const("e") for inner in walk(node))


def other_constants(gold: Node, answer: Node) -> list[Node]:
    """The same answer with its constants in other orders: C_1 and C_2 may be B and A."""
    names = [name for name in _in_order(answer) if _is_constant_letter(name) and name in symbols(gold)]
    if isinstance(answer, Seq) or not symbols(answer) - set(names) or not 2 <= len(names) <= _MAX_CONSTANTS - 1:
        return []
    return [renamed(answer, dict(zip(names, order, strict=True))) for order in list(permutations(names))[1:]]


def counted(node: Node, other: Node) -> Node:
    """ "dog: 4, cat: 6" beside "4 dogs and 6 cats": where the other side counts a thing, its name is no label."""
    if not isinstance(node, Seq) or not any(isinstance(item, Relation) for item in node.items):
        return node
    things = {inner.unit for inner in walk(other) if isinstance(inner, Quantity) and inner.unit[:1] == "#"}
    items = tuple(map(_counted, node.items)) if things else ()
    if any(isinstance(item, Quantity) and item.unit in things for item in items):
        return Seq(items, node.open, node.close)
    return node


def _counted(item: Node) -> Node:
    match item:
        case Relation(("=",), (Sym(name), Num() as count)) if thing := words.stem(name):
            return Quantity(count, f"#{thing}")
    return item


def _in_order(node: Node) -> list[str]:
    return list(dict.fromkeys(inner.name for inner in walk(node) if isinstance(inner, Sym)))


def names_differ(gold: Node, answer: Node) -> bool:
    """x = 1, y = 2 is not x = 1, z = 2: both name their values, and not alike."""
    ours, theirs = _assigned(gold), _assigned(answer)
    if not ours or not theirs or ours == theirs:
        return False
    return not any(len(one) == 1 and _bases(other) == one for one, other in ((ours, theirs), (theirs, ours)))


def values_by_name(gold: Node, answer: Node) -> tuple[list[Node], list[Node]] | None:
    """The values of x = 1, y = 2 and of y = 2, x = 1, in one order of the names; None where one is named twice."""
    ours, theirs = _values_of(gold), _values_of(answer)
    if len(ours) < 2 or ours.keys() != theirs.keys():
        return None
    return [ours[name] for name in ours], [theirs[name] for name in ours]


def _values_of(node: Node) -> dict[str, Node]:
    if not isinstance(node, Seq) or len(_assigned(node)) != len(node.items):
        return {}
    return {_label_text(item.sides[0]): item.sides[1] for item in node.items if isinstance(item, Relation)}


def _bases(names: set[str]) -> set[str]:
    """x_1 and x_2 are both an x."""
    return {name.partition("_")[0] for name in names}


def _assigned(node: Node) -> set[str]:
    if not isinstance(node, Seq) or not all(map(_is_assignment, node.items)):
        return set()
    return {_label_text(item.sides[0]) for item in node.items if isinstance(item, Relation)}


def _label_text(label: Node) -> str:
    """The name itself; \\angle A is A."""
    return label.name.removeprefix("angle ") if isinstance(label, Sym) else repr(label)


def _is_assignment(node: Node) -> bool:
    return isinstance(node, Relation) and node.ops == ("=",) and is_label(node.sides[0])


def is_bare(node: Node) -> bool:
    """Whether it is a list or a set without names: 1, 2."""
    return isinstance(node, Seq) and node.open in ("", "{") and not all(map(_is_assignment, node.items))


def _assignments(node: Seq, items: Sequence[Node], as_written: bool) -> Node:
    """x=1, x=2 are two values of x; x=1, y=2 is a point; x=1, y=2, x=3, y=4 are two points."""
    pairs = [(repr(item.sides[0]), item.sides[1]) for item in items if isinstance(item, Relation)]
    names = list(dict.fromkeys(name for name, _ in pairs))
    if len(names) == 1 or (as_written and _are_roots(items)):
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


def _are_roots(items: Sequence[Node]) -> bool:
    """x_1 = 2, x_2 = -3: two values of x, beside a list that names none."""
    names = [item.sides[0].name for item in items if isinstance(item, Relation) and isinstance(item.sides[0], Sym)]
    return len(names) == len(items) and all(name[:2] in ("x_", "z_", "t_") and name[2:].isdigit() for name in names)


def unlabelled(gold: Node, answer: Node, same: Same, near: Near) -> tuple[Node | None, Node | None]:
    """Both without `x =` where that only names the value; None for an equation whose sides contradict each other."""
    if not isinstance(gold, Relation) or not isinstance(answer, Relation):
        left, right = _value(gold, same, near), _value(answer, same, near)
        return left, right if isinstance(left, Relation) else _worked_out(right, same)
    left, right = label_of(gold), label_of(answer)
    if left is not None and right is not None:
        if left == right or (_is_function(left) and _is_function(right) and not _at_other_places(left, right)):
            return _value(gold, same, near), _value(answer, same, near)
        return gold, answer
    if len(gold.sides) == len(answer.sides) == 2:
        return gold, answer
    return _value(gold, same, near), _value(answer, same, near)


def _worked_out(node: Node | None, same: Same) -> Node | None:
    """x^2 - 1 = (x - 1)(x + 1), an identity, gives its last side, and 2^{10} \\equiv 4 \\pmod 5 the residue."""
    match node:
        case Call("congruent", (left, right, modulus)) if not symbols(node):
            return right if same(Call("mod", (left, modulus)), right) else node
        case Relation(("=",), (left, right)) if not is_label(left) and same(left, right):
            return right
    return node


def is_unsolved(gold: Node, answer: Node) -> bool:
    """Whether the reference names a constant, and the answer is an equation still to be solved for it."""
    if (
        not isinstance(gold, Relation)
        or not isinstance(answer, Relation)
        or label_of(gold) is None
        or symbols(gold.sides[-1])
    ):
        return False
    if set(answer.ops) - {"=", "~"} or label_of(answer) is not None:
        return False
    return not (is_label(answer.sides[-1]) and not symbols(answer.sides[0]))


def is_member(node: Node) -> bool:
    """What may be said to be in a set whose elements are the answer; 1 - x in {1, 2} has other values of x."""
    return is_label(node) or isinstance(node, Seq | Relation)


def is_label(node: Node) -> bool:
    """A name for a value: x, x_1, f(x), Area, AB, |AB|, AB/CD."""
    match node:
        case Sym() | Text():
            return True
        case Call("abs" | "ratio" | "det" | "cap", parts):
            return all(map(is_label, parts))
        case Frac(over, under):
            return is_label(over) and is_label(under)
        case Call(name):
            return name.endswith("()")
        case Mul(factors):
            return all(isinstance(factor, Sym) for factor in factors) and len(set(factors)) == len(factors)
    return False


def _is_function(node: Node | None) -> bool:
    if isinstance(node, Sym):
        return node.name.rstrip("'") in ("y", "f", "g", "h")
    return isinstance(node, Call) and node.name.endswith("()")


def _at_other_places(left: Node, right: Node) -> bool:
    """Q(50) is not Q(80)."""
    arguments = [label.args if isinstance(label, Call) else () for label in (left, right)]
    if arguments[0] and arguments[1] and arguments[0] != arguments[1]:
        return True  # not renamed: its letter is not the one that its value speaks of
    if _primes(left) != _primes(right):
        return True
    if (
        isinstance(left, Call)
        and isinstance(right, Call)
        and left.name.endswith(_INVERSE) != right.name.endswith(_INVERSE)
    ):
        return True
    return arguments[0] != arguments[1] and any(not symbols(argument) for argument in (*arguments[0], *arguments[1]))


def _primes(label: Node | None) -> int:
    name = label.name if isinstance(label, Sym | Call) else ""
    return name.count("'")


def label_of(node: Node) -> Node | None:
    """The name in `x = 5`."""
    if isinstance(node, Relation) and set(node.ops) <= {"=", "~"} and is_label(node.sides[0]):
        label = node.sides[0]
        own = isinstance(label, Sym) and any(label.name in symbols(side) for side in node.sides[1:])
        return None if own and len(node.sides) == 2 and node.sides[1] != label else label
    return None


_RATIOS = frozenset("sin cos tan cot sec csc".split())
_ANGLES = frozenset("\\theta \\alpha \\beta \\gamma \\phi \\varphi \\delta A B C".split())


def _is_quantity(node: Node) -> bool:
    """m + n, xyz, \\tan\\theta: what a question may ask the value of. \\sin x is left: x is what is solved for."""
    match node:
        case Call(name, (Sym(angle),)) | Call(name, (Mul((Num(), Sym(angle))),)) if name in _RATIOS:
            return angle in _ANGLES or angle.startswith("angle ")
        case Add(terms):
            return (
                len(terms) > 1
                and all(isinstance(term, Sym) or _is_quantity(term) for term in terms)
                and len(set(terms)) > 1
            )
        case Mul(factors):
            return all(isinstance(factor, Sym) for factor in factors) and len(set(factors)) > 1
    return False


def _value(node: Node, same: Same, near: Near) -> Node | None:
    """The value that a chain `x = a = b` gives, when a and b are the same; other nodes as they are.

    What stands behind an approximately-equal sign must round what stands before it.
    """
    if not isinstance(node, Relation) or not set(node.ops) <= {"=", "~"}:
        return node
    if isinstance(node.sides[0], Sym) and label_of(node) is None:
        return node  # x = 2x - 3
    sides, ops = list(node.sides), list(node.ops)
    if isinstance(sides[0], Pow) and isinstance(sides[0].base, Sym) and isinstance(sides[-1], Matrix):
        del sides[0], ops[0]  # A^{-1} = a matrix
    while len(sides) > 1 and (is_label(sides[0]) or (_is_quantity(sides[0]) and not symbols(sides[1]))):
        del sides[0], ops[0]
    if len(sides) == 2 and isinstance(sides[1], Sym) and not symbols(sides[0]) and ops == ["="]:
        del sides[1], ops[0]
    while len(sides) > 1 and len(node.sides) > 2 and _has_unknown(sides[0]) and not _has_unknown(sides[-1]):
        del sides[0], ops[0]  # 2\pi r = 2\pi \cdot 3 = 6\pi: a formula of the problem, then its value
    if len(sides) == 1:
        return sides[0]
    if len(sides) == len(node.sides) == 2 and symbols(node) and not _is_work(sides[0]):
        return node  # an equation proper, such as x^2 + y^2 = 1
    exact = sides[0]
    for op, side in zip(ops, sides[1:], strict=True):
        if op == "~":
            if not near(exact, side):
                return None
        else:
            agree = same(exact, side)
            if agree is False or (agree is None and not _is_work(exact)):
                return None
            exact = side
    return exact


def _has_unknown(node: Node) -> bool:
    """Whether a letter stands in it, or a function that is not known: P(X = 0)."""
    return bool(symbols(node)) or any(isinstance(inner, Call) and inner.name.endswith("()") for inner in walk(node))


def _is_work(node: Node) -> bool:
    """A limit, an integral, a sum, a derivative: its value is what is said behind it."""
    return any(
        isinstance(inner, Big) or (isinstance(inner, Call) and inner.name == "derivative") for inner in walk(node)
    )
