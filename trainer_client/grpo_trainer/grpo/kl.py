"""KL of the policy to the reference, estimated at sampled tokens. Schulman, http://joschu.net/blog/kl-approx.html.

k3         π_ref/π - log(π_ref/π) - 1               R1 supplement eq. 12: the default
k3_ratio   (π/π_old) · k3                           DeepSeek-V3.2 (arXiv:2512.02556); TRL's `use_bias_correction_kl`

Both have the expectation KL(π || π_ref) on-policy. In the loss their gradients differ: that of plain k3 is the gradient of
the *forward* KL(π_ref || π), since sampling is not differentiated; with the ratio it is that of KL(π || π_ref) itself.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

KL = Literal["k3", "k3_ratio"]


def k3(logp: Tensor, reference_logp: Tensor) -> Tensor:
    """Per token, at least 0, exactly 0 where both agree; any shape. Flat above a gap of 20 nats, where e^gap explodes."""
    gap = (reference_logp - logp).clamp(max=20.0)
    return torch.expm1(gap) - gap
