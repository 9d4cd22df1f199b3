"""What every stage of a run works with: the recipe, its folder, the gateway, and the model at hand."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel

from grpo_trainer import tiny
from grpo_trainer.evaluation.attempts import Judge, judged_attempts, problem_attempts
from grpo_trainer.evaluation.summary import Summary, summarise
from grpo_trainer.recipe import Model, Recipe, Source
from grpo_trainer.rollout import Sampling
from grpo_trainer.rollout.transformers_engine import TransformersEngine
from grpo_trainer.tasks import Problem, Split, Task
from trainer_client.client import RewardClient


@dataclass
class RunContext:
    """policy, tokenizer: what the last stage left, and the next goes on with. All randomness is drawn from `seed`."""

    recipe: Recipe
    folder: Path
    client: RewardClient
    seed: int
    policy: PreTrainedModel
    tokenizer: Any

    def sources(self, names: Sequence[str]) -> dict[str, tuple[Source, Task]]:
        """Those of the recipe that are named; all when none is."""
        chosen = names or list(self.recipe.sources)
        return {name: (self.recipe.sources[name], self.recipe.sources[name].make()) for name in chosen}

    def engine(self) -> TransformersEngine:
        self.policy.eval()
        return TransformersEngine(self.policy, [self.tokenizer.eos_token_id])

    def evaluate(self, source: str, split: Split, problems: int, samples: int) -> Summary:
        """Attempts at some problems of the split, the same ones whatever the seed. Raises ValueError, with the cause, when
        there is not one verdict."""
        settings, (origin, task) = self.recipe.evaluation, self.sources([source])[source]
        judge = Judge(self.client, origin.domain, origin.accuracy)
        sampling = Sampling(settings.max_tokens, settings.temperature, settings.top_p, self.seed)
        chosen = draw_problems(task.problems(split), problems, f"{source}/{split}")
        judged = list(judged_attempts(self.engine(), self.tokenizer, judge, chosen, samples, sampling))
        failures = [failure for one in judged for failure in one.scored.failures]
        if (first := failures[0]) and all(failures):
            raise ValueError(f"{source}: no attempt has a verdict; the first: {first['kind']}: {first['message']}")
        return summarise([problem_attempts(one, judge, task) for one in judged])

    def save(self, folder: Path) -> None:
        self.policy.save_pretrained(folder)
        self.tokenizer.save_pretrained(folder)

    def load(self, folder: Path) -> None:
        self.policy, self.tokenizer = load_policy(str(folder), self.recipe.model.dtype)


def draw_problems(problems: Sequence[Problem], count: int, salt: str) -> list[Problem]:
    """`count` of them, drawn by the salt; all when there are no more. Raises ValueError when there is none."""
    if not problems:
        raise ValueError(f"{salt}: there are no problems")
    return random.Random(salt).sample(problems, min(count, len(problems)))  # noqa: S311


def initial_policy(model: Model, seed: int) -> tuple[PreTrainedModel, Any]:
    """(model, tokenizer) that a run begins with."""
    if model.path is not None:
        return load_policy(model.path, model.dtype)
    return _on_device(tiny.decoder(model.layers, model.width, model.heads, seed)), tiny.tokenizer()


def load_policy(path: str, dtype: str) -> tuple[PreTrainedModel, Any]:
    """Raises OSError when there is no such model."""
    model = AutoModelForCausalLM.from_pretrained(path, dtype=getattr(torch, dtype))
    return _on_device(model), AutoTokenizer.from_pretrained(path)


def _on_device(model: PreTrainedModel) -> PreTrainedModel:
    return model.to("cuda") if torch.cuda.is_available() else model  # type: ignore[arg-type]


def token_weights(tokenizer: Any, emphasis: Mapping[str, float]) -> dict[int, float]:
    """By token id, the weight of the first pattern that matches its whole text."""
    patterns = [(re.compile(pattern), weight) for pattern, weight in emphasis.items()]
    weights: dict[int, float] = {}
    for token in range(len(tokenizer)) if patterns else ():
        text = tokenizer.decode([token])
        if weight := next((weight for pattern, weight in patterns if pattern.fullmatch(text)), None):
            weights[token] = weight
    return weights
