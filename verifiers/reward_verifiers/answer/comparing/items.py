"""Items compared one by one: in their order, or in any."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache

from reward_verifiers.answer.comparing.rationals import rational_or_none
from reward_verifiers.answer.judged import UNKNOWN, Outcome, different
from reward_verifiers.answer.options import AnswerOptions
from reward_verifiers.answer.reading.nodes import Node, Seq

MAX_UNORDERED = 64
Compare = Callable[[Node, Node, AnswerOptions], Outcome]
"""How two items are compared."""


def distinct(items: Sequence[Node]) -> tuple[Node, ...]:
    return tuple(dict.fromkeys(items))


def _inside(options: AnswerOptions) -> AnswerOptions:
    """The order that a domain names is that of the items, not of the tuples among them."""
    return _auto_order(options.key) if options.order == "any" else options


@lru_cache(maxsize=64)
def _auto_order(key: str) -> AnswerOptions:
    return AnswerOptions.model_validate_json(key).model_copy(update={"order": "auto"})


def _compared(compare: Compare, left: Node, right: Node, options: AnswerOptions) -> Outcome:
    """{5} is the answer 5, but no item 5: {1, {2}} is not {1, 2}."""
    sets = [isinstance(item, Seq) and item.open == "{" for item in (left, right)]
    return compare(left, right, options) if sets[0] == sets[1] else different("a set is no item of its own")


def ordered(compare: Compare, gold: Sequence[Node], answer: Sequence[Node], options: AnswerOptions) -> Outcome:
    """The same items one after the other."""
    if len(gold) != len(answer):
        return different("another number of items")
    unknown, options = False, _inside(options)
    for left, right in zip(gold, answer, strict=True):
        outcome = _compared(compare, left, right, options)
        if outcome.equal is False:
            return different(f"an item differs: {outcome.rule}")
        unknown |= outcome.equal is None
    return UNKNOWN if unknown else Outcome(True, "the same items in the same order")


def unordered(compare: Compare, gold: Sequence[Node], answer: Sequence[Node], options: AnswerOptions) -> Outcome:
    """The same items, whatever stands first."""
    if len(gold) != len(answer):
        return different("another number of items")
    if len(gold) > MAX_UNORDERED:
        keys = [sorted(map(rational_or_none, items), key=repr) for items in (gold, answer)]
        if None in keys[0] or None in keys[1]:
            return UNKNOWN
        return Outcome(keys[0] == keys[1], "the same items" if keys[0] == keys[1] else "other items")
    left, unknown, options = list(answer), False, _inside(options)
    for item in gold:
        for position, other in enumerate(left):
            equal = _compared(compare, item, other, options).equal
            if equal:
                del left[position]
                break
            unknown |= equal is None
        else:
            return UNKNOWN if unknown else different("an item is missing")
    return Outcome(True, "the same items in any order")
