"""A bounded recursive-descent parser for the LaTeX and plain maths that answers really use.

    whole     = [lead] list end                      sentences.py: "there are", "the area is"
    list      = union { ("," | ";" | and | or) union }
    union     = relation { (\\cup | \\setminus) relation }
    relation  = sum { (= | < | \\le | \\in | …) sum } [(mod n)] [(condition)]
    sum       = term { (+ | - | \\pm) term }
    term      = factor { (* | / | nothing) factor } [amount]    amounts.py: units, words, %, money
    factor    = [-] postfix [^ exponent]
    atom      = number | symbol | bracket | command | text

A command is read by the handler that a table names for it: functions.py, layouts.py, bigs.py. What no rule accounts for
raises CannotRead with the text that is left over: a guess would be a wrong verdict.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

from reward_verifiers.answer.reading import (
    amounts,
    bigs,
    brackets,
    functions,
    layouts,
    numerals,
    sentences,
    words,
)
from reward_verifiers.answer.reading.literals import literal, repeating
from reward_verifiers.answer.reading.nodes import (
    ANY,
    Call,
    Const,
    Frac,
    Given,
    Letters,
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
    Time,
    Union,
    symbols,
)
from reward_verifiers.answer.reading.signs import spread
from reward_verifiers.answer.reading.stream import TokenStream
from reward_verifiers.answer.reading.tokens import FUNCTIONS, CannotRead, Token, tokens

MAX_POSTFIX = 4
RELATIONS = {
    "=": "=", "==": "=", "<": "<", ">": ">", "<=": "<=", ">=": ">=", "!=": "!=", "le": "<=", "ge": ">=", "ne": "!=",
    "in": "in", "approx": "~", "equiv": "==", "sim": "~", "simeq": "~", "to": "->", "rightarrow": "->", "notin": "notin",
    "neq": "!=", "cong": "~", "Rightarrow": "->", "implies": "->", "longrightarrow": "->", "mapsto": "mapsto",
    "subset": "subset", "subseteq": "subseteq", "perp": "perp", "parallel": "parallel", "ll": "<<", "gg": ">>",
    "Leftrightarrow": "iff", "iff": "iff", "propto": "propto", "doteq": "~", "fallingdotseq": "~", "approxeq": "~",
}  # fmt: skip
_TIMES = frozenset({"*", "times", "cdot"})
CONSTANTS = {"e": "e", "i": "i", "infty": "inf", "emptyset": "∅", "R*": "R", "Z*": "Z", "N*": "N", "Q*": "Q", "C*": "C"}
_GREEK = frozenset(
    (
        "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi rho sigma tau upsilon phi chi "
        "psi omega Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega ell hbar"
    ).split()
)
Handler = Callable[["Parser", str], Node]
COMMANDS: dict[str, Handler] = {
    **functions.COMMANDS,
    **bigs.COMMANDS,
    **brackets.COMMANDS,
    **layouts.COMMANDS,
    **amounts.COMMANDS,
}
"""Command → what reads it. Adding a notation is a line in the table of its module."""
_AND = ({"and"}, {"land"}, {"且"})
_OR, _ORDER = frozenset({"lor", "or", "或", "或者", "ou", "oder"}), frozenset({"<", ">", "<=", ">="})
_SINGLE = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
_NO_FACTOR = frozenset(
    "rfloor rceil rangle mid \\ pm mp cup setminus cap vert pmod bmod mod land wedge over choose "
    "checkmark ldots hline &".split()
)


def parse(text: str, thousands: bool = True) -> Node:
    """The shape of a normalised answer, every \\pm written out. Raises CannotRead."""
    parser = Parser(tokens(text, thousands))
    try:
        node = parser.whole()
    except CannotRead as error:
        if not error.left_over:
            error.left_over = parser.written(parser.at, len(parser.stream))
        raise
    return spread(node) if parser.signs else node


class Parser(TokenStream):
    def __init__(self, stream: list[Token]) -> None:
        super().__init__(stream)
        self.bars = 0
        self.signs = False
        """Whether a \\pm was read."""
        self.colons = True
        """Whether a colon makes a ratio: not in {2k : k \\in Z}."""
        self.outward = False
        """Whether a [ closes ]2,5[."""
        self.modular = False
        """Whether a mod belongs to the congruence around, not to a term."""
        self.conditions: list[Node] = []
        """Conditions in brackets beside a value: (n \\ge 1)."""

    # --- lists, unions, relations -------------------------------------------------------------------------------------

    def whole(self) -> Node:
        """Everything, or CannotRead."""
        worded = any(token.kind == "text" for token in self.stream)
        label = sentences.skip_lead(self) if worded else None
        node = (sentences.all_but(self) if worded else None) or self.items()
        if isinstance(node, Relation) and self.accept(":"):  # x < -7 : (-\\infty, -7)
            self.conditions.append(Relation(("in",), (node, self.items())))
        if self.is_op("pmod") and not isinstance(node, Relation | Seq | Text):
            node = Call("congruent", (ANY, node, functions.modulus(self) or node))  # 3 (mod 7)
        if worded:
            sentences.skip_close(self)
        self.expect_end()
        if label is not None and isinstance(node, Text):
            node = Relation(("=",), (label, node))
        node = self._without_exceptions(node)
        return Given(node, tuple(self.conditions)) if self.conditions else node

    def _without_exceptions(self, node: Node) -> Node:
        """Of `x/(x + 1), x \\ne -1` the value: what its letters must not be is a condition beside it."""
        if not isinstance(node, Seq) or node.open or isinstance(node.items[0], Relation | Text):
            return node
        value, *others = node.items
        letters = symbols(value)
        if not others or not all(isinstance(other, Relation) and set(other.ops) == {"!="} for other in others):
            return node
        if not letters or not all(symbols(other) and symbols(other) <= letters for other in others):
            return node
        self.conditions += others
        return value

    def separator(self) -> bool:
        if self.token.kind == "sep" or self.is_op(",", ";"):
            self.at += 1
            while self.token.kind == "sep" or self.is_op(",", ";"):
                self.at += 1
            return True
        return False

    def items(self) -> Node:
        items, start, alternatives = [self.union()], self.at, True
        first = start
        while self.separator():
            if self.at_end():
                if self.stream[self.at - 1].kind == "sep" and self.stream[self.at - 1].value != ",":
                    raise CannotRead("a list that goes on", self.stream[self.at - 1].value)
                break
            alternatives &= self.stream[start].value in _OR
            items.append(self.union())
            start = self.at
            if len(items) > 400:
                raise CannotRead("more than 400 items")
        if len(items) == 1:
            return items[0]
        joints = {token.value for token in self.stream[first : self.at] if token.kind == "sep"}
        relations = all(isinstance(item, Relation) for item in items)
        if joints & {"lor", "land"} and not relations:
            raise CannotRead("a sign of logic between values")
        if relations and joints in _AND and all(isinstance(item, Relation) and item.ops[0] in _ORDER for item in items):
            return Call("both", tuple(items))
        if alternatives and relations and any(item.ops[0] in _ORDER for item in items if isinstance(item, Relation)):
            return Union(tuple(items))
        if joints & _OR and all(_is_option(item) for item in items):
            raise CannotRead("options of which one is meant")
        return amounts.joined(Seq(tuple(items)))

    def items_until_bar(self) -> Node:
        """What stands in braces before a bar or a colon, where a colon is no ratio."""
        bars, self.bars, self.colons = self.bars, 1, False
        self.deeper()
        node = self.items()
        self.depth -= 1
        self.bars, self.colons = bars, True
        return node

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
        if self.is_op(":") and self.colons:
            first = self.ratio(first)
        sides, ops = [first], []
        if self.is_op("!=") and self.token.kind == "op" and isinstance(first, Num):  # 4!=24
            self.at += 1
            sides, ops = [Call("factorial", (first,)), self.sum()], ["="]
        while self.token.kind in ("op", "cmd") and self.token.value in RELATIONS:
            ops.append(RELATIONS[self.token.value])
            self.at += 1
            if self.is_op("="):  # "> =" and "< ="
                ops[-1] += "="
                self.at += 1
            self.modular |= ops[-1] == "=="
            side = self.sum()
            sides.append(self.ratio(side) if self.is_ratio(sides[0], ops) else side)
        modular, self.modular = self.modular, False
        if modular and len(sides) == 2:
            modulus = functions.modulus(self)
            if modulus is not None:
                return Call("congruent", (*sides, modulus))
        return Relation(tuple(ops), tuple(sides)) if ops else sides[0]

    def is_ratio(self, first: Node, ops: list[str]) -> bool:
        """Whether a colon here goes on with a ratio: a : b = 2 : 3, k = 2 : 3."""
        if not self.colons or ops != ["="] or not self.is_op(":"):
            return False
        named = isinstance(first, Call) and first.name == "ratio"
        return named or (self.ahead().kind == "num" and self.ahead(2).kind in ("end", "sep"))

    def ratio(self, first: Node) -> Node:
        """3 : 2; with two digits behind it may be a time. The name before a colon is dropped: Total: 5."""
        start = self.at
        parts = [first]
        while self.accept(":"):
            parts.append(self.sum())
        match parts:
            case [Text(word), Num() as count] if " " not in word and (thing := words.stem(word)):
                return Quantity(count, f"#{thing}")  # girls: 4
        if isinstance(first, Relation | Text):
            raise CannotRead("a colon after words")
        digits = [token.value for token in self.stream[max(0, start - 1) : self.at] if token.kind == "num"]
        written = self.written(max(0, start - 1)).replace(" ", "")
        if (
            len(digits) == len(parts)
            and all(len(piece) == 2 and piece.isdigit() for piece in digits[1:])
            and len(digits[0]) <= 2
        ):
            return Time(written)
        return Call("ratio", tuple(parts))

    # --- sums and terms -----------------------------------------------------------------------------------------------

    def sum(self) -> Node:
        self.deeper()
        terms = [self.signed()]
        while self.is_op("+", "-", "pm", "mp"):
            terms.append(self.signed())
        self.depth -= 1
        if len(terms) > 1 and any(isinstance(term, Text | Relation) for term in terms):
            raise CannotRead("words in a sum")
        match terms:
            case [Const() as numbers, Neg(Seq(_, "{", "}") as holes)]:
                return Union((numbers,), holes)  # R - {1}
        return terms[0] if len(terms) == 1 else amounts.total(terms)

    def signed(self) -> Node:
        negative = False
        while self.is_op("+", "-") or self.is_spoken_sign():
            negative ^= self.token.value != "+"
            self.at += 1
        if self.is_op("pm", "mp"):
            self.signs, upper = True, self.token.value == "pm"
            self.at += 1
            return PlusMinus(self.term(), upper)
        term = self.term()
        if negative and isinstance(term, Text | Relation):
            raise CannotRead("a sign before words")
        return Neg(term) if negative else term

    def is_spoken_sign(self) -> bool:
        """negative 7, minus \\frac{1}{2}."""
        if self.token.kind != "text" or self.token.value.lower() not in ("negative", "minus"):
            return False
        after = self.ahead()
        return after.kind in ("num", "sci", "repeating") or after.value in ("frac", "sqrt", "pi")

    def term(self) -> Node:
        factors = [self.factor()]
        while True:
            if self.is_op("times") and layouts.is_vector(factors[-1]):
                self.at += 1
                layouts.multiply(factors, self.factor())
            elif self.accept(*_TIMES):
                factors.append(self.factor())
            elif self.accept("/"):
                under = self.factor()
                over = factors[0] if len(factors) == 1 else Mul(tuple(factors))
                factors = [self.mixed(over, under)]
            elif self.accept("cap"):
                factors = [Call("cap", tuple(sorted((self.product(factors), self.factor()), key=repr)))]
            elif self.is_op("bmod", "mod") and not self.modular:
                self.at += 1
                over = factors[0] if len(factors) == 1 else Mul(tuple(factors))
                factors = [Call("mod", (over, self.factor()))]
            elif amounts.starts(self):
                return amounts.amount(self, self.product(factors))
            elif self.starts_factor():
                if not self.add_factor(factors):
                    break
            else:
                break
            if len(factors) > 300:
                raise CannotRead("more than 300 factors")
        return self.product(factors)

    def product(self, factors: list[Node]) -> Node:
        if len(factors) > 1 and any(isinstance(factor, Text | Relation) or _is_worded(factor) for factor in factors):
            return amounts.rate(factors)
        if len(factors) > 1 and all(
            isinstance(factor, Sym) and factor.name.startswith("circled ") for factor in factors
        ):
            return Seq(tuple(factors))  # ①③ names two statements
        return factors[0] if len(factors) == 1 else Mul(tuple(factors))

    def add_factor(self, factors: list[Node]) -> bool:
        """Another factor without a sign before it; False for a condition in brackets, which is none."""
        start, spaced = self.at, self.token.spaced
        following = self.power()
        if isinstance(following, Relation) and self.stream[start].value == "(":
            self.conditions.append(following)
            return False
        factors.append(following)
        if len(factors) == 2:
            factors[:] = self.joined(factors[0], following, spaced)
        return True

    def mixed(self, over: Node, under: Node) -> Node:
        """`1 1/2` was read as the two numbers 1 and 1 before the slash came."""
        match over, under:
            case (Mul((Num(whole, None), Num(top, None))), Num(bottom, None)):
                if 0 < top < bottom:
                    return Num(whole + top / bottom)
                raise CannotRead("two numbers side by side")
        return Frac(over, under)

    def joined(self, first: Node, second: Node, spaced: bool) -> list[Node]:
        """Two factors without a sign between them: a mixed number, or a product."""
        match first, second:
            case (Num(whole, None), Quantity(Frac(Num(top, None), Num(bottom, None)), "degree")) if 0 < top < bottom:
                return [Quantity(Num(whole + top / bottom), "degree")]
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
            if value in _NO_FACTOR:
                return value == "vert" and not self.bars
            return value not in RELATIONS and value not in _TIMES and not value.startswith("end ")
        if value == "(":
            return self.ahead().value not in ("mod", "pmod", "bmod")
        if value == "[" and (self.outward or self.stream[self.at - 1].value == "infty"):
            return False  # it closes ]2,5[ and [2,\\infty[
        return value in ("[", "{", "\\{") or (value == "|" and not self.bars)

    def factor(self) -> Node:
        if self.is_op("+", "-"):
            negative = self.token.value == "-"
            self.at += 1
            self.deeper()
            inner = self.factor()
            self.depth -= 1
            return Neg(inner) if negative else inner
        return self.power()

    def power(self) -> Node:
        base = self.postfix()
        while self.is_op("^", "**"):
            if self.is_op("^") and self.ahead().value in ("T", "top", "intercal", "t") and layouts.is_layout(base):
                self.at += 2
                base = layouts.transposed(base)
                continue
            if (
                self.is_op("^")
                and self.ahead().value == "{"
                and self.ahead(2).value in ("T", "top")
                and self.ahead(3).value == "}"
            ):
                self.at += 4
                base = layouts.transposed(base)
                continue
            self.at += 1
            if self.accept("°") or self._braced_op("°"):
                return amounts.degrees(self, base)
            if self.is_op("prime", "'") or (self.is_op("{") and self.ahead().value in ("prime", "'")):
                return self.after(functions.primed(self, base))
            if isinstance(base, Const) and base.name in "RZNQC" and not self.is_op("n"):
                base = functions.number_set(self, base)
                continue
            if isinstance(base, Sym) and base.name[0] in "fghFGHPQ" and functions.is_inverse(self):
                base = functions.inverse_call(self, base)
                continue
            exponent = self.exponent()
            base = functions.combination(base, exponent) or Pow(base, exponent)
            return self.after(base)
        return base

    def _braced_op(self, op: str) -> bool:
        if self.is_op("{") and self.ahead().value == op and self.ahead(2).value == "}":
            self.at += 3
            return True
        return False

    def exponent(self) -> Node:
        if self.is_op("{"):
            return self.group()
        self.deeper()
        factor_node = (
            self.factor() if not (self.token.kind == "num" and len(self.token.value) > 1) else self.first_digit()
        )
        self.depth -= 1
        return factor_node

    def first_digit(self) -> Node:
        """x^12 is x^{12} to a person; TeX would take one digit, and nobody means that."""
        return self.factor()

    def postfix(self) -> Node:
        node = self.atom()
        if isinstance(node, Sym) and self.is_op("_") and self.stream[self.at - 1].value == "}":  # {g}_{k}
            self.at += 1
            node = Sym(f"{node.name}_{self.subscript()}")
        return self.after(node)

    def after(self, node: Node) -> Node:
        for _ in range(MAX_POSTFIX):
            if self.is_op("!") and (self.ahead().value != "=" or self.ahead().spaced):
                self.at += 1
                node = Call("factorial", (node,))
            elif self.accept("%"):
                node = Percent(node)
            elif self.is_op("°"):
                self.at += 1
                node = amounts.degrees(self, node)
            else:
                return node
        raise CannotRead(f"more than {MAX_POSTFIX} signs after a value")

    # --- atoms --------------------------------------------------------------------------------------------------------

    def atom(self) -> Node:
        token = self.token
        match token.kind:
            case "num":
                self.at += 1
                return self.number(token.value)
            case "sci":
                self.at += 1
                mantissa, _, exponent = token.value.lower().partition("e")
                return literal(mantissa, int(exponent.strip("{}")))
            case "repeating":
                self.at += 1
                return repeating(token.value)
            case "sym":
                self.at += 1
                return self.symbol(token.value)
            case "text":
                return self.text()
            case "cmd":
                return self.command(token.value)
            case "op":
                return brackets.bracket(self, token.value)
        raise CannotRead(f"unexpected {token.value[:20]!r}")

    def number_at(self) -> Node:
        """The number that stands here, not passed over."""
        return literal(self.token.value)

    def sum_of_one(self) -> Node:
        """One term, as in 2 h 30 min."""
        return self.term()

    def number(self, digits: str) -> Node:
        if self.is_op(".") and self.ahead().value != ".":  # 1./3
            self.at += 1
        if self.is_op("_"):
            self.at += 1
            return amounts.based(digits, self.subscript())
        return literal(digits)

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
        if name in CONSTANTS and not self.is_op("_", "'"):
            return Const(CONSTANTS[name])
        run = self.capitals(name)
        if run:
            return run
        if name == "C" and functions.is_chosen(self):
            return functions.chosen(self)
        if self.is_op("_"):
            self.at += 1
            name = f"{name}_{self.subscript()}"
        while self.accept("'", "prime"):
            name += "'"
        if self.is_op("(") and not self.token.spaced and (name[0] in "fghFGHPQ" or self._names_a_value(name)):
            return self.applied_to(name)
        return Sym(name)

    def _names_a_value(self, name: str) -> bool:
        """C(10) = …: a capital at the start, with one number or letter in brackets, before a sign of equality."""
        inside = self.ahead().kind in ("num", "sym")
        return (
            self.at == 1
            and (name.isupper() or name[0] == "\\")
            and inside
            and self.ahead(2).value == ")"
            and self.ahead(3).value == "="
        )

    def applied_to(self, name: str) -> Node:
        self.at += 1
        argument = self.items()
        self.close(")")
        return Call(f"{name}()", argument.items if isinstance(argument, Seq) and not argument.open else (argument,))

    def capitals(self, name: str) -> Node | None:
        """HTH: capitals in a row that are all there is."""
        if self.at != 1 or not name.isupper() or len(name) != 1:
            return None
        end = self.at
        while (
            self.stream[end].kind == "sym"
            and len(self.stream[end].value) == 1
            and self.stream[end].value.isupper()
            and not self.stream[end].spaced
        ):
            end += 1
        if end < 2 or self.stream[end].kind != "end":
            return None
        self.at = end
        return Letters("".join(token.value for token in self.stream[:end]))

    def text(self) -> Node:
        value = self.spoken_number()
        if value is not None:
            return Num(value) if value >= 0 else Neg(Num(-value))
        spoken = []
        start = self.at
        while self.token.kind == "text":
            spoken.append(self.token.value)
            self.at += 1
        if spoken[-1] == "of" and self.token.kind == "sym":  # Area of ABC =
            while self.token.kind == "sym":
                spoken.append(self.token.value)
                self.at += 1
        if self.is_op("=") and not all(word in _SINGLE or words.is_harmless(word) for word in spoken):
            self.at = start
            raise CannotRead("a name that is none")
        if not (self.at_end() or self.token.kind == "sep" or self.is_op("=", ",", ";")):
            self.at = start
            raise CannotRead("words before maths")
        return Text(" ".join(spoken))

    def spoken_number(self) -> Fraction | None:
        """The longest row of words here that spells a number."""
        pieces: list[str] = []
        end = self.at
        while len(pieces) < 14 and (self.stream[end].kind == "text" or (pieces and self.stream[end].value == "and")):
            pieces.append(self.stream[end].value)
            end += 1
        for size in range(len(pieces), 0, -1):
            value = numerals.number(" ".join(pieces[:size]))
            if value is not None:
                self.at += size
                return value
        return None

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
        self.deeper()
        bars, self.bars = self.bars, 0
        colons, self.colons = self.colons, True
        modular, self.modular = self.modular, False
        node = self.items()
        self.bars, self.modular, self.colons = bars, modular, colons
        self.depth -= 1
        return node

    def group(self) -> Node:
        """{…}; {1 \\over 2} is a fraction."""
        self.close("{")
        node = self.nested()
        if self.accept("over"):
            node = Frac(node, self.nested())
        elif self.accept("choose"):
            node = Call("binom", (node, self.nested()))
        self.close("}")
        return node

    def command(self, name: str) -> Node:
        if name in CONSTANTS:
            self.at += 1
            return Const(CONSTANTS[name]) if name != "emptyset" else Seq((), "{", "}")
        if name in COMMANDS:
            self.at += 1
            return COMMANDS[name](self, name)
        if name in _GREEK:
            self.at += 1
            return self.symbol("\\" + name)
        if name in FUNCTIONS:
            self.at += 1
            return functions.function(self, name)
        if name.startswith("begin "):
            self.at += 1
            return layouts.environment(self, name[6:])
        raise CannotRead(f"unknown command {name[:20]!r}")


def _is_option(node: Node) -> bool:
    """What one of several may be chosen: a letter, a word."""
    return isinstance(node, Text) or (isinstance(node, Sym) and node.name in _SINGLE)


def _is_worded(node: Node) -> bool:
    return isinstance(node, Frac) and any(isinstance(side, Text) for side in (node.over, node.under))
