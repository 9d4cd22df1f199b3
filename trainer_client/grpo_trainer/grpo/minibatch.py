"""From one rollout to optimiser steps, and from one step to what fits into memory.

R1 (Methods): 8,192 outputs a rollout, split at random into 16 minibatches, one inner epoch. A minibatch is one optimiser
step; a micro-batch is only what goes through the model at once, and must not change the gradient (see aggregation).
"""

from __future__ import annotations

import random
from collections.abc import Sequence


def split(samples: Sequence[int], parts: int, rng: random.Random) -> list[list[int]]:
    """The samples in random order, in `parts` minibatches whose sizes differ by at most one; some may be empty."""
    order = list(samples)
    rng.shuffle(order)
    return [order[part::parts] for part in range(parts)]


def pack(lengths: Sequence[int], budget: int) -> list[list[int]]:
    """Micro-batches of positions in `lengths`, alike in length, of at most `budget` tokens with padding.

    A sample longer than the budget goes alone: memory is then the caller's to find.
    """
    batches: list[list[int]] = []
    for position in sorted(range(len(lengths)), key=lambda position: (-lengths[position], position)):
        # The first of a micro-batch is its longest, and sets its width.
        if batches and (len(batches[-1]) + 1) * lengths[batches[-1][0]] <= budget:
            batches[-1].append(position)
        else:
            batches.append([position])
    return batches
