"""The update: a rollout's living samples become optimiser steps."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from grpo_trainer.grpo.aggregation import token_weights
from grpo_trainer.grpo.loss import MAX_LOG_RATIO, TokenLoss, token_loss
from grpo_trainer.grpo.minibatch import pack, split
from grpo_trainer.rollout import Rollout
from grpo_trainer.training.collector import ScoredRollouts
from grpo_trainer.training.config import GRPOConfig
from grpo_trainer.training.logprobs import Forward, Rows
from grpo_trainer.training.precision import take_master_weights
from grpo_trainer.training.update_metrics import UpdateMetrics

if TYPE_CHECKING:
    from transformers import PreTrainedModel


@dataclass
class Sample:
    """One completion that counts in the loss.

    old, reference: log-probabilities of its own tokens under the policy before the update and under the reference, where
        needed.
    """

    rollout: Rollout
    advantage: float
    old: Tensor | None = None
    reference: Tensor | None = None

    @property
    def pair(self) -> tuple[list[int], list[int]]:
        return self.rollout.prompt_ids, self.rollout.ids


def counted(groups: Sequence[ScoredRollouts], *, mask_truncated: bool) -> list[Sample]:
    """Those with a verdict, and not cut at the length limit where that is masked."""
    return [
        Sample(rollout, advantage)
        for group in groups
        for rollout, reward, advantage in zip(
            group.rollouts, group.scores.rewards, group.advantages.values, strict=True
        )
        if reward is not None and not (mask_truncated and rollout.truncated)
    ]


class Updater:
    """Owns the optimiser. The policy stays in eval mode: dropout would make every ratio a random number.

    forward: how the policy is computed; its dtype is `dtype`, or the policy's before its trained weights become float32.
    """

    def __init__(self, policy: PreTrainedModel, config: GRPOConfig, dtype: torch.dtype | None = None) -> None:
        self.forward = Forward(take_master_weights(policy, dtype), config.gradient_checkpointing)
        self._weights = [parameter for parameter in policy.parameters() if parameter.requires_grad]
        self.optimizer = torch.optim.AdamW(
            self._weights, lr=config.learning_rate, betas=config.betas, weight_decay=config.weight_decay
        )
        self._policy, self._config = policy.train(False), config

    def update(
        self, groups: Sequence[ScoredRollouts], number: int, step: int, reference: PreTrainedModel | None
    ) -> dict[str, float]:
        """The optimiser steps from number `step` on, for rollout `number`; gives their metrics."""
        config, metrics = self._config, UpdateMetrics()
        samples = counted(groups, mask_truncated=config.loss.mask_truncated)
        rng = random.Random(f"{config.seed}/{number}/split")  # noqa: S311
        parts = [part for _ in range(config.epochs) for part in split(range(len(samples)), config.minibatches, rng)]
        # In its first step the policy is still the old one, and gives the old log-probabilities itself.
        later = sorted({index for part in parts[1:] for index in part})
        for sample, logp in self._logprobs(self._policy, [samples[index] for index in later]):
            sample.old = logp
        if reference is not None:
            for sample, logp in self._logprobs(reference, samples):
                sample.reference = logp
        for place, part in enumerate(parts):
            self._step([samples[index] for index in part], step + place, metrics, first=place == 0)
        return metrics.metrics()

    def _step(self, samples: Sequence[Sample], step: int, metrics: UpdateMetrics, *, first: bool) -> None:
        """One optimiser step; without a sample, or with a gradient that is no number, it changes nothing and is counted."""
        rate = self._config.learning_rate_at(step)
        metrics.last("learning_rate", rate)
        if not samples:
            metrics.skip()
            return
        lengths = [sample.rollout.length for sample in samples]
        weights = token_weights(lengths, self._config.loss.aggregation, self._config.max_tokens)
        self.optimizer.zero_grad(set_to_none=True)
        loss = sum(
            self._backward(
                [samples[place] for place in micro], [weights[place] for place in micro], metrics, first=first
            )
            for micro in self._micro(samples)
        )
        norm = float(torch.nn.utils.clip_grad_norm_(self._weights, self._config.max_grad_norm))
        metrics.mean("loss", loss)
        metrics.mean("grad_norm", norm)
        if not math.isfinite(norm):
            metrics.skip()
            return
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.optimizer.step()

    def _backward(
        self, samples: Sequence[Sample], weights: Sequence[float], metrics: UpdateMetrics, *, first: bool
    ) -> float:
        """Adds a micro-batch's part to the gradient, and gives its part of the loss."""
        rows = _rows(samples, self._policy.device)
        logp, entropy = self.forward.logprobs(self._policy, rows, self._config.temperature)
        old = logp.detach() if first else rows.spread([sample.old for sample in samples if sample.old is not None])
        rollout = rows.spread([torch.tensor(sample.rollout.own_logprobs) for sample in samples])
        fixed = [sample.reference for sample in samples if sample.reference is not None]
        parts = token_loss(
            logp,
            old,
            logp.new_tensor([sample.advantage for sample in samples])[:, None],
            rows.mask,
            self._config.loss,
            rollout_logp=rollout,
            reference_logp=rows.spread(fixed) if fixed else None,
        )
        loss = (parts.loss * rows.mask * logp.new_tensor(weights)[:, None]).sum()
        loss.backward()  # type: ignore[no-untyped-call]
        _describe(metrics, rows, parts, entropy, old - rollout)
        return float(loss.detach())

    @torch.no_grad()
    def _logprobs(self, model: PreTrainedModel, samples: Sequence[Sample]) -> list[tuple[Sample, Tensor]]:
        """Of each sample's tokens, in the order of the micro-batches."""
        results: list[tuple[Sample, Tensor]] = []
        for micro in self._micro(samples):
            chosen = [samples[place] for place in micro]
            rows = _rows(chosen, model.device)
            results += zip(
                chosen, rows.gather(self.forward.logprobs(model, rows, self._config.temperature)[0]), strict=True
            )
        return results

    def _micro(self, samples: Sequence[Sample]) -> list[list[int]]:
        return pack([sum(map(len, sample.pair)) for sample in samples], self._config.micro_batch_tokens)


def _rows(samples: Sequence[Sample], device: torch.device) -> Rows:
    """What tools wrote is read, and is in no loss, no ratio and no mean."""
    return Rows([sample.pair for sample in samples], device, [sample.rollout.mask for sample in samples])


def _describe(metrics: UpdateMetrics, rows: Rows, parts: TokenLoss, entropy: Tensor, gap: Tensor) -> None:
    """What TRL logs of a micro-batch; `gap` is log π_old - log π_rollout."""
    metrics.mean("entropy", entropy[rows.mask])
    if parts.kl is not None:
        metrics.mean("kl", parts.kl[rows.mask])
    tokens = rows.mask.sum(-1)
    metrics.mean("clip_ratio/low_mean", parts.low[rows.mask])
    metrics.least("clip_ratio/low_min", (parts.low * rows.mask).sum(-1) / tokens)
    metrics.mean("clip_ratio/high_mean", parts.high[rows.mask])
    metrics.most("clip_ratio/high_max", (parts.high * rows.mask).sum(-1) / tokens)
    metrics.mean("clip_ratio/region_mean", (parts.low + parts.high)[rows.mask])
    gap = gap.detach()[rows.mask]
    metrics.mean("sampling/sampling_logp_difference/mean", gap.abs())
    metrics.most("sampling/sampling_logp_difference/max", gap.abs())
    weight = gap.clamp(-MAX_LOG_RATIO, MAX_LOG_RATIO).exp()
    metrics.least("sampling/importance_sampling_ratio/min", weight)
    metrics.mean("sampling/importance_sampling_ratio/mean", weight)
    metrics.most("sampling/importance_sampling_ratio/max", weight)
