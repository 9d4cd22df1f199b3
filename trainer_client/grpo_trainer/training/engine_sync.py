"""The engine gets the policy's weights, and must show that it uses them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch

from grpo_trainer.rollout import GenerationEngine, Sampling, sync_guard
from grpo_trainer.training.config import GRPOConfig
from grpo_trainer.training.logprobs import Forward, Pair, Rows
from grpo_trainer.training.precision import GUARD_THRESHOLDS

if TYPE_CHECKING:
    from transformers import PreTrainedModel

# What the guard samples after each sync: enough tokens to meet the KV cache and the prefix cache, and next to no time.
GUARD_PROMPTS = 4
GUARD_TOKENS = 16


class EngineSync:
    """Syncs an engine with `policy`, which is computed as `forward` says."""

    def __init__(self, policy: PreTrainedModel, forward: Forward, config: GRPOConfig) -> None:
        self._policy, self._forward = policy, forward
        self._threshold = config.guard_threshold or GUARD_THRESHOLDS[forward.dtype]
        self._sampling = Sampling(min(GUARD_TOKENS, config.max_tokens), config.temperature, seed=config.seed)

    def __call__(self, engine: GenerationEngine, prompts: Sequence[Sequence[int]]) -> dict[str, float]:
        """Metrics of the sync; raises EngineOutOfSync."""
        start = time.perf_counter()
        engine.sync(self._policy)
        gap = sync_guard.measure(engine, prompts, self._sampling, self._logprobs)
        sync_guard.check(gap, self._threshold)
        return {
            "sync/logp_gap_max": gap.max,
            "sync/logp_gap_mean": gap.mean,
            "sync_s": time.perf_counter() - start,
        }

    @torch.no_grad()
    def _logprobs(self, pairs: Sequence[Pair]) -> list[list[float]]:
        rows = Rows(pairs, self._policy.device)
        logp, _ = self._forward.logprobs(self._policy, rows, self._sampling.temperature)
        return [values.tolist() for values in rows.gather(logp)]
