"""What every stage of a run works with: the recipe, its folder, the gateway, and the model at hand."""

from __future__ import annotations

import os
import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from transformers import PreTrainedModel

from grpo_trainer.evaluation.attempts import Judge, judged_attempts, problem_attempts
from grpo_trainer.evaluation.summary import Summary, summarise
from grpo_trainer.recipe import Recipe, Source
from grpo_trainer.rollout import GenerationEngine, Sampling
from grpo_trainer.rollout.calculator import Calculator
from grpo_trainer.rollout.call_format import CallFormat
from grpo_trainer.rollout.end_tokens import end_tokens
from grpo_trainer.rollout.export import save
from grpo_trainer.rollout.prompt_template import PromptTemplate
from grpo_trainer.rollout.search import Search
from grpo_trainer.rollout.tools import Tools, ToolService
from grpo_trainer.rollout.transformers_engine import TransformersEngine
from grpo_trainer.rollout.turns import Turns
from grpo_trainer.rollout.vllm_engine import VLLMEngine
from grpo_trainer.rollout.weights import plain_copy
from grpo_trainer.stages.policies import load_policy, with_adapters
from grpo_trainer.tasks import Problem, Split, Task
from trainer_client.client import RewardClient


@dataclass
class RunContext:
    """policy, tokenizer: what the last stage left, and the next goes on with. run: the run's name, which the gateway sees.

    All randomness is drawn from `seed`. gateway_reads_sessions: it reads what a tools service noted of an episode.
    """

    recipe: Recipe
    folder: Path
    client: RewardClient
    seed: int
    run: str
    policy: PreTrainedModel
    tokenizer: Any
    gateway_reads_sessions: bool = False
    shared_engine: GenerationEngine | None = field(default=None, repr=False)

    @property
    def dtype(self) -> torch.dtype:
        """Of the forward pass and of generation."""
        dtype: torch.dtype = getattr(torch, self.recipe.model.dtype)
        return dtype

    @property
    def template(self) -> PromptTemplate:
        return PromptTemplate(self.recipe.model.template, self.tokenizer)

    def sources(self, names: Sequence[str]) -> dict[str, tuple[Source, Task]]:
        """Those of the recipe that are named; all when none is."""
        chosen = names or list(self.recipe.sources)
        return {name: (self.recipe.sources[name], self.recipe.sources[name].make()) for name in chosen}

    @property
    def sends_sessions(self) -> bool:
        return self.gateway_reads_sessions and self.recipe.tools is not None and self.recipe.tools.kind == "service"

    @cached_property
    def tools(self) -> Tools | None:
        """Of the whole run. Raises ValueError when a service does not answer."""
        settings = self.recipe.tools
        if settings is None:
            return None
        if settings.kind == "calculator":
            return Calculator()
        if settings.kind == "search":
            return Search(self.recipe.passages)
        return ToolService(settings.url or "", key=os.environ.get("TOUCHSTONE_TOOLS_KEY"), timeout_s=settings.call_s)

    def engine(self, *, copy_weights: bool = False) -> GenerationEngine:
        """An engine with the policy's weights, and the recipe's tools where it has some."""
        engine, settings = self._bare_engine(copy_weights), self.recipe.tools
        if settings is None or self.tools is None:
            return engine
        written = CallFormat(self.tokenizer, self.tools.schemas, settings.calls, settings.max_output_tokens)
        return Turns(engine, self.tools, settings.max_turns, written, call_s=settings.call_s)

    def _bare_engine(self, copy_weights: bool) -> GenerationEngine:
        """There is one vLLM in a run, shared by all: it takes minutes to start."""
        self.policy.eval()
        settings, ends = self.recipe.engine, end_tokens(self.policy, self.tokenizer)
        if settings.kind == "transformers":
            return TransformersEngine(
                self.policy, ends, batch=settings.rows, copy_weights=copy_weights, dtype=self.dtype
            )
        if self.shared_engine is None:
            length = settings.max_length or self.policy.config.max_position_embeddings
            self.shared_engine = VLLMEngine(self.policy, ends, max_tokens=length, dtype=self.dtype, **settings.options)
        else:
            self.shared_engine.sync(self.policy)
        return self.shared_engine

    def evaluate(self, source: str, split: Split, problems: int, samples: int) -> Summary:
        """Attempts at some problems of the split, the same ones whatever the seed. Raises ValueError, with the cause, when
        there is not one verdict."""
        settings, (origin, task) = self.recipe.evaluation, self.sources([source])[source]
        judge = Judge(self.client, origin.domain, origin.accuracy, self.sends_sessions)
        sampling = Sampling(settings.max_tokens, settings.temperature, settings.top_p, self.seed)
        chosen = draw_problems(task.problems(split), problems, f"{source}/{split}")
        engine = self.engine()
        judged = list(judged_attempts(engine, self.tokenizer, self.template, judge, chosen, samples, sampling))
        engine.release()
        failures = [failure for one in judged for failure in one.scored.failures]
        if (first := failures[0]) and all(failures):
            raise ValueError(f"{source}: no attempt has a verdict; the first: {first['kind']}: {first['message']}")
        return summarise([problem_attempts(one, judge, task) for one in judged])

    def adapt(self) -> None:
        """Before a stage that trains: the policy gets its adapters, where the recipe wants some."""
        if self.recipe.model.lora is not None:
            self.policy = with_adapters(self.policy, self.recipe.model.lora, self.dtype, self.seed)

    def save(self, folder: Path) -> None:
        """After a stage that trains; adapters are merged."""
        self.policy = plain_copy(self.policy)
        save(self.policy, folder)
        self.tokenizer.save_pretrained(folder)

    def load(self, folder: Path) -> None:
        self.policy, self.tokenizer = load_policy(str(folder))


def draw_problems(problems: Sequence[Problem], count: int, salt: str) -> list[Problem]:
    """`count` of them, drawn by the salt; all when there are no more. Raises ValueError when there is none."""
    if not problems:
        raise ValueError(f"{salt}: there are no problems")
    return random.Random(salt).sample(problems, min(count, len(problems)))  # noqa: S311


def token_weights(tokenizer: Any, emphasis: Mapping[str, float]) -> dict[int, float]:
    """By token id, the weight of the first pattern that matches its whole text."""
    patterns = [(re.compile(pattern), weight) for pattern, weight in emphasis.items()]
    weights: dict[int, float] = {}
    for token in range(len(tokenizer)) if patterns else ():
        text = tokenizer.decode([token])
        if weight := next((weight for pattern, weight in patterns if pattern.fullmatch(text)), None):
            weights[token] = weight
    return weights
