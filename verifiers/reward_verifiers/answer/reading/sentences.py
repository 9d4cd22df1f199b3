"""Words around a value: "there are 42", "the area is 5", "Total: 37", "42 is the answer".

Every word before a value must be harmless, and the last of them must lead to a value: "at least 42" is not read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reward_verifiers.answer.reading import words
from reward_verifiers.answer.reading.nodes import Const, Neg, Node, PlusMinus, Relation, Seq, Sym, Union

if TYPE_CHECKING:
    from reward_verifiers.answer.reading.parser import Parser
    from reward_verifiers.answer.reading.tokens import Token

_MAX_LEAD = 40


def skip_lead(p: Parser) -> Sym | None:
    """Passes over the words before a value; over none where they are not all harmless, or where all is words.

    Gives the letter of "n is even".
    """
    label = None
    if p.token.kind == "sym" and p.ahead().kind == "text" and p.ahead().value.lower() in ("is", "equals"):
        label = Sym(p.token.value)
    _skip(p)
    return label if p.at > 1 else None


def _skip(p: Parser) -> None:
    verb = _verb(p)
    if verb is not None:
        end = verb + 1
        while _is_text(p.stream[end]) and words.is_harmless(p.stream[end].value):
            end += 1
        if p.stream[end].value == ":" or (p.stream[end].value == "a" and p.stream[end + 1].kind == "num"):
            end += 1  # that is a 50 % chance
        if p.stream[end].kind != "end" and not _is_text(p.stream[end]):
            p.at = end
        elif p.stream[end].kind != "end":
            p.at = verb + 1 if _is_text(p.stream[verb + 1]) else p.at
            while words.is_harmless(p.stream[p.at].value) and p.stream[p.at].kind == "text" and _digits_follow(p):
                p.at += 1
        return
    end = p.at
    while _is_text(p.stream[end]) and words.is_harmless(p.stream[end].value):
        end += 1
    follows = p.stream[end]
    if end == p.at or follows.kind == "end" or _is_text(follows) or follows.kind == "sep":
        return
    if follows.value == ":":
        p.at = end + 1
    elif words.ends_a_lead([token.value for token in p.stream[p.at : end]]):
        p.at = end


_ALL_BUT = ("except", "but", "excluding", "save", "besides")


def all_but(p: Parser) -> Node | None:
    """ "all real numbers except 2 and 5", as a set of numbers; None where something else stands."""
    start, parts = p.at, list[str]()
    while _is_text(p.token) and len(parts) < 9:
        parts.append(p.token.value.lower())
        p.at += 1
    while parts and parts[-1] in ("for", "than", "x", "values"):
        parts.pop()
    if len(parts) > 1 and parts[-1] in (*_ALL_BUT, "other") and words.synonym(" ".join(parts[:-1])) == "R":
        rest = p.items()
        items = rest.items if isinstance(rest, Seq) and not rest.open else (rest,)
        items = tuple(
            sign for item in items for sign in ((item.term, Neg(item.term)) if isinstance(item, PlusMinus) else (item,))
        )
        values = tuple(item.sides[1] if isinstance(item, Relation) and item.ops == ("=",) else item for item in items)
        return Union((Const("R"),), Seq(values, "{", "}"))
    p.at = start
    return None


def _both_signs(node: Node) -> tuple[Node, ...]:
    return (node.term, Neg(node.term)) if isinstance(node, PlusMinus) else (node,)


def _digits_follow(p: Parser) -> bool:
    return any(token.kind in ("num", "cmd") for token in p.stream[p.at :])


def _is_text(token: Token) -> bool:
    return token.kind == "text"


def _verb(p: Parser) -> int | None:
    """Where the verb stands after a harmless name: words, letters, and f(3)."""
    depth = 0
    for index, token in enumerate(p.stream[p.at : p.at + _MAX_LEAD], start=p.at):
        if _is_text(token) and token.value.lower() in words.VERBS and depth == 0:
            return index
        depth += (token.value == "(") - (token.value == ")")
        harmless = (
            (_is_text(token) and words.is_harmless(token.value))
            or token.kind == "sym"
            or (token.kind == "op" and token.value in "()',")
            or (token.kind == "num" and depth > 0)
            or (token.kind == "cmd" and token.value in ("angle", "triangle"))
        )
        if not harmless:
            return None
    return None


def skip_close(p: Parser) -> None:
    """Passes over "is the answer" after a value."""
    start, parts = p.at, []
    while _is_text(p.token):
        parts.append(p.token.value)
        p.at += 1
    if parts and not words.is_tail(parts):
        p.at = start
