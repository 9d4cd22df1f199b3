"""A policy's attempts at problems: sampled by an engine, judged by the gateway."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from grpo_trainer.evaluation.summary import Attempt, ProblemAttempts
from grpo_trainer.rollout import Completion, GenerationEngine, Sampling
from grpo_trainer.rollout.prompt_template import PromptTemplate
from grpo_trainer.tasks.task import Problem, Task
from trainer_client.client import RewardClient
from trainer_client.results import ScoredGroup
from trainer_client.wire import RolloutGroup

BLOCK = 64
"""Problems that are sampled together."""


@dataclass(frozen=True)
class JudgedAttempts:
    """A problem with the texts of all attempts at it, and their verdicts, in the same order."""

    problem: Problem
    texts: list[str]
    completions: list[Completion]
    scored: ScoredGroup


@dataclass(frozen=True)
class Judge:
    """A domain of the gateway; `accuracy` is its component that says what is right (by a score of 1)."""

    client: RewardClient
    domain: str
    accuracy: str = "answer"


def judged_attempts(
    engine: GenerationEngine,
    tokenizer: Any,
    template: PromptTemplate,
    judge: Judge,
    problems: Sequence[Problem],
    samples: int,
    sampling: Sampling,
    first: int = 0,
) -> Iterator[JudgedAttempts]:
    """`samples` attempts at each problem, from number `first` on: from a multiple of BLOCK, what a whole run would draw."""
    for start in range(first, len(problems), BLOCK):
        part = problems[start : start + BLOCK]
        completions = _sampled(engine, tokenizer, template, part, samples, _seeded(sampling, start))
        texts = [[text_of(tokenizer, completion) for completion in group] for group in completions]
        groups = [_group(judge, template, *one) for one in zip(part, texts, completions, strict=True)]
        scored = judge.client.score_many(groups)
        yield from (JudgedAttempts(*one) for one in zip(part, texts, completions, scored, strict=True))


def problem_attempts(judged: JudgedAttempts, judge: Judge, task: Task) -> ProblemAttempts:
    """The input of a summary."""
    rows = [
        _attempt(judged, judge, task, index, text, completion)
        for index, (text, completion) in enumerate(zip(judged.texts, judged.completions, strict=True))
    ]
    return ProblemAttempts(judged.problem.id, judged.problem.level, rows)


def _attempt(
    judged: JudgedAttempts, judge: Judge, task: Task, index: int, text: str, completion: Completion
) -> Attempt:
    scored = judged.scored[index]
    components = scored.components
    accuracy, steps = components.get(judge.accuracy), task.steps(judged.problem, text)
    return Attempt(
        right=None if accuracy is None or scored.reward is None else accuracy >= 1.0,
        canonical=scored.canonical,
        tokens=len(completion.ids),
        truncated=completion.truncated,
        components=components,
        counts=vars(steps) if steps else {},
    )


def _sampled(
    engine: GenerationEngine,
    tokenizer: Any,
    template: PromptTemplate,
    problems: Sequence[Problem],
    samples: int,
    sampling: Sampling,
) -> list[list[Completion]]:
    prompts = [template.render(problem.prompt) for problem in problems]
    rows = [tokenizer.encode(prompt, add_special_tokens=False) for prompt in prompts for _ in range(samples)]
    groups: list[list[Completion]] = [[] for _ in problems]
    for completion in sorted(engine.generate(rows, sampling), key=lambda one: one.row):
        groups[completion.row // samples].append(completion)
    return groups


def _group(
    judge: Judge, template: PromptTemplate, problem: Problem, texts: list[str], completions: list[Completion]
) -> RolloutGroup:
    return RolloutGroup(
        judge.domain,
        texts,
        problem.reference,
        prompt=problem.prompt,
        prefix=template.prefix(problem.prompt),
        tokens=[len(one.ids) for one in completions],
        truncated=[one.truncated for one in completions],
    )


def text_of(tokenizer: Any, completion: Completion) -> str:
    """Without the end token, but with other special tokens: tags may be some."""
    ids = completion.ids if completion.truncated else completion.ids[:-1]
    text: str = tokenizer.decode(ids, skip_special_tokens=False, clean_up_tokenization_spaces=False)
    return text


def _seeded(sampling: Sampling, place: int) -> Sampling:
    return Sampling(sampling.max_tokens, sampling.temperature, sampling.top_p, sampling.seed * 1_000_003 + place)
