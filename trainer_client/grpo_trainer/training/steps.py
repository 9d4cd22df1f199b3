"""Optimiser steps that a killed run goes on with: what fine-tuning and distillation share.

What a step does must follow from the seed and the step's number alone: then a resumed run is the uninterrupted one bit for
bit.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from transformers import PreTrainedModel

from grpo_trainer.rollout.weights import has_adapters, trained_weights
from grpo_trainer.whole_files import publish, reading

OnStep = Callable[[int, dict[str, float]], None]


@dataclass(frozen=True, kw_only=True)
class StepsConfig:
    """AdamW, a linear warm-up and a cosine to a tenth, as in R1's tables.

    micro_batch_tokens: with padding, what goes through the model at once; it has no influence on the gradient.
    gradient_checkpointing: compute the layers' activations again in the backward pass: less memory, a third more time.
    """

    steps: int
    micro_batch_tokens: int = 65_536
    gradient_checkpointing: bool = False
    learning_rate: float = 3e-3
    warmup: int = 20
    weight_decay: float = 0.01
    grad_clip: float = 1.0
    checkpoint_every: int = 200

    def __post_init__(self) -> None:
        self._check_positive("steps", "checkpoint_every", "micro_batch_tokens")
        for name in ("learning_rate", "grad_clip"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name}: must be above 0, not {getattr(self, name)}")

    def _check_positive(self, *names: str) -> None:
        for name in names:
            if getattr(self, name) < 1:
                raise ValueError(f"{name}: must be at least 1, not {getattr(self, name)}")


def train_steps(
    model: PreTrainedModel,
    config: StepsConfig,
    state: Path,
    backward: Callable[[int], Mapping[str, float]],
    on_step: OnStep = lambda step, metrics: None,
) -> None:
    """`backward(step)` leaves a step's gradient at the weights, and returns its metrics.

    Goes on from the file `state` where it exists, and writes it every `checkpoint_every` steps.
    """
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=config.learning_rate, betas=(0.9, 0.98), weight_decay=config.weight_decay)
    for step in range(_load(state, model, optimizer), config.steps):
        rate = _learning_rate(step, config)
        for group in optimizer.param_groups:
            group["lr"] = rate
        optimizer.zero_grad()
        metrics = backward(step)
        norm = torch.nn.utils.clip_grad_norm_(trained, config.grad_clip)
        optimizer.step()
        on_step(step + 1, {**metrics, "grad_norm": float(norm), "learning_rate": rate})
        if (step + 1) % config.checkpoint_every == 0:
            _save(state, model, optimizer, step + 1)


def steps_done(state: Path) -> int:
    """Steps in the checkpoint; what the log has after it will be written again."""
    if not state.exists():
        return 0
    with reading(state):
        return int(torch.load(state, weights_only=True)["step"])


def _learning_rate(step: int, config: StepsConfig) -> float:
    if step < config.warmup:
        return config.learning_rate * (step + 1) / config.warmup
    done = (step - config.warmup) / max(1, config.steps - config.warmup)
    return config.learning_rate * (0.1 + 0.9 * 0.5 * (1 + math.cos(math.pi * done)))


def _save(path: Path, model: PreTrainedModel, optimizer: torch.optim.Optimizer, step: int) -> None:
    """Whole or not at all: a run that is killed while it writes keeps the older file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".draft")
    torch.save({"model": trained_weights(model), "optimizer": optimizer.state_dict(), "step": step}, draft)
    publish(draft, path)


def _load(path: Path, model: PreTrainedModel, optimizer: torch.optim.Optimizer) -> int:
    if not path.exists():
        return 0
    with reading(path):
        saved = torch.load(path, weights_only=True)
    model.load_state_dict(saved["model"], strict=not has_adapters(model))
    optimizer.load_state_dict(saved["optimizer"])
    return int(saved["step"])
