"""A policy's attempts at problems: sampled by an engine, judged by the gateway."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from grpo_trainer.evaluation.summary import Attempt, ProblemAttempts
from grpo_trainer.rollout import Completion, GenerationEngine, Sampling
from grpo_trainer.rollout.prompt_template import PromptTemplate
from grpo_trainer.rollout.transcript import own_text, transcript
from grpo_trainer.tasks.task import Problem, Task
from trainer_client.client import RewardClient
from trainer_client.results import ScoredGroup, no_verdict
from trainer_client.wire import RolloutGroup, Text

BLOCK = 64
"""Problems that are sampled together."""


@dataclass(frozen=True)
class JudgedAttempts:
    """A problem with all attempts at it as texts (or messages, where tools wrote), and their verdicts, in the same order."""

    problem: Problem
    texts: list[Text]
    completions: list[Completion]
    scored: ScoredGroup


@dataclass(frozen=True)
class Judge:
    """A domain of the gateway; `accuracy` is its component that says what is right (by a score of 1).

    sessions: name the attempts' sessions, for a gateway that reads what the tools noted of them.
    """

    client: RewardClient
    domain: str
    accuracy: str = "answer"
    sessions: bool = False


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
        texts: list[list[Text]] = [[transcript(tokenizer, completion) for completion in group] for group in completions]
        scored = _scored(judge, template, part, texts, completions)
        yield from (JudgedAttempts(*one) for one in zip(part, texts, completions, scored, strict=True))


def _scored(
    judge: Judge,
    template: PromptTemplate,
    problems: Sequence[Problem],
    texts: Sequence[list[Text]],
    completions: Sequence[list[Completion]],
) -> list[ScoredGroup]:
    """By the gateway, but for the attempts that a failure of ours has ended: they are not sent."""
    whole = [[index for index, one in enumerate(group) if one.failure is None] for group in completions]
    groups = [
        _group(judge, template, problem, [some[index] for index in places], [group[index] for index in places])
        for problem, some, group, places in zip(problems, texts, completions, whole, strict=True)
        if places
    ]
    verdicts = (sample for scored in judge.client.score_many(groups) for sample in scored)
    return [
        ScoredGroup(
            no_verdict(one.failure, "its episode failed before it was scored") if one.failure else next(verdicts)
            for one in group
        )
        for group in completions
    ]


def problem_attempts(judged: JudgedAttempts, judge: Judge, task: Task) -> ProblemAttempts:
    """The input of a summary."""
    rows = [
        _attempt(judged, judge, task, index, text, completion)
        for index, (text, completion) in enumerate(zip(judged.texts, judged.completions, strict=True))
    ]
    return ProblemAttempts(judged.problem.id, judged.problem.level, rows)


def _attempt(
    judged: JudgedAttempts, judge: Judge, task: Task, index: int, text: Text, completion: Completion
) -> Attempt:
    scored = judged.scored[index]
    components = scored.components
    accuracy, steps = components.get(judge.accuracy), task.steps(judged.problem, own_text(text))
    unjudged = accuracy is None or scored.reward is None
    return Attempt(
        right=None if unjudged else (accuracy or 0.0) >= 1.0,
        canonical=scored.canonical,
        tokens=completion.length,
        truncated=completion.truncated,
        components=components,
        counts={
            **(vars(steps) if steps else {}),
            **({"calls": len(completion.calls)} if completion.session is not None else {}),
        },
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
    judge: Judge, template: PromptTemplate, problem: Problem, texts: list[Text], completions: list[Completion]
) -> RolloutGroup:
    return RolloutGroup(
        judge.domain,
        texts,
        problem.reference,
        prompt=problem.prompt,
        prefix=template.prefix(problem.prompt),
        tokens=[one.length for one in completions],
        truncated=[one.truncated for one in completions],
        sessions=[one.session or None for one in completions] if judge.sessions else None,
    )


def _seeded(sampling: Sampling, place: int) -> Sampling:
    return Sampling(sampling.max_tokens, sampling.temperature, sampling.top_p, sampling.seed * 1_000_003 + place)
