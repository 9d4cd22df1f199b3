"""Supervised fine-tuning: R1's cold start, and its second stage on what rejection sampling kept.

Cross-entropy on the completion's tokens.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import compress
from pathlib import Path

import torch
from torch import Tensor
from transformers import PreTrainedModel

from grpo_trainer.grpo.minibatch import pack
from grpo_trainer.training.logprobs import Forward, Pair, Rows
from grpo_trainer.training.precision import take_master_weights
from grpo_trainer.training.steps import OnStep, StepsConfig, train_steps

_WINDOW = 16
"""Batches that are sorted by length together: little padding, and order still at random."""


@dataclass(frozen=True)
class Example:
    """Token ids; the completion's with the end token. mask: False where a tool wrote it, which is read and not imitated."""

    prompt: Sequence[int]
    completion: Sequence[int]
    mask: Sequence[bool] = ()

    @property
    def pair(self) -> Pair:
        """The first token of an example without a prompt is not predicted."""
        return (self.prompt, self.completion) if self.prompt else (self.completion[:1], self.completion[1:])

    @property
    def imitated(self) -> Sequence[bool]:
        """Of the pair's second part."""
        mask = self.mask or [True] * len(self.completion)
        return mask if self.prompt else mask[1:]


@dataclass(frozen=True, kw_only=True)
class SFTConfig(StepsConfig):
    """batch: examples a step.

    emphasis: regular expression -> weight in the loss of the tokens whose whole text matches; others weigh 1. A cold start
        whose verdicts are at chance is never repaired by reinforcement learning, and they are few among many tokens.
    """

    batch: int = 64
    emphasis: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_positive("batch")
        for pattern, weight in self.emphasis.items():
            try:
                re.compile(pattern)
            except re.error as error:
                raise ValueError(f"emphasis: {pattern!r} is no regular expression ({error})") from None
            if not weight > 0:
                raise ValueError(f"emphasis: the weight of {pattern!r} must be above 0, not {weight}")


def sft(
    model: PreTrainedModel,
    examples: Sequence[Example],
    config: SFTConfig,
    *,
    seed: int,
    state: Path,
    weights: Mapping[int, float] | None = None,
    dtype: torch.dtype | None = None,
    on_step: OnStep = lambda step, metrics: None,
) -> None:
    """Trains `model` in place, as `train_steps` does; `weights` are of single tokens, by id.

    dtype: of the forward pass; default: the model's. Its weights become float32, in place.
    Raises ValueError without examples.
    """
    if not examples:
        raise ValueError("there are no examples to train on")
    model.train()
    forward = Forward(take_master_weights(model, dtype), config.gradient_checkpointing)
    token_weights = torch.ones(model.config.vocab_size)
    for token, weight in (weights or {}).items():
        token_weights[token] = weight

    def backward(step: int) -> dict[str, float]:
        batch = [examples[index] for index in batch_of(step, examples, config.batch, seed)]
        return {"loss": _backward(model, batch, token_weights, config, forward)}

    train_steps(model, config, state, backward, on_step)


def batch_of(step: int, examples: Sequence[Example], size: int, seed: int) -> list[int]:
    """The places of the examples of one step: each once an epoch, alike in length."""
    epoch, place = divmod(step, -(-len(examples) // size))
    rng = random.Random(f"{seed}/{epoch}")  # noqa: S311
    order = list(range(len(examples)))
    rng.shuffle(order)
    batches: list[list[int]] = []
    for start in range(0, len(order), size * _WINDOW):
        window = sorted(order[start : start + size * _WINDOW], key=lambda index: len(examples[index].completion))
        batches += [window[first : first + size] for first in range(0, len(window), size)]
    rng.shuffle(batches)
    return batches[place]


def _backward(
    model: PreTrainedModel, batch: Sequence[Example], weights: Tensor, config: SFTConfig, run: Forward
) -> float:
    """Adds the batch's gradient, in micro-batches; returns the loss: the mean over its tokens, by their weights."""
    pairs = [example.pair for example in batch]
    masks = [example.imitated for example in batch]
    imitated = [list(compress(ids, mask)) for (_, ids), mask in zip(pairs, masks, strict=True)]
    total = float(sum(weights[torch.tensor(ids, dtype=torch.long)].sum() for ids in imitated)) or 1.0
    loss = 0.0
    for micro in pack([len(prompt) + len(ids) for prompt, ids in pairs], config.micro_batch_tokens):
        rows = Rows([pairs[place] for place in micro], model.device, [masks[place] for place in micro])
        logp, _ = run.logprobs(model, rows)
        part = -(logp[rows.mask] * weights.to(model.device)[rows.targets]).sum() / total
        part.backward()  # type: ignore[no-untyped-call]
        loss += float(part.detach())
    return loss
