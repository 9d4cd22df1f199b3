"""The shortest text that is still paid, found by leaving parts out (delta debugging, Zeller and Hildebrandt 2002).

Only texts that hold no right answer are shortened: what is left of them is as wrong as the whole.
"""

from __future__ import annotations

from collections.abc import Callable

from reward_api.audit.items import Item
from reward_api.audit.scorer import Outcome, Scorer

MOST_ROUNDS = 12


async def shortened(scorer: Scorer, item: Item, outcome: Outcome, is_paid: Callable[[Outcome], bool]) -> Outcome:
    """The outcome of the shortest paid text that was found."""
    best, parts = outcome, 2
    for _ in range(MOST_ROUNDS):
        if len(best.text) < 2 or scorer.seconds_left < 2:
            break
        candidates = [text for text in _without_each(best.text, parts) if text != best.text]
        paid = [one for one in await scorer.score(item, candidates) if is_paid(one)]
        if paid:
            best, parts = min(paid, key=lambda one: len(one.text)), max(2, parts - 1)
        elif parts >= min(len(best.text), 16):
            break
        else:
            parts *= 2
    return best


def _without_each(text: str, parts: int) -> list[str]:
    """The text without one of so many parts, each; and each part alone."""
    size = -(-len(text) // parts)
    places = range(0, len(text), size)
    without = [text[:at] + text[at + size :] for at in places]
    return list(dict.fromkeys([*(text[at : at + size] for at in places), *without]))
