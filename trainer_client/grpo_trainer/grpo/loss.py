"""The loss of each token, before aggregation. All tensors are (samples, tokens), log-probabilities are natural logarithms.

clip       -min(ρ·A, clip(ρ, 1 - low, 1 + high)·A)             PPO (arXiv:1707.06347), GRPO; clip-higher: DAPO (2503.14476)
cispo      -sg(min(ρ, 1 + high))·A·log π                       MiniMax-M1 (arXiv:2506.13585)

ρ = π/π_old per token, or per sequence: exp(mean of the tokens' log-ratios), GSPO (arXiv:2507.18071). R1 clips at ε = 10, so
that only ratios above 11 are cut. π_old is the trainer's own policy before the rollout's first update. When another engine
sampled, its π_rollout differs, and the token is weighed by w = π_old/π_rollout (https://fengyao.notion.site/off-policy-rl):

truncate   min(w, high)                                        truncated importance sampling
mask       w inside [low, high], else 0                        IcePop (https://ringtech.notion.site/icepop)

w is a token's own, or that of its sequence: the product over its tokens (TRL's default, with `mask`). Against what one bad
sample can do:

dual_clip         ρ above c counts as c where A < 0            Ye et al. (arXiv:1912.09729); verl's default, c = 3
off_policy_limit  a sample with A < 0 whose mean of log π_rollout - log π is above the limit has no policy loss
                                                               DeepSeek-V3.2 (arXiv:2512.02556), off-policy sequence masking
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from grpo_trainer.grpo.aggregation import Aggregation
from grpo_trainer.grpo.kl import KL, k3

Objective = Literal["clip", "cispo"]
Ratio = Literal["token", "sequence"]
Correction = Literal["none", "truncate", "mask"]
CorrectionLevel = Literal["token", "sequence"]
_CHOICES = {
    "objective": ("clip", "cispo"),
    "ratio": ("token", "sequence"),
    "correction": ("none", "truncate", "mask"),
    "correction_level": ("token", "sequence"),
    "aggregation": ("sequence", "token", "constant"),
    "kl": ("k3", "k3_ratio"),
}
# Above this a ratio is a bug's or a hostile engine's; it keeps exp() finite. OpenRLHF and verl use the same.
MAX_LOG_RATIO = 20.0


@dataclass(frozen=True, kw_only=True)
class LossConfig:
    """Defaults are R1's (Methods; supplement eq. 11-13).

    clip_low, clip_high: ε below and above 1. DAPO: 0.2 and 0.28.
    dual_clip: c, above 1; None leaves ratios of bad samples unbounded but for `clip_high`, as R1 does.
    off_policy_limit: nats a token; None keeps every sample.
    correction_level: whose weight for another engine: each token's, or its sequence's.
    correction_low, correction_high: bounds of the weight for another engine; truncation knows only the upper.
    kl_coef: β; 0 leaves the reference model out.
    mask_truncated: samples cut at the length limit leave the loss (DAPO's overlong filtering); their rewards still count in
        the group's mean.
    """

    objective: Objective = "clip"
    ratio: Ratio = "token"
    clip_low: float = 10.0
    clip_high: float = 10.0
    dual_clip: float | None = None
    off_policy_limit: float | None = None
    correction: Correction = "truncate"
    correction_level: CorrectionLevel = "token"
    correction_low: float = 0.5
    correction_high: float = 2.0
    aggregation: Aggregation = "sequence"
    kl: KL = "k3"
    kl_coef: float = 0.001
    mask_truncated: bool = False

    def __post_init__(self) -> None:
        for name, choices in _CHOICES.items():
            if getattr(self, name) not in choices:
                raise ValueError(f"loss.{name}: {getattr(self, name)!r} is none of {', '.join(choices)}")
        for name in ("clip_low", "clip_high", "kl_coef"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"loss.{name}: must be at least 0, not {getattr(self, name)}")
        if self.dual_clip is not None and not self.dual_clip > 1:
            raise ValueError(f"loss.dual_clip: must be above 1, not {self.dual_clip}")
        if self.dual_clip is not None and self.objective == "cispo":
            raise ValueError("loss.dual_clip: bounds the objective `clip`; `cispo` has its own bound, clip_high")
        if not 0 <= self.correction_low <= 1 <= self.correction_high:
            raise ValueError(
                "loss.correction_low, correction_high: must lie around 1, the weight of a sample of our own"
            )


@dataclass(frozen=True)
class TokenLoss:
    """What one micro-batch gives, (samples, tokens) each; only `loss` carries a gradient.

    kl: to the reference, before β; None without one. low, high: 1.0 where the clip took the gradient, below and above.
    """

    loss: Tensor
    kl: Tensor | None
    low: Tensor
    high: Tensor


def token_loss(
    logp: Tensor,
    old_logp: Tensor,
    advantages: Tensor,
    mask: Tensor,
    config: LossConfig,
    *,
    rollout_logp: Tensor | None = None,
    reference_logp: Tensor | None = None,
) -> TokenLoss:
    """`advantages` is (samples, 1); `mask` is True at completion tokens, and only there the result means anything.

    rollout_logp: the sampling engine's, for the correction. reference_logp: for the KL, with `kl_coef` above 0.
    """
    log_ratio = (logp - old_logp).clamp(-MAX_LOG_RATIO, MAX_LOG_RATIO)
    token_ratio = log_ratio.exp()
    ratio = _sequence_ratio(log_ratio, mask) if config.ratio == "sequence" else token_ratio
    below, above = ratio < 1 - config.clip_low, ratio > 1 + config.clip_high
    if config.objective == "cispo":
        loss = -ratio.clamp(max=1 + config.clip_high).detach() * advantages * logp
    else:
        loss = -torch.min(ratio * advantages, ratio.clamp(1 - config.clip_low, 1 + config.clip_high) * advantages)
        if config.dual_clip is not None:
            loss = torch.where(advantages < 0, torch.min(loss, -config.dual_clip * advantages), loss)
    sampled_logp = old_logp if rollout_logp is None else rollout_logp
    if config.off_policy_limit is not None:
        loss = loss * ((advantages >= 0) | (_mean(sampled_logp - logp.detach(), mask) <= config.off_policy_limit))
    if rollout_logp is not None and config.correction != "none":
        loss = loss * correction(old_logp, rollout_logp, mask, config)
    kl = None
    if reference_logp is not None:
        kl = k3(logp, reference_logp) * (token_ratio if config.kl == "k3_ratio" else 1)
        loss = loss + config.kl_coef * kl
    return TokenLoss(
        loss=loss,
        kl=None if kl is None else kl.detach(),
        low=(below & (advantages < 0)).expand_as(logp).float(),
        high=(above & (advantages > 0)).expand_as(logp).float(),
    )


def correction(old_logp: Tensor, rollout_logp: Tensor, mask: Tensor, config: LossConfig) -> Tensor:
    """The weight of each token for having been sampled by another engine: truncated, or 0 outside the band. No gradient."""
    gap = (old_logp - rollout_logp).detach()
    if config.correction_level == "sequence":
        gap = (gap * mask).sum(-1, keepdim=True).expand_as(gap)
    weight = gap.clamp(-MAX_LOG_RATIO, MAX_LOG_RATIO).exp()
    if config.correction == "truncate":
        return weight.clamp(max=config.correction_high)
    return weight * ((weight >= config.correction_low) & (weight <= config.correction_high))


def _sequence_ratio(log_ratio: Tensor, mask: Tensor) -> Tensor:
    return _mean(log_ratio, mask).exp()


def _mean(values: Tensor, mask: Tensor) -> Tensor:
    """Over the tokens of each sample, (samples, 1)."""
    return (values * mask).sum(-1, keepdim=True) / mask.sum(-1, keepdim=True).clamp(min=1)
