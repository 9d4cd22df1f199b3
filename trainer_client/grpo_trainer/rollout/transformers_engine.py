"""Rollouts by transformers: every row of a batch advances together; rows that are done leave the batch and its KV cache."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from transformers import DynamicCache

from grpo_trainer.rollout.engine import Completion, Sampling
from grpo_trainer.rollout.weights import base_model, cache_argument, frozen_copy

if TYPE_CHECKING:
    from transformers import PreTrainedModel


class TransformersEngine:
    """Samples from `policy` itself, put into eval mode, or from a copy of it.

    end_ids: tokens that end a completion. batch: rows that advance together (their KV cache must fit into memory).
    copy_weights: keep weights of its own, refreshed by `sync`; needed when the policy is trained while this generates.
    dtype: of the arithmetic; default: the policy's as it is now. It keeps a copy where the policy's trained weights have
    another.
    """

    def __init__(
        self,
        policy: PreTrainedModel,
        end_ids: Sequence[int],
        *,
        batch: int = 256,
        copy_weights: bool = False,
        dtype: torch.dtype | None = None,
    ) -> None:
        if not end_ids:
            raise ValueError("end_ids: name at least one token that ends a completion")
        self._dtype = dtype or policy.dtype
        self.own_weights = copy_weights or policy.dtype != self._dtype
        self.model = frozen_copy(policy, self._dtype) if self.own_weights else policy.train(False)
        self._end = torch.tensor(sorted(end_ids), device=policy.device)
        self._batch = batch
        self._cache_name = cache_argument(base_model(policy)) or "past_key_values"

    def sync(self, policy: PreTrainedModel) -> None:
        if self.model is policy and policy.dtype != self._dtype:
            # A trainer has taken the policy's weights to float32 since.
            self.model, self.own_weights = frozen_copy(policy, self._dtype), True
        elif self.model is not policy:
            self.model.load_state_dict(policy.state_dict())

    def release(self) -> None:
        """Its KV cache ended with the last completion."""

    @torch.no_grad()
    def generate(
        self, prompts: Sequence[Sequence[int]], sampling: Sampling, limits: Sequence[int] | None = None
    ) -> Iterator[Completion]:
        """Raises ValueError when a prompt is empty, or too long for the model's positions with the tokens it may have."""
        limits = limits or [sampling.max_tokens] * len(prompts)
        self._check(prompts, limits)
        device = self.model.device
        rng = torch.Generator(device).manual_seed(sampling.seed)
        for start in range(0, len(prompts), self._batch):
            chunk = prompts[start : start + self._batch]
            yield from self._chunk(chunk, limits[start : start + self._batch], start, sampling, rng)

    def _check(self, prompts: Sequence[Sequence[int]], limits: Sequence[int]) -> None:
        positions = getattr(self.model.config, "max_position_embeddings", None)
        if any(not prompt for prompt in prompts):
            raise ValueError("a prompt has no tokens")
        for prompt, limit in zip(prompts, limits, strict=True):
            if positions is not None and len(prompt) + limit > positions:
                raise ValueError(
                    f"max_tokens: {limit} after a prompt of {len(prompt)} tokens exceed the model's {positions} positions"
                )

    def _chunk(
        self,
        prompts: Sequence[Sequence[int]],
        limits: Sequence[int],
        start: int,
        sampling: Sampling,
        rng: torch.Generator,
    ) -> Iterator[Completion]:
        batch = _Batch(prompts, limits, start, self.model.device)
        pauses = self._end.new_tensor(sampling.pauses)
        cache = DynamicCache(config=base_model(self.model).config)
        logits = self._forward(batch.prompts, batch.attention, batch.positions, cache)
        # Each different prompt was read once; now its siblings get a row each.
        logits = logits[batch.source]
        batch.expand()
        cache.batch_select_indices(batch.source)
        while True:
            tokens, logprobs = sample(logits, sampling, rng)
            batch.append(tokens, logprobs)
            ended = torch.isin(tokens, self._end) | batch.paused(torch.isin(tokens, pauses), sampling)
            done = ended | batch.full
            if done.any():
                # What is done leaves at once, for its verdict to come while the others go on.
                yield from batch.completions(done, ended)
                if done.all():
                    return
                keep = (~done).nonzero().flatten()
                batch.keep(keep)
                cache.batch_select_indices(keep)
            logits = self._forward(batch.last, batch.attention, batch.positions, cache)

    def _forward(self, ids: Tensor, attention: Tensor, positions: Tensor, cache: DynamicCache) -> Tensor:
        """The logits after the last column, (rows, vocabulary), in float32."""
        output = self.model(
            input_ids=ids,
            attention_mask=attention,
            position_ids=positions,
            use_cache=True,
            logits_to_keep=1,
            **{self._cache_name: cache},
        )
        logits: Tensor = output.logits
        return logits[:, -1].float()


def sample(logits: Tensor, sampling: Sampling, rng: torch.Generator) -> tuple[Tensor, Tensor]:
    """(token, its log-probability under the distribution that it was drawn from) of each row of (rows, vocabulary)."""
    if sampling.temperature == 0:
        logprobs, tokens = logits.log_softmax(-1).max(-1)
        return tokens, logprobs
    logprobs = (logits / sampling.temperature).log_softmax(-1)
    if sampling.top_p < 1:
        logprobs = _nucleus(logprobs, sampling.top_p)
    tokens = torch.multinomial(logprobs.exp(), 1, generator=rng)
    return tokens.flatten(), logprobs.gather(-1, tokens).flatten()


def _nucleus(logprobs: Tensor, top_p: float) -> Tensor:
    """The smallest set of likeliest tokens that holds `top_p`, normalised. Holtzman et al., arXiv:1904.09751."""
    ordered, order = logprobs.sort(-1, descending=True)
    before = ordered.exp().cumsum(-1) - ordered.exp()
    kept = ordered.masked_fill(before >= top_p, -torch.inf).log_softmax(-1)
    return torch.empty_like(kept).scatter(-1, order, kept)


class _Batch:
    """Rows under way: prompts padded on the left, so that all of them write the same column next.

    prompts, attention, positions: what the model reads first, a row for each different prompt; then `source`, which of them
    each row continues. `expand` goes over to a row for each completion.
    """

    def __init__(
        self, prompts: Sequence[Sequence[int]], limits: Sequence[int], start: int, device: torch.device
    ) -> None:
        different = {ids: place for place, ids in enumerate(dict.fromkeys(map(tuple, prompts)))}
        width = max(map(len, different))
        self.prompts = torch.tensor([[0] * (width - len(ids)) + list(ids) for ids in different], device=device)
        self.attention = torch.tensor([[0] * (width - len(ids)) + [1] * len(ids) for ids in different], device=device)
        self.positions = (self.attention.cumsum(-1) - 1).clamp(min=0)
        self.source = torch.tensor([different[tuple(ids)] for ids in prompts], device=device)
        self.last = self.prompts[:, -1:]
        self._start = start
        self._length = 0
        self._limits = torch.tensor(limits, device=device)
        self._rows = torch.arange(len(prompts), device=device)
        self._ids = torch.empty(len(prompts), max(limits), dtype=torch.long, device=device)
        self._logprobs = torch.empty(len(prompts), max(limits), device=device)

    @property
    def full(self) -> Tensor:
        """Which rows have as many tokens as they may have."""
        return self._limits[self._rows] <= self._length

    def expand(self) -> None:
        self.attention, self.positions = self.attention[self.source], self.positions[self.source][:, -1:]

    def append(self, tokens: Tensor, logprobs: Tensor) -> None:
        self._ids[self._rows, self._length] = tokens
        self._logprobs[self._rows, self._length] = logprobs
        self._length += 1
        self.last = tokens[:, None]
        self.positions = self.positions + 1
        self.attention = torch.nn.functional.pad(self.attention, (0, 1), value=1)

    def paused(self, rows: Tensor, sampling: Sampling) -> Tensor:
        """Which of these rows, whose last token is a pause, stop there."""
        if sampling.is_pause is None:
            return rows
        for place in rows.nonzero().flatten().tolist():
            rows[place] = sampling.is_pause(self._ids[self._rows[place], : self._length].tolist())
        return rows

    def completions(self, done: Tensor, ended: Tensor) -> Iterator[Completion]:
        for row, whole in zip(self._rows[done].tolist(), ended[done].tolist(), strict=True):
            ids, logprobs = self._ids[row, : self._length], self._logprobs[row, : self._length]
            yield Completion(self._start + row, ids.tolist(), logprobs.tolist(), truncated=not whole)

    def keep(self, rows: Tensor) -> None:
        self.last, self.positions, self.attention = self.last[rows], self.positions[rows], self.attention[rows]
        self._rows = self._rows[rows]
