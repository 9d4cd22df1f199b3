"""How two scores of one completion differ. `touchstone diff` and the page say it alike."""

from __future__ import annotations

RIGHT = 1.0
"""The score from which a completion is right."""


def flip(
    before: float | None, after: float | None, reward_before: float | None, reward_after: float | None
) -> str | None:
    """`right → wrong` and the like; `reward` where only the reward differs; None for no difference.

    >>> flip(1.0, 0.0, 3.0, 2.0)
    'right → wrong'
    """
    states = state(before), state(after)
    if states[0] != states[1]:
        return f"{states[0]} → {states[1]}"
    return "reward" if reward_before != reward_after else None


def state(score: float | None) -> str:
    return "no verdict" if score is None else "right" if score >= RIGHT else "wrong"
