"""Supervised fine-tuning: R1's cold start, and its second stage on what rejection sampling kept.

Cross-entropy on the completion's tokens. Which examples a step sees follows from the seed and the step's number alone, so
that a resumed run is the uninterrupted one bit for bit.
"""

from __future__ import annotations

import math
import random
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import compress
from pathlib import Path

import torch
from torch import Tensor
from transformers import PreTrainedModel

from grpo_trainer.grpo.minibatch import pack
from grpo_trainer.rollout.weights import has_adapters, trained_weights
from grpo_trainer.training.logprobs import Forward, Pair, Rows
from grpo_trainer.training.precision import take_master_weights

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
class SFTConfig:
    """AdamW, a linear warm-up and a cosine to a tenth, as in R1's tables.

    micro_batch_tokens: with padding, what goes through the model at once; it has no influence on the gradient.
    gradient_checkpointing: compute the layers' activations again in the backward pass: less memory, a third more time.
    emphasis: regular expression -> weight in the loss of the tokens whose whole text matches; others weigh 1. A cold start
    whose verdicts are at chance is never repaired by reinforcement learning, and they are few among many tokens.
    """

    steps: int
    batch: int = 64
    micro_batch_tokens: int = 65_536
    gradient_checkpointing: bool = False
    learning_rate: float = 3e-3
    warmup: int = 20
    weight_decay: float = 0.01
    grad_clip: float = 1.0
    emphasis: dict[str, float] = field(default_factory=dict)
    checkpoint_every: int = 200

    def __post_init__(self) -> None:
        for name in ("steps", "batch", "checkpoint_every", "micro_batch_tokens"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}: must be at least 1, not {getattr(self, name)}")
        for name in ("learning_rate", "grad_clip"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name}: must be above 0, not {getattr(self, name)}")
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
    on_step: Callable[[int, dict[str, float]], None] = lambda step, metrics: None,
) -> None:
    """Trains `model` in place; `weights` are of single tokens, by id. Goes on from the file `state` where it exists,
    and writes it every `checkpoint_every` steps. dtype: of the forward pass; default: the model's. Its weights become
    float32, in place.

    Raises ValueError without examples.
    """
    if not examples:
        raise ValueError("there are no examples to train on")
    model.train()
    forward = Forward(take_master_weights(model, dtype), config.gradient_checkpointing)
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=config.learning_rate, betas=(0.9, 0.98), weight_decay=config.weight_decay)
    token_weights = torch.ones(model.config.vocab_size)
    for token, weight in (weights or {}).items():
        token_weights[token] = weight
    start = _load(state, model, optimizer)
    for step in range(start, config.steps):
        rate = _learning_rate(step, config)
        for group in optimizer.param_groups:
            group["lr"] = rate
        optimizer.zero_grad()
        batch = [examples[index] for index in batch_of(step, examples, config.batch, seed)]
        loss = _backward(model, batch, token_weights, config, forward)
        norm = torch.nn.utils.clip_grad_norm_(trained, config.grad_clip)
        optimizer.step()
        on_step(step + 1, {"loss": loss, "grad_norm": float(norm), "learning_rate": rate})
        if (step + 1) % config.checkpoint_every == 0:
            _save(state, model, optimizer, step + 1)


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


def _learning_rate(step: int, config: SFTConfig) -> float:
    if step < config.warmup:
        return config.learning_rate * (step + 1) / config.warmup
    done = (step - config.warmup) / max(1, config.steps - config.warmup)
    return config.learning_rate * (0.1 + 0.9 * 0.5 * (1 + math.cos(math.pi * done)))


def _save(path: Path, model: PreTrainedModel, optimizer: torch.optim.Optimizer, step: int) -> None:
    """Whole or not at all: a run that is killed while it writes keeps the older file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".draft")
    torch.save({"model": trained_weights(model), "optimizer": optimizer.state_dict(), "step": step}, draft)
    draft.replace(path)


def _load(path: Path, model: PreTrainedModel, optimizer: torch.optim.Optimizer) -> int:
    if not path.exists():
        return 0
    saved = torch.load(path, weights_only=True)
    model.load_state_dict(saved["model"], strict=not has_adapters(model))
    optimizer.load_state_dict(saved["optimizer"])
    return int(saved["step"])
