"""Long completions take over: paid more than their siblings, they become usual within a few blocks.

A rank correlation within groups does not show this: while few completions are long it is small, and soon all are. So long
ones are compared with their siblings over many groups (the Mantel-Haenszel difference). Each group is one observation.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median

from reward_api.monitor.shape import Block, Signal, Usual, longest_paid
from reward_api.monitor.spec import Limits
from reward_api.rates import Z_99

LONG = 1.5
"""Longer than usual by this factor."""
BLOCKS = 8
FEW_GROUPS = 20


@dataclass(frozen=True, slots=True)
class _Mixed:
    """A group with long completions and others. weight: how much it says; gain: weight times the difference of their
    paid shares.
    """

    gain: float
    weight: float


class Takeover:
    """Looks at the last blocks together."""

    def __init__(self) -> None:
        self._recent: deque[list[_Mixed]] = deque(maxlen=BLOCKS)

    def add(self, block: Block, usual: Usual, limits: Limits) -> Signal | None:
        long = LONG * usual.median_tokens
        self._recent.append([*_mixed(block, long)])
        groups = [one for recent in self._recent for one in recent]
        tokens = [sample.tokens for _, sample in block.paid]
        if len(groups) < FEW_GROUPS or not tokens or median(tokens) <= long:
            return None
        difference, error = _difference(groups)
        if difference - Z_99 * error <= limits.length:
            return None
        text = (
            f"paid completions became longer, from {usual.median_tokens:.0f} to {median(tokens):.0f}, and within groups the "
            f"long ones are paid more often by {100 * difference:.0f} points"
        )
        return Signal("length", text, limits.length, value=difference, examples=longest_paid(block))


def _mixed(block: Block, long: float) -> Iterator[_Mixed]:
    for group in block.groups:
        judged = [sample for sample in group.samples if sample.paid is not None]
        above = [bool(sample.paid) for sample in judged if sample.tokens > long]
        below = [bool(sample.paid) for sample in judged if sample.tokens <= long]
        if above and below:
            gain = (sum(above) * len(below) - sum(below) * len(above)) / len(judged)
            yield _Mixed(gain, len(above) * len(below) / len(judged))


def _difference(groups: list[_Mixed]) -> tuple[float, float]:
    """Of paid shares, and its standard error, which holds however much the completions of one group hang together."""
    weight = sum(one.weight for one in groups)
    difference = sum(one.gain for one in groups) / weight
    squares = sum((one.gain - difference * one.weight) ** 2 for one in groups)
    return difference, math.sqrt(squares) / weight
