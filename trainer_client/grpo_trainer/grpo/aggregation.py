"""Aggregation: what one token weighs in the loss of an optimiser step.

sequence   1 / (N · |o_i|)      mean over samples of their token means       GRPO (arXiv:2402.03300); R1
token      1 / Σ |o_i|          mean over all tokens of the step              DAPO (arXiv:2503.14476)
constant   1 / (N · L)          by a constant length L, no length bias        Dr. GRPO (arXiv:2503.20783)

The weights are of the whole step, before it is cut into micro-batches: the loss is the sum of weight times token loss, so
any cut gives the same gradient. A mean taken within each micro-batch, the usual bug, weighs tokens by their neighbours.
Samples that do not count (no verdict, dead group, masked) have length 0: no weight, and no part in N or in the sum.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

Aggregation = Literal["sequence", "token", "constant"]


def token_weights(lengths: Sequence[int], how: Aggregation, constant: int) -> list[float]:
    """For each sample the weight of each of its tokens; `constant` is L, in tokens, for `how="constant"`."""
    samples = sum(length > 0 for length in lengths)
    tokens = sum(lengths)
    if how == "sequence":
        return [1 / (samples * length) if length else 0.0 for length in lengths]
    weight = 1 / max(tokens if how == "token" else samples * constant, 1)
    return [weight if length else 0.0 for length in lengths]
