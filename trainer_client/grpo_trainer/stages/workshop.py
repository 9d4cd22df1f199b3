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
from grpo_trainer.evaluation.sampling import Judge, answered, attempts
from grpo_trainer.evaluation.summary import Summary, summarise
from grpo_trainer.recipe import Model, Recipe, Source
from grpo_trainer.rollout import Sampling
from grpo_trainer.rollout.transformers import TransformersEngine
from grpo_trainer.tasks import Problem, Split, Task
from trainer_client.client import RewardClient


@dataclass
class Workshop:
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
        wanted, (origin, task) = self.recipe.evaluation, self.sources([source])[source]
        judge = Judge(self.client, origin.domain, origin.accuracy)
        sampling = Sampling(wanted.max_tokens, wanted.temperature, wanted.top_p, self.seed)
        chosen = some(task.problems(split), problems, f"{source}/{split}")
        found = list(answered(self.engine(), self.tokenizer, judge, chosen, samples, sampling))
        failures = [failure for one in found for failure in one.scored.failures]
        if (first := failures[0]) and all(failures):
            raise ValueError(f"{source}: no attempt has a verdict; the first: {first['kind']}: {first['message']}")
        return summarise([attempts(one, judge, task) for one in found])

    def save(self, folder: Path) -> None:
        self.policy.save_pretrained(folder)
        self.tokenizer.save_pretrained(folder)

    def load(self, folder: Path) -> None:
        self.policy, self.tokenizer = checkpoint(str(folder), self.recipe.model.dtype)


def some(problems: Sequence[Problem], count: int, salt: str) -> list[Problem]:
    """`count` of them, drawn by the salt; all when there are no more. Raises ValueError when there is none."""
    if not problems:
        raise ValueError(f"{salt}: there are no problems")
    return random.Random(salt).sample(problems, min(count, len(problems)))  # noqa: S311


def start(model: Model, seed: int) -> tuple[PreTrainedModel, Any]:
    """(model, tokenizer) that a run begins with."""
    if model.path is not None:
        return checkpoint(model.path, model.dtype)
    return _placed(tiny.decoder(model.layers, model.width, model.heads, seed)), tiny.tokenizer()


def checkpoint(path: str, dtype: str) -> tuple[PreTrainedModel, Any]:
    """Raises OSError when there is no such model."""
    model = AutoModelForCausalLM.from_pretrained(path, dtype=getattr(torch, dtype))
    return _placed(model), AutoTokenizer.from_pretrained(path)


def _placed(model: PreTrainedModel) -> PreTrainedModel:
    return model.to("cuda") if torch.cuda.is_available() else model  # type: ignore[arg-type]


def token_weights(tokenizer: Any, emphasis: Mapping[str, float]) -> dict[int, float]:
    """By token id, the weight of the first pattern that matches its whole text."""
    patterns = [(re.compile(pattern), weight) for pattern, weight in emphasis.items()]
    found: dict[int, float] = {}
    for token in range(len(tokenizer)) if patterns else ():
        text = tokenizer.decode([token])
        if weight := next((weight for pattern, weight in patterns if pattern.fullmatch(text)), None):
            found[token] = weight
    return found
