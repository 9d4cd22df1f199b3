"""A bounded recursive-descent parser for the LaTeX and plain maths that answers really use.

    list      = union { ("," | ";" | and | or) union }
    union     = relation { (\\cup | \\setminus) relation }
    relation  = sum { (= | < | \\le | \\in | …) sum }
    sum       = term { (+ | - | \\pm) term }
    term      = factor { (* | / | nothing) factor } [unit]
    factor    = [-] postfix [^ exponent]
    atom      = number | symbol | group | \\frac… | function | matrix | text

Unknown commands raise CannotRead: a guess would be a wrong verdict.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from reward_verifiers.answer import units, words
from reward_verifiers.answer.nodes import (
    Add,
    Based,
    Call,
    Const,
    Frac,
    Matrix,
    Mul,
    Neg,
    Node,
    Num,
    Percent,
    PlusMinus,
    Pow,
    Quantity,
    Relation,
    Seq,
    Sym,
    Text,
    Unevaluated,
    Union,
    children,
    rebuilt,
    walk,
)
from reward_verifiers.answer.tokens import FUNCTIONS, CannotRead, Token, tokens

MAX_DEPTH = 60
MAX_POSTFIX = 4
_RELATIONS = {
    "=": "=", "==": "=", "<": "<", ">": ">", "<=": "<=", ">=": ">=", "!=": "!=", "le": "<=", "ge": ">=", "ne": "!=",
    "in": "in", "approx": "~", "equiv": "==", "sim": "~", "simeq": "~", "to": "->", "rightarrow": "->", "notin": "notin",
    "neq": "!=", "cong": "~", "Rightarrow": "->", "implies": "->",
}  # fmt: skip
_TIMES = frozenset({"*", "times", "cdot"})
_BIG = frozenset(
    ("int iint iiint oint sum prod lim limsup liminf det gcd lcm max min bmod pmod mod operatorname inf sup").split()
)
_CONSTANTS = {
    "e": "e",
    "i": "i",
    "infty": "inf",
    "emptyset": "∅",
    "R*": "R",
    "Z*": "Z",
    "N*": "N",
    "Q*": "Q",
    "C*": "C",
}
_GREEK = frozenset(
    (
        "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi rho sigma tau upsilon phi chi "
        "psi omega Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega ell hbar"
    ).split()
)
_ALIASES = {
    "asin": "arcsin", "acos": "arccos", "atan": "arctan", "asinh": "arsinh", "acosh": "arcosh", "atanh": "artanh",
}  # fmt: skip
_SYSTEMS = frozenset({"cases", "aligned", "align*", "gathered", "dcases"})
_MATRICES = frozenset({"pmatrix", "bmatrix", "matrix", "Bmatrix", "smallmatrix", "array"})
_CLOSERS = {"(": ")", "[": "]", "langle": "rangle", "\\{": "\\}", "lfloor": "rfloor", "lceil": "rceil"}


def parse(text: str, thousands: bool = True) -> Node:
    """The shape of a normalised answer, every \\pm written out. Raises CannotRead."""
    parser = _Parser(tokens(text, thousands))
    node = parser.items()
    parser.expect("end", "")
    return spread(node) if parser.signs else node


def literal(text: str, exponent: int = 0) -> Num:
    """The number that digits with an optional point spell, times ten to the `exponent`."""
    if not exponent and text.isdecimal():
        return Num(Fraction(int(text)))
    whole, point, decimals = text.replace(",", "").partition(".")
    digits = whole + decimals
    value = Fraction(int(digits or "0")) * Fraction(10) ** (exponent - len(decimals))
    if not point and not exponent:
        return Num(value)
    return Num(value, len(decimals) - exponent, len(digits.lstrip("0")))


def _repeating(text: str) -> Num:
    digits = "".join(char if char.isdigit() or char in ".(" else "(" if char == "\\" else "" for char in text)
    head, _, cycle = digits.partition("(")
    cycle = cycle.replace("(", "")
    start = literal(head + ("0" if head.endswith(".") else ""))
    shift = len(head.partition(".")[2])
    return Num(start.value + Fraction(int(cycle), (10 ** len(cycle) - 1) * 10**shift))


class _Parser:
    def __init__(self, stream: list[Token]) -> None:
        self.stream = stream
        self.at = 0
        self.depth = 0
        self.bars = 0
        self.signs = False
        """Whether a \\pm was read."""

    # --- the stream ---------------------------------------------------------------------------------------------------

    @property
    def token(self) -> Token:
        return self.stream[self.at]

    def ahead(self, count: int = 1) -> Token:
        return self.stream[min(self.at + count, len(self.stream) - 1)]

    def is_op(self, *values: str) -> bool:
        token = self.stream[self.at]
        return token.value in values and token.kind in ("op", "cmd")

    def accept(self, *values: str) -> bool:
        if self.is_op(*values):
            self.at += 1
            return True
        return False

    def expect(self, kind: str, value: str) -> None:
        if self.token.kind != kind or self.token.value != value:
            raise CannotRead(f"unexpected {self.token.value[:20]!r}")
        self.at += 1

    def close(self, closer: str) -> None:
        if not self.accept(closer):
            raise CannotRead(f"a {closer!r} is missing")

    # --- lists, unions, relations -------------------------------------------------------------------------------------

    def separator(self) -> bool:
        if self.token.kind == "sep" or self.is_op(",", ";"):
            self.at += 1
            while self.token.kind == "sep" or self.is_op(",", ";"):
                self.at += 1
            return True
        return False

    def items(self) -> Node:
        items = [self.union()]
        while self.separator():
            if self.at_end():
                break
            items.append(self.union())
            if len(items) > 400:
                raise CannotRead("more than 400 items")
        return items[0] if len(items) == 1 else Seq(tuple(items))

    def at_end(self) -> bool:
        return self.token.kind == "end" or self.is_op(")", "]", "\\}", "}", "rangle", "&", "\\")

    def union(self) -> Node:
        first = self.relation()
        if not self.is_op("cup", "setminus"):
            return first
        parts, minus = [first], None
        while self.is_op("cup", "setminus"):
            if self.accept("cup"):
                parts.append(self.relation())
            else:
                self.at += 1
                minus = self.relation()
                break
        # x \in A \cup B is a union of sets, whatever x is.
        if isinstance(first, Relation) and first.ops == ("in",):
            parts[0] = first.sides[1]
        return Union(tuple(parts), minus)

    def relation(self) -> Node:
        if self.is_op("=", "approx", "in"):
            self.at += 1
        first = self.sum()
        if self.accept(":"):
            first = Call("ratio", (first, self.sum()))
            while self.accept(":"):
                first = Call("ratio", (*first.args, self.sum()))
        sides, ops = [first], []
        while self.token.kind in ("op", "cmd") and self.token.value in _RELATIONS:
            ops.append(_RELATIONS[self.token.value])
            self.at += 1
            if self.is_op("="):  # "> =" and "< ="
                ops[-1] += "="
                self.at += 1
            sides.append(self.sum())
        return Relation(tuple(ops), tuple(sides)) if ops else sides[0]

    # --- sums and terms -----------------------------------------------------------------------------------------------

    def sum(self) -> Node:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise CannotRead(f"nested deeper than {MAX_DEPTH}")
        terms = [self.signed()]
        while self.is_op("+", "-", "pm", "mp"):
            terms.append(self.signed())
        self.depth -= 1
        return terms[0] if len(terms) == 1 else Add(tuple(terms))

    def signed(self) -> Node:
        negative = False
        while self.is_op("+", "-"):
            negative ^= self.token.value == "-"
            self.at += 1
        if self.is_op("pm", "mp"):
            self.signs, upper = True, self.token.value == "pm"
            self.at += 1
            return PlusMinus(self.term(), upper)
        term = self.term()
        return Neg(term) if negative else term

    def term(self) -> Node:
        value = self.factor()
        factors = [value]
        while True:
            if self.accept(*_TIMES):
                factors.append(self.factor())
            elif self.accept("/"):
                under = self.factor()
                over = factors[0] if len(factors) == 1 else Mul(tuple(factors))
                factors = [self.mixed(over, under)]
            elif self.token.kind == "text":
                whole = factors[0] if len(factors) == 1 else Mul(tuple(factors))
                return self.unit(whole)
            elif self.is_op("$", "＄", "€", "£", "¥", "¢", "₹"):
                whole = factors[0] if len(factors) == 1 else Mul(tuple(factors))
                unit = units.spelled(self.token.value) or ""
                self.at += 1
                return Quantity(whole, unit)
            elif self.starts_factor():
                spaced = self.token.spaced
                following = self.power()
                factors.append(following)
                if len(factors) == 2:
                    factors = self.joined(factors[0], following, spaced)
            else:
                break
            if len(factors) > 300:
                raise CannotRead("more than 300 factors")
        return factors[0] if len(factors) == 1 else Mul(tuple(factors))

    def mixed(self, over: Node, under: Node) -> Node:
        """`1 1/2` was read as the two numbers 1 and 1 before the slash came."""
        match over, under:
            case (Mul((Num(whole, None), Num(top, None))), Num(bottom, None)) if 0 < top < bottom:
                return Num(whole + top / bottom)
        return Frac(over, under)

    def joined(self, first: Node, second: Node, spaced: bool) -> list[Node]:
        """Two factors without a sign between them: a mixed number, or a product."""
        match first, second:
            case (Num(whole, None), Frac(Num(top, None), Num(bottom, None))) if (
                whole.denominator == top.denominator == 1 and 0 < top < bottom
            ):
                return [Num(whole + top / bottom)]
            case (Num(whole, None), Percent(Frac(Num(top, None), Num(bottom, None)))) if 0 < top < bottom:
                return [Percent(Num(whole + top / bottom))]
            case (Num(_, None), Num(top, None)) if spaced and self.is_op("/") and top.denominator == 1:
                return [Mul((first, second))]
            case (Num(), Num()):
                raise CannotRead("two numbers side by side")
        return [first, second]

    def starts_factor(self) -> bool:
        kind, value = self.token.kind, self.token.value
        if kind in ("num", "sci", "repeating", "sym"):
            return True
        if kind == "cmd":
            if value in ("rfloor", "rceil", "rangle", "mid", "\\", "pm", "mp", "cup", "setminus", "cap", "vert"):
                return value == "vert" and not self.bars
            return value not in _RELATIONS and value not in _TIMES and not value.startswith("end ")
        return value in ("(", "[", "{", "\\{") or (value == "|" and not self.bars)

    def factor(self) -> Node:
        if self.is_op("+", "-"):
            negative = self.token.value == "-"
            self.at += 1
            self.depth += 1
            if self.depth > MAX_DEPTH:
                raise CannotRead("too many signs")
            inner = self.factor()
            self.depth -= 1
            return Neg(inner) if negative else inner
        return self.power()

    def power(self) -> Node:
        base = self.postfix()
        if self.is_op("^", "**"):
            self.at += 1
            if self.accept("°"):
                return self.degrees(base)
            if self.is_op("{") and self.ahead().value == "°" and self.ahead(2).value == "}":
                self.at += 3
                return self.degrees(base)
            if self.is_op("prime", "'"):
                raise CannotRead("a derivative")
            exponent = self.exponent()
            made: Node = Pow(base, exponent)
            return self.after(made)
        return base

    def exponent(self) -> Node:
        if self.is_op("{"):
            return self.group()
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise CannotRead("powers of powers")
        made = self.factor()
        self.depth -= 1
        return made

    def postfix(self) -> Node:
        return self.after(self.atom())

    def after(self, node: Node) -> Node:
        for _ in range(MAX_POSTFIX):
            if self.is_op("!") and self.ahead().value != "=":
                self.at += 1
                node = Call("factorial", (node,))
            elif self.accept("%"):
                node = Percent(node)
            elif self.is_op("°"):
                self.at += 1
                node = self.degrees(node)
            else:
                return node
        raise CannotRead(f"more than {MAX_POSTFIX} signs after a value")

    def degrees(self, node: Node) -> Node:
        follows = self.token
        if follows.kind in ("sym", "text") and follows.value in ("C", "F"):
            self.at += 1
            return Quantity(node, units.spelled("°" + follows.value) or "")
        return Quantity(node, "degree")

    def unit(self, value: Node) -> Node:
        """Words after a value: a unit, or words that only say what is counted."""
        start, pieces = self.at, []
        while not self.at_end() and not self.is_op(",", ";", "cup", "+", "-") and self.token.kind != "sep":
            if self.accept("^"):
                pieces.append(f"^{self.subscript()}")
                continue
            maths = self.token.kind in ("op", "cmd") and self.token.value in _RELATIONS
            if maths or (self.token.kind == "cmd" and self.token.value not in _TIMES):
                raise CannotRead("maths after words")
            pieces.append(f" {self.token.value}")
            self.at += 1
        texts = [token for token in self.stream[start : self.at] if token.kind == "text"]
        spoken = [word for token in texts for word in token.value.lower().split()]
        if not any(isinstance(inner, Num) for inner in walk(value)) and not isinstance(value, Const | Call):
            raise CannotRead("words after letters")
        spelled = units.spelled("".join(pieces).replace(" cdot", "*").strip())
        if spelled:
            return Quantity(value, spelled)
        if any(word.strip(".,'") in words.UNSETTLED or word.endswith(("n't", "n’t")) for word in spoken):
            raise CannotRead("words that leave it open")
        if spoken and spoken[0] in words.SCALES:
            scaled = Mul((value, Pow(Num(Fraction(10)), Num(Fraction(words.SCALES[spoken[0]])))))
            rest = " ".join(spoken[1:])
            return Quantity(scaled, units.spelled(rest) or "") if rest else scaled
        if spoken[:1] in (["percent"], ["percents"], ["pct"]) or spoken[:2] == ["per", "cent"]:
            return Percent(value)
        if len(spoken) > 6 or any(piece.strip()[:1].isdigit() or piece[0] == "^" for piece in pieces):
            raise CannotRead("too much after a value")
        head = [word for word in spoken if units.known(word)][:1]
        return Quantity(value, (units.spelled(head[0]) or "") if head and spoken[0] == head[0] else "")

    # --- atoms --------------------------------------------------------------------------------------------------------

    def atom(self) -> Node:
        token = self.token
        if token.kind == "num":
            self.at += 1
            return self.number(token.value)
        if token.kind == "sci":
            self.at += 1
            mantissa, _, exponent = token.value.lower().partition("e")
            return literal(mantissa, int(exponent.strip("{}")))
        if token.kind == "repeating":
            self.at += 1
            return _repeating(token.value)
        if token.kind == "sym":
            self.at += 1
            return self.symbol(token.value)
        if token.kind == "text":
            return self.text()
        if token.kind == "cmd":
            return self.command(token.value)
        if token.kind == "op":
            return self.bracket(token.value)
        raise CannotRead(f"unexpected {token.value[:20]!r}")

    def number(self, digits: str) -> Node:
        if not self.is_op("_"):
            return literal(digits)
        self.at += 1
        base = self.subscript()
        radix = int(base) if base.isdigit() else words.BASES.get(base.lower(), 0)
        if not 2 <= radix <= 36 or not digits.isdigit() or any(int(digit) >= radix for digit in digits):
            raise CannotRead("a subscript that is no base")
        return Based(digits.lstrip("0") or "0", radix)

    def subscript(self) -> str:
        if self.accept("{"):
            pieces = []
            while not self.is_op("}"):
                if self.token.kind == "end":
                    raise CannotRead("a subscript is not closed")
                pieces.append(self.token.value)
                self.at += 1
            self.at += 1
            return "".join(pieces)
        token = self.token
        if token.kind == "end":
            raise CannotRead("a subscript is missing")
        self.at += 1
        return token.value

    def symbol(self, name: str) -> Node:
        if name in _CONSTANTS and not self.is_op("_", "'"):
            return Const(_CONSTANTS[name])
        if self.is_op("_"):
            self.at += 1
            name = f"{name}_{self.subscript()}"
        while self.accept("'"):
            name += "'"
        if name[0] in "fghFGHPQ" and self.is_op("(") and not self.token.spaced:
            self.at += 1
            argument = self.items()
            self.close(")")
            return Call(f"{name}()", argument.items if isinstance(argument, Seq) and not argument.open else (argument,))
        return Sym(name)

    def text(self) -> Node:
        spoken = []
        while self.token.kind == "text":
            spoken.append(self.token.value)
            self.at += 1
        phrase = " ".join(spoken)
        low = phrase.lower()
        if low in words.NUMBERS:
            number: Node = Num(Fraction(words.NUMBERS[low]))
            return self.unit(number) if self.token.kind == "text" else number
        if not (self.at_end() or self.token.kind == "sep" or self.is_op("=", ",", ";")):
            raise CannotRead("words before maths")
        return Text(phrase)

    def argument(self) -> Node:
        """What follows \\frac: a group, or one digit or symbol."""
        if self.is_op("{"):
            return self.group()
        token = self.token
        if token.kind == "num" and len(token.value) > 1 and token.value.isdigit():
            self.stream[self.at] = replace(token, value=token.value[1:])
            return literal(token.value[0])
        return self.atom()

    def nested(self) -> Node:
        """What stands between two brackets; a bar that was opened outside cannot be closed in there."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise CannotRead(f"nested deeper than {MAX_DEPTH}")
        bars, self.bars = self.bars, 0
        node = self.items()
        self.bars = bars
        self.depth -= 1
        return node

    def group(self) -> Node:
        self.close("{")
        node = self.nested()
        self.close("}")
        return node

    def command(self, name: str) -> Node:
        if name in ("frac", "binom"):
            self.at += 1
            over, under = self.argument(), self.argument()
            return Frac(over, under) if name == "frac" else Call("binom", (over, under))
        if name == "pi":
            self.at += 1
            return Const("pi")
        if name == "sqrt":
            self.at += 1
            return self.root()
        if name in _CONSTANTS:
            self.at += 1
            return Const(_CONSTANTS[name]) if name != "emptyset" else Seq((), "{", "}")
        if name in _GREEK:
            self.at += 1
            return self.symbol("\\" + name)
        if name in _BIG:
            return self.unevaluated(name)
        if name in FUNCTIONS:
            self.at += 1
            return self.function(name)
        if name.startswith("begin "):
            return self.matrix(name[6:])
        if name in ("\\{", "lfloor", "lceil", "langle", "vert", "|"):
            return self.bracket("|" if name in ("vert", "|") else name)
        if name == "$":
            self.at += 1
            return self.money("$")
        raise CannotRead(f"unknown command {name[:20]!r}")

    def root(self) -> Node:
        degree: Node = Num(Fraction(2))
        if self.is_op("["):
            self.at += 1
            degree = self.items()
            self.close("]")
        if self.is_op("{"):
            inside = self.group()
        elif self.token.kind in ("num", "sym", "cmd") or self.is_op("("):
            inside = self.atom()
        else:
            raise CannotRead("a root of nothing")
        return Call("root", (inside, degree))

    def function(self, name: str) -> Node:
        name = _ALIASES.get(name, name)
        base, power = None, None
        while self.is_op("_", "^"):
            if self.accept("_"):
                base = self.group() if self.is_op("{") else self.argument()
            else:
                self.at += 1
                power = self.exponent()
        if power == Neg(Num(Fraction(1))) and name in ("sin", "cos", "tan", "cot", "sec", "csc"):
            name, power = "arc" + name, None
        if name == "abs" and not self.is_op("(", "{"):
            raise CannotRead("abs of nothing")
        argument = self.applied()
        if name in ("log", "lg", "ln"):
            bases: dict[str, Node] = {"lg": Num(Fraction(10)), "ln": Const("e")}
            # Without a base it is the natural logarithm to a mathematician and to sympy.
            call: Node = Call("log", (argument, base or bases.get(name, Const("e"))))
        elif base is not None:
            raise CannotRead("a subscript on a function")
        elif name == "sqrt":
            call = Call("root", (argument, Num(Fraction(2))))
        elif name == "exp":
            call = Pow(Const("e"), argument)
        else:
            call = Call(name, argument.items if isinstance(argument, Seq) and not argument.open else (argument,))
        return Pow(call, power) if power is not None else call

    def applied(self) -> Node:
        """A function's argument: a bracket, or the factors up to the next sign or function."""
        if self.is_op("(", "["):
            opener = self.token.value
            self.at += 1
            return self.inside(opener)
        if self.is_op("{"):
            return self.group()
        negative = self.accept("-")
        factors: list[Node] = []
        while self.starts_factor() and not (self.token.kind == "cmd" and self.token.value in FUNCTIONS - {"sqrt"}):
            if factors and self.is_op("(", "["):
                break
            factors.append(self.power())
        if not factors and self.token.kind == "cmd" and self.token.value in FUNCTIONS:
            factors.append(self.power())
        if not factors:
            raise CannotRead("a function of nothing")
        whole = factors[0] if len(factors) == 1 else Mul(tuple(factors))
        return Neg(whole) if negative else whole

    def inside(self, opener: str) -> Node:
        node = self.nested()
        self.close(_CLOSERS[opener])
        return node

    def bracket(self, opener: str) -> Node:
        if opener in ("(", "["):
            return self.round(opener)
        if opener == "{":
            return self.group()
        if opener == "\\{" or self.token.value == "\\{":
            return self.braces()
        if opener == "|":
            self.at += 1
            self.bars += 1
            inside = self.sum()
            self.bars -= 1
            if not self.accept("|", "vert"):
                raise CannotRead("an absolute value is not closed")
            return Call("abs", (inside,))
        if opener in ("lfloor", "lceil"):
            self.at += 1
            return Call("floor" if opener == "lfloor" else "ceil", (self.inside(opener),))
        if opener == "langle":
            self.at += 1
            inside = self.inside(opener)
            items = inside.items if isinstance(inside, Seq) and not inside.open else (inside,)
            return Seq(items, "(", ")")
        if opener in ("$", "＄", "€", "£", "¥", "₹"):
            self.at += 1
            return self.money(opener)
        raise CannotRead(f"unexpected {opener[:20]!r}")

    def money(self, sign: str) -> Node:
        value = self.power()
        if self.token.kind == "text":
            node = self.unit(value)
            value = node.value if isinstance(node, Quantity) else node
        return Quantity(value, units.spelled(sign) or "")

    def round(self, opener: str) -> Node:
        self.at += 1
        if self.is_op(_CLOSERS[opener]):
            self.at += 1
            return Seq((), opener, _CLOSERS[opener])
        inside = self.nested()
        if not self.is_op(")", "]"):
            raise CannotRead("a bracket is not closed")
        closer = self.token.value
        self.at += 1
        if isinstance(inside, Seq) and not inside.open:
            return Seq(inside.items, opener, closer)
        if closer != _CLOSERS[opener]:
            raise CannotRead("brackets that do not match")
        return inside

    def braces(self) -> Node:
        self.at += 1
        if self.accept("\\}"):
            return Seq((), "{", "}")
        if self.token.kind == "sym" and self.ahead().value in ("mid", ":", "|", "vert"):
            # {x | x > 3} is the set of which the condition speaks.
            self.at += 2
            condition = self.items()
            self.close("\\}")
            return condition
        inside = self.items()
        self.close("\\}")
        items = inside.items if isinstance(inside, Seq) and not inside.open else (inside,)
        return Seq(items, "{", "}")

    def matrix(self, kind: str) -> Node:
        self.at += 1
        if kind in ("vmatrix", "Vmatrix"):
            return self.skip_environment(kind, "det")
        if kind not in _MATRICES | _SYSTEMS:
            raise CannotRead(f"unknown environment {kind[:20]!r}")
        system = kind in _SYSTEMS
        rows: list[tuple[Node, ...]] = []
        row: list[Node] = []
        while True:
            while self.is_op("hline"):
                self.at += 1
            if self.token.kind == "cmd" and self.token.value == f"end {kind}":
                self.at += 1
                break
            row.append(self.items() if system else self.sum())
            if self.accept("&"):
                continue
            if self.is_op("\\"):
                self.at += 1
                if self.is_op("["):  # \\[2pt]
                    while self.token.kind != "end" and not self.accept("]"):
                        self.at += 1
                rows.append(tuple(row))
                row = []
            elif not (self.token.kind == "cmd" and self.token.value == f"end {kind}"):
                raise CannotRead("a matrix is not closed")
        if row:
            rows.append(tuple(row))
        if not rows or len({len(cells) for cells in rows}) != 1:
            raise CannotRead("a ragged matrix")
        if system and len(rows[0]) == 1:
            return Seq(tuple(cells[0] for cells in rows))
        return Matrix(tuple(rows))

    def written(self, start: int) -> str:
        """The tokens from `start` to here, as text."""
        return " ".join(token.value for token in self.stream[start : self.at])

    def skip_environment(self, kind: str, name: str) -> Node:
        start = self.at
        while self.token.kind != "end":
            closing = self.token.kind == "cmd" and self.token.value == f"end {kind}"
            self.at += 1
            if closing:
                return Unevaluated(name, self.written(start))
        raise CannotRead("an environment is not closed")

    def unevaluated(self, name: str) -> Node:
        """An integral, sum, limit …: what it stands for is not worked out here."""
        start = self.at
        while self.token.kind != "end" and not self.at_end() and not self.is_op("=", "approx"):
            if self.is_op("(", "[", "{", "\\{"):
                self.skip_bracket()
            else:
                self.at += 1
        return Unevaluated(name, self.written(start))

    def skip_bracket(self) -> None:
        depth = 0
        while self.token.kind != "end":
            if self.is_op("(", "[", "{", "\\{"):
                depth += 1
            elif self.is_op(")", "]", "}", "\\}"):
                depth -= 1
            self.at += 1
            if depth == 0:
                return
        raise CannotRead("a bracket is not closed")


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
