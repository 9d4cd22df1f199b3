"""Which number formats a policy is trained in.

bfloat16 has eight bits of precision: an optimiser step below a 256th of a weight is rounded away, and nothing shows it. So
trained weights, gradients and moments are float32, whatever the arithmetic of the forward pass is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from transformers import PreTrainedModel

GUARD_THRESHOLDS = {torch.float32: 1e-4, torch.bfloat16: 0.1}
"""Nats by which engine and trainer may differ in the mean: two kernels of the same format do not round alike.

Not the largest difference: in bfloat16 that of a single unlikely token reached 0.7 where the mean was 0.03.
"""


def take_master_weights(policy: PreTrainedModel, dtype: torch.dtype | None = None) -> torch.dtype:
    """Makes the trained weights float32, in place. Returns the dtype of the forward pass: `dtype`, or what they were.

    Raises ValueError for a dtype in which gradients underflow.
    """
    chosen = dtype or policy.dtype
    if chosen not in GUARD_THRESHOLDS:
        raise ValueError(f"{str(chosen).removeprefix('torch.')}: train in bfloat16 or float32")
    for parameter in policy.parameters():
        if parameter.requires_grad:
            parameter.data = parameter.data.float()
    return chosen
