"""A bounded recursive-descent parser for the LaTeX and plain maths that answers really use.

    whole     = [lead] list end                      sentences.py: "there are", "the area is"
    list      = union { ("," | ";" | and | or) union }
    union     = relation { (\\cup | \\setminus) relation }    relations.py
    relation  = sum { (= | < | \\le | \\in | …) sum } [(mod n)] [(condition)]
    sum       = term { (+ | - | \\pm) term }
    term      = factor { (* | / | nothing) factor } [amount]    terms.py; amounts.py: units, words, %, money
    factor    = [-] postfix [^ exponent]             powers.py
    atom      = number | symbol | bracket | command | text    atoms.py

A command is read by the handler that a table names for it: functions.py, layouts.py, bigs.py. What no rule accounts for
raises CannotRead with the text that is left over: a guess would be a wrong verdict.
"""

from __future__ import annotations

from reward_verifiers.answer.reading import amounts, atoms, functions, powers, relations, sentences, terms
from reward_verifiers.answer.reading.literals import literal
from reward_verifiers.answer.reading.nodes import (
    ANY,
    Call,
    Conditioned,
    Const,
    Frac,
    Neg,
    Node,
    PlusMinus,
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
from reward_verifiers.answer.reading.tokens import CannotRead, Token, tokens

_UNSIGNED = frozenset({"num", "sym"})
_AND = ({"and"}, {"land"}, {"且"})
_OR, _ORDER = frozenset({"lor", "or", "或", "或者", "ou", "oder"}), frozenset({"<", ">", "<=", ">="})


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
    # The rules that other modules read, by which they also call each other.
    relation = relations.relation
    term, starts_factor = terms.term, terms.starts_factor
    power, exponent, postfix = powers.power, powers.exponent, powers.postfix
    atom, argument, symbol, applied_to = atoms.atom, atoms.argument, atoms.symbol, atoms.applied_to

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
        if not worded and self.token.kind == "end" and not self.conditions and not isinstance(node, Seq):
            return node  # most answers
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
        return Conditioned(node, tuple(self.conditions)) if self.conditions else node

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
        items, start, alternatives = [relations.union(self)], self.at, True
        first = start
        while self.separator():
            if self.at_end():
                if self.stream[self.at - 1].kind == "sep" and self.stream[self.at - 1].value != ",":
                    raise CannotRead("a list that goes on", self.stream[self.at - 1].value)
                break
            alternatives &= self.stream[start].value in _OR
            items.append(relations.union(self))
            start = self.at
            if len(items) > 400:
                raise CannotRead("more than 400 items")
        if len(items) == 1:
            return items[0]
        joints = {token.value for token in self.stream[first : self.at] if token.kind == "sep"}
        related = all(isinstance(item, Relation) for item in items)
        if joints & {"lor", "land"} and not related:
            raise CannotRead("a sign of logic between values")
        if related and joints in _AND and all(isinstance(item, Relation) and item.ops[0] in _ORDER for item in items):
            return Call("both", tuple(items))
        if alternatives and related and any(item.ops[0] in _ORDER for item in items if isinstance(item, Relation)):
            return Union(tuple(items))
        if alternatives and related and _name_different(items):
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

    # --- sums and terms -----------------------------------------------------------------------------------------------

    def sum(self) -> Node:
        self.deeper()
        terms = [self.signed()]
        while self.is_op("+", "-", "pm", "mp"):
            terms.append(self.signed())
        self.depth -= 1
        if len(terms) == 1:
            return terms[0]
        if any(isinstance(term, Text | Relation) for term in terms):
            raise CannotRead("words in a sum")
        match terms:
            case [Const() as numbers, Neg(Seq(_, "{", "}") as holes)]:
                return Union((numbers,), holes)  # R - {1}
        return amounts.total(terms)

    def signed(self) -> Node:
        if self.stream[self.at].kind in _UNSIGNED:
            return self.term()
        negative = False
        while self.is_op("+", "-") or self.is_spoken_sign():
            negative ^= self.token.value != "+"
            self.at += 1
        if self.is_op("pm", "mp"):
            self.signs, upper = True, self.token.value == "pm"
            self.at += 1
            return PlusMinus(self.term(), upper)
        term = self.term()
        if negative and isinstance(term, Text | Relation | Time):
            raise CannotRead("a sign before words or a time")
        return Neg(term) if negative else term

    def is_spoken_sign(self) -> bool:
        """negative 7, minus \\frac{1}{2}."""
        if self.token.kind != "text" or self.token.value.lower() not in ("negative", "minus"):
            return False
        after = self.ahead()
        return after.kind in ("num", "sci", "repeating") or after.value in ("frac", "sqrt", "pi")

    def factor(self) -> Node:
        token = self.stream[self.at]
        if token.kind == "num" and terms.ends(self.stream[self.at + 1]):  # a number, and nothing behind it
            self.at += 1
            return literal(token.value)
        if self.is_op("+", "-"):
            negative = self.token.value == "-"
            self.at += 1
            self.deeper()
            inner = self.factor()
            self.depth -= 1
            return Neg(inner) if negative else inner
        return self.power()

    # --- values -------------------------------------------------------------------------------------------------------

    def number_at(self) -> Node:
        """The number that stands here, not passed over."""
        return literal(self.token.value)

    def sum_of_one(self) -> Node:
        """One term, as in 2 h 30 min."""
        return self.term()

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
        number, closer = self.ahead(), self.ahead(2)
        if number.kind == "num" and closer.value == "}" and closer.kind == "op" and self.accept("{"):
            self.at += 2
            return literal(number.value)
        self.close("{")
        node = self.nested()
        if self.accept("over"):
            node = Frac(node, self.nested())
        elif self.accept("choose"):
            node = Call("binom", (node, self.nested()))
        self.close("}")
        return node


def _name_different(items: list[Node]) -> bool:
    """Of x = 2 or y = 3, which is no point: the one or the other holds."""
    names = [item.sides[0] for item in items if isinstance(item, Relation) and item.ops == ("=",)]
    return (
        len(names) == len(items) > 1 and len(set(names)) == len(names) and all(isinstance(name, Sym) for name in names)
    )


def _is_option(node: Node) -> bool:
    """What one of several may be chosen: a letter, a word."""
    return isinstance(node, Text) or (isinstance(node, Sym) and node.name in atoms.CAPITALS)
