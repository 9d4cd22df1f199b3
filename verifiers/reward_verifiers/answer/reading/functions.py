"""Functions, roots, fractions, binomials, derivatives, congruences, number sets."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import TYPE_CHECKING

from reward_verifiers.answer.reading.nodes import Call, Const, Frac, Mul, Neg, Node, Num, Pow, Seq, Sym
from reward_verifiers.answer.reading.tokens import FUNCTIONS, CannotRead

if TYPE_CHECKING:
    from reward_verifiers.answer.reading.parser import Parser

_ALIASES = {
    "asin": "arcsin", "acos": "arccos", "atan": "arctan", "asinh": "arsinh", "acosh": "arcosh", "atanh": "artanh",
}  # fmt: skip
_TWO = Num(Fraction(2))
SEVERAL = frozenset({"gcd", "lcm", "max", "min"})


def _fraction(p: Parser, name: str) -> Node:
    over, under = p.argument(), p.argument()
    if name == "binom":
        return Call("binom", (over, under))
    if isinstance(under, Mul) and over == under.factors[0] == Sym("d"):
        return Call("derivative", (p.term(), *under.factors[1:]))  # d/dx of what follows
    return _derivative(over, under) or Frac(over, under)


def _derivative(over: Node, under: Node) -> Node | None:
    """dy/dx is y', and a partial derivative of f by x is f_x."""
    match over, under:
        case Mul((Sym("∂"), Sym(name))), Mul((Sym("∂"), Sym(letter))):
            return Sym(f"{name}_{letter}")
        case (Mul((Sym("d"), Sym(name))), Mul((Sym("d"), Sym()))):
            return Sym(f"{name}'")
        case (Mul((Pow(Sym("d"), order), Sym(name))), Mul((Sym("d"), Pow(Sym(), other)))) if order == other == _TWO:
            return Sym(f"{name}''")
    return None


def _pi(p: Parser, name: str) -> Node:
    return Const("pi")


def _root(p: Parser, name: str) -> Node:
    degree: Node = _TWO
    if p.is_op("["):
        p.at += 1
        degree = p.items()
        p.close("]")
    if p.is_op("{"):
        inside = p.group()
    elif p.token.kind in ("num", "sym", "cmd") or p.is_op("("):
        inside = p.atom()
    else:
        raise CannotRead("a root of nothing")
    return Call("root", (inside, degree))


def _gamma(p: Parser, name: str) -> Node:
    """\\Gamma(5) is a value; \\Gamma alone a letter."""
    if not p.is_op("("):
        return p.symbol("\\Gamma")
    p.at += 1
    inside = p.nested()
    p.close(")")
    return Call("gamma", (inside,))


def _floor(p: Parser, name: str) -> Node:
    p.at += 0
    inside = p.nested()
    p.close("rfloor" if name == "lfloor" else "rceil")
    return Call("floor" if name == "lfloor" else "ceil", (inside,))


def _spelled_name(p: Parser, name: str) -> Node:
    """\\angle ABC, \\triangle ABC: a name."""
    letters = []
    while p.token.kind == "sym" and p.token.value[0].isalpha():
        letters.append(p.token.value)
        p.at += 1
    if not letters:
        if p.token.kind == "num" and p.token.value.isdigit():
            p.at += 1
            return Sym(f"{name} {p.stream[p.at - 1].value}")
        raise CannotRead(f"{name} of nothing")
    return Sym(f"{name} {''.join(letters)}")


def _partial(p: Parser, name: str) -> Node:
    return Sym("∂")


COMMANDS: dict[str, Callable[[Parser, str], Node]] = {
    "partial": _partial, "frac": _fraction, "binom": _fraction, "pi": _pi, "sqrt": _root, "Gamma": _gamma,
    "lfloor": _floor, "lceil": _floor,
    "angle": _spelled_name, "triangle": _spelled_name, "measuredangle": _spelled_name,
}  # fmt: skip


def function(p: Parser, name: str) -> Node:
    """sin, log_2, \\gcd(12, 18) …, with a power or a base behind the name."""
    name = _ALIASES.get(name, name)
    base, power = None, None
    while p.is_op("_", "^"):
        if p.accept("_"):
            base = p.group() if p.is_op("{") else p.argument()
        else:
            p.at += 1
            power = p.exponent()
    if power == Neg(Num(Fraction(1))) and name in ("sin", "cos", "tan", "cot", "sec", "csc"):
        name, power = "arc" + name, None
    if name in ("abs", *SEVERAL) and not p.is_op("(", "{", "\\{"):
        raise CannotRead(f"{name} of nothing")
    argument = _applied(p)
    if name in ("log", "lg", "ln"):
        bases: dict[str, Node] = {"lg": Num(Fraction(10)), "ln": Const("e")}
        # Without a base it is the natural logarithm to a mathematician and to sympy.
        call: Node = Call("log", (argument, base or bases.get(name, Const("e"))))
    elif base is not None:
        raise CannotRead("a subscript on a function")
    elif name == "sqrt":
        call = Call("root", (argument, _TWO))
    elif name == "exp":
        call = Pow(Const("e"), argument)
    elif name == "det":
        call = Call("det", (argument,))
    else:
        arguments = argument.items if isinstance(argument, Seq) and argument.open in ("", "{") else (argument,)
        call = Call(name, tuple(sorted(arguments, key=repr)) if name in SEVERAL else arguments)
    return Pow(call, power) if power is not None else call


def _applied(p: Parser) -> Node:
    """A function's argument: a bracket, or the factors up to the next sign or function."""
    if p.is_op("(", "["):
        opener = p.token.value
        p.at += 1
        node = p.nested()
        p.close(")" if opener == "(" else "]")
        return node
    if p.is_op("{"):
        return p.group()
    negative = p.accept("-")
    factors: list[Node] = []
    while p.starts_factor() and not (p.token.kind == "cmd" and p.token.value in FUNCTIONS - {"sqrt"}):
        if factors and p.is_op("(", "["):
            break
        factors.append(p.power())
    if not factors and p.token.kind == "cmd" and p.token.value in FUNCTIONS:
        factors.append(p.power())
    if not factors:
        raise CannotRead("a function of nothing")
    whole = factors[0] if len(factors) == 1 else Mul(tuple(factors))
    return Neg(whole) if negative else whole


def is_chosen(p: Parser) -> bool:
    """Whether (n, 2) stands behind a C: a name or a number, a comma, and a number that is no larger."""
    over, under = p.ahead(), p.ahead(3)
    if not p.is_op("(") or p.token.spaced or p.ahead(2).value != "," or p.ahead(4).value != ")":
        return False
    if over.kind == "sym":
        return over.value in "nmN" and under.kind in ("num", "sym")
    numbers = over.kind == under.kind == "num" and over.value.isdigit() and under.value.isdigit()
    return numbers and len(over.value) < 5 and int(over.value) >= int(under.value)


def chosen(p: Parser) -> Node:
    """C(n, 2)."""
    p.at += 1
    over = p.sum()
    p.at += 1
    under = p.sum()
    p.close(")")
    return Call("binom", (over, under))


def modulus(p: Parser) -> Node | None:
    """The \\pmod 5, \\mod 5, (mod 5) after a congruence."""
    if p.accept("pmod", "mod", "bmod"):
        return p.argument() if p.is_op("{") else p.factor()
    if p.is_op("(") and p.ahead().value in ("mod", "bmod", "pmod", "modulo"):
        p.at += 2
        node = p.sum()
        p.close(")")
        return node
    return None


def primed(p: Parser, base: Node) -> Node:
    """f^{\\prime}, f^{\\prime\\prime}: a derivative's name."""
    braces = p.accept("{")
    count = 0
    while p.accept("prime", "'"):
        count += 1
    if braces:
        p.close("}")
    if not isinstance(base, Sym) or count > 3:
        raise CannotRead("a prime on no name")
    name = base.name + "'" * count
    return p.applied_to(name) if p.is_op("(") and not p.token.spaced and name[0] in "fghFGHPQ" else Sym(name)


def number_set(p: Parser, base: Const) -> Node:
    """\\mathbb{R}^+, \\mathbb{Z}^{*}, \\mathbb{R}^2."""
    braces = p.accept("{")
    sign = p.token.value
    if sign not in ("+", "-", "*", "2", "3", "n", "star"):
        raise CannotRead("a set of numbers to a power")
    p.at += 1
    if braces:
        p.close("}")
    return Const(base.name + sign)


def is_inverse(p: Parser) -> bool:
    """Whether f^{-1}( stands here, after the ^."""
    values = [p.ahead(k).value for k in range(5)]
    return values[:4] == ["{", "-", "1", "}"] and values[4] == "("


def inverse_call(p: Parser, base: Sym) -> Node:
    p.at += 4
    return p.applied_to(f"{base.name}^-1")


def combination(base: Node, exponent: Node) -> Node | None:
    """C_5^2 and C_n^3 are binomials, A_5^2 and P_5^2 arrangements; the upper number is no larger than the lower."""
    if not isinstance(base, Sym) or base.name[:2] not in ("C_", "A_", "P_") or not isinstance(exponent, Num):
        return None
    lower, upper = base.name[2:], exponent.value
    if lower.isdigit() and len(lower) < 5 and upper.denominator == 1 and int(lower) >= 2 and upper <= int(lower):
        n: Node = Num(Fraction(int(lower)))
    elif len(lower) == 1 and lower.isalpha() and lower in "nmk" and base.name[0] != "P":  # P_n is a polynomial
        n = Sym(lower)
    else:
        return None
    chosen = Call("binom", (n, exponent))
    return chosen if base.name[0] == "C" else Mul((chosen, Call("factorial", (exponent,))))
