"""The settings of a GRPO run. Defaults are R1-Zero's (Methods of the article), so they are for a cluster."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from grpo_trainer.grpo.advantages import AdvantageConfig
from grpo_trainer.grpo.loss import LossConfig
from grpo_trainer.training.loggers import LoggerName, check_installed

Schedule = Literal["constant", "linear", "cosine"]
# Set to any value without making a resumed run another run.
_FREE = {
    *("run_dir", "total_steps", "checkpoint_every", "keep_checkpoints"),
    *("loggers", "guard_threshold", "log_rollouts_every"),
}


@dataclass(frozen=True, kw_only=True)
class GRPOConfig:
    """A rollout is `prompts_per_rollout` × `group_size` completions, trained on in `epochs` × `minibatches` steps.

    run_dir: metrics and checkpoints.
    total_steps: optimiser steps; a step for which no sample counts is counted too, and changes nothing.
    max_tokens: of a completion.
    ahead: 0 generates, scores and updates in turn; 1 generates and scores the next rollout while this one is trained on,
        with weights that are one rollout old (the engine needs weights of its own).
    rollout_tries: above 1, prompts are drawn again, up to so many times, until `prompts_per_rollout` groups are alive
        (DAPO's dynamic sampling).
    rollout_filter: a component of the domain, e.g. `answer`: a group whose scores there are all equal is not trained on,
        whatever its other components are (DAPO filters by accuracy). Default: the total reward.
    micro_batch_tokens: with padding, what goes through the model at once; it has no influence on the gradient.
    reference_every: optimiser steps after which the reference becomes the policy, at the next rollout; 0 never.
    gradient_checkpointing: compute the layers' activations again in the backward pass: less memory, a third more time.
    guard_threshold: nats; the largest mean gap allowed between engine and trainer after a sync. Default: by the dtype of the
        forward pass, 1e-4 for float32 and 0.1 for bfloat16.
    loggers: where metrics go beside metrics.jsonl: `tensorboard`, `wandb`, `trackio`, any number of them.
    log_rollouts_every: every so many rollouts, what the policy wrote goes to rollouts.jsonl.zst, with rewards and reasons; 0
        never.
    max_failed: the share of samples without a verdict in one rollout above which the run stops.
    """

    run_dir: Path
    total_steps: int = 10_400
    prompts_per_rollout: int = 512
    group_size: int = 16
    max_tokens: int = 32_768
    temperature: float = 1.0
    ahead: int = 0
    rollout_tries: int = 1
    rollout_filter: str | None = None
    advantage: AdvantageConfig = field(default_factory=AdvantageConfig)
    loss: LossConfig = field(default_factory=LossConfig)
    minibatches: int = 16
    epochs: int = 1
    micro_batch_tokens: int = 65_536
    gradient_checkpointing: bool = False
    learning_rate: float = 3e-6
    warmup_steps: int = 0
    schedule: Schedule = "constant"
    betas: tuple[float, float] = (0.9, 0.95)
    weight_decay: float = 0.0
    max_grad_norm: float = 1.0
    reference_every: int = 400
    guard_threshold: float | None = None
    max_failed: float = 0.5
    checkpoint_every: int = 50
    keep_checkpoints: int = 2
    loggers: tuple[LoggerName, ...] = ("tensorboard",)
    log_rollouts_every: int = 1
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("total_steps", "prompts_per_rollout", "max_tokens", "rollout_tries", "minibatches", "epochs"):
            _at_least(name, getattr(self, name), 1)
        for name in ("micro_batch_tokens", "checkpoint_every", "keep_checkpoints"):
            _at_least(name, getattr(self, name), 1)
        for name in ("warmup_steps", "reference_every", "weight_decay", "log_rollouts_every"):
            _at_least(name, getattr(self, name), 0)
        _at_least("group_size", self.group_size, 2)
        for name in ("temperature", "learning_rate", "max_grad_norm", "guard_threshold"):
            if getattr(self, name) is not None and not getattr(self, name) > 0:
                raise ValueError(f"{name}: must be above 0, not {getattr(self, name)}")
        check_installed(self.loggers)
        if self.ahead not in (0, 1):
            raise ValueError(f"ahead: must be 0 or 1, not {self.ahead}")
        if self.schedule not in ("constant", "linear", "cosine"):
            raise ValueError(f"schedule: {self.schedule!r} is none of 'constant', 'linear', 'cosine'")
        if not 0 < self.max_failed <= 1:
            raise ValueError(f"max_failed: must be in (0, 1], not {self.max_failed}")

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> GRPOConfig:
        """From what a YAML file gives; `advantage` and `loss` are mappings. Raises ValueError that names an unknown key."""
        settings = dict(values)
        for name, inner in (("advantage", AdvantageConfig), ("loss", LossConfig)):
            if name in settings:
                settings[name] = inner(**_checked_names(inner, settings[name], f"{name}."))
        if "run_dir" in settings:
            settings["run_dir"] = Path(settings["run_dir"])
        for name in ("betas", "loggers"):
            if name in settings:
                settings[name] = tuple(settings[name])
        return cls(**_checked_names(cls, settings, ""))

    def to_mapping(self) -> dict[str, Any]:
        """The inverse, of plain JSON values."""
        return {
            **dataclasses.asdict(self),
            "run_dir": str(self.run_dir),
            "betas": list(self.betas),
            "loggers": list(self.loggers),
        }

    def changed(self, saved: Mapping[str, Any]) -> list[str]:
        """The settings in which a saved run differs, such that resuming it is not an exact continuation."""
        return sorted(
            name for name, value in self.to_mapping().items() if name not in _FREE and saved.get(name) != value
        )

    @property
    def steps_per_rollout(self) -> int:
        return self.minibatches * self.epochs

    def learning_rate_at(self, step: int) -> float:
        """Of optimiser step `step`, counted from 0: linear warm-up, then the schedule, down to 0 at total_steps."""
        if step < self.warmup_steps:
            return self.learning_rate * (step + 1) / self.warmup_steps
        done = min((step - self.warmup_steps) / max(self.total_steps - self.warmup_steps, 1), 1.0)
        factor = {"constant": 1.0, "linear": 1 - done, "cosine": (1 + math.cos(math.pi * done)) / 2}[self.schedule]
        return self.learning_rate * factor


def _at_least(name: str, value: float, least: int) -> None:
    if not value >= least:
        raise ValueError(f"{name}: must be at least {least}, not {value}")


def _checked_names(kind: type, values: Mapping[str, Any], path: str) -> Mapping[str, Any]:
    names = {field.name for field in dataclasses.fields(kind)}
    unknown = sorted(set(values) - names)
    if unknown:
        raise ValueError(f"{path}{unknown[0]}: unknown setting; there are: {', '.join(sorted(names))}")
    return values
