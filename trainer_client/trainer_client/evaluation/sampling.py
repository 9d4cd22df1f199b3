"""A policy's attempts at problems: sampled by an engine, judged by the gateway."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from trainer_client.client import RewardClient, ScoredGroup
from trainer_client.evaluation.summary import Attempt, Attempts
from trainer_client.rollout import Completion, Engine, Sampling
from trainer_client.tasks.task import Problem, Task

_CONNECTIONS = 8
BLOCK = 64
"""Problems that are sampled together."""


@dataclass(frozen=True)
class Answered:
    """A problem with the texts of all attempts at it, and their verdicts, in the same order."""

    problem: Problem
    texts: list[str]
    completions: list[Completion]
    scored: ScoredGroup


@dataclass(frozen=True)
class Judge:
    """Where answers are judged: a domain of the gateway. `accuracy` is its component that says what is right (score >= 1)."""

    client: RewardClient
    domain: str
    accuracy: str = "answer"


def answered(
    engine: Engine,
    tokenizer: Any,
    judge: Judge,
    problems: Sequence[Problem],
    samples: int,
    sampling: Sampling,
    first: int = 0,
) -> Iterator[Answered]:
    """`samples` attempts at each problem, in order, from number `first` on: a multiple of BLOCK draws what a whole run does."""
    with ThreadPoolExecutor(_CONNECTIONS, thread_name_prefix="judge") as pool:
        for start in range(first, len(problems), BLOCK):
            part = problems[start : start + BLOCK]
            groups = _sampled(engine, tokenizer, part, samples, _seeded(sampling, start))
            yield from pool.map(lambda pair: _judged(judge, tokenizer, *pair), zip(part, groups, strict=True))


def attempts(found: Answered, judge: Judge, task: Task) -> Attempts:
    """What a summary is made of."""
    accuracy = found.scored.components.get(judge.accuracy, [None] * len(found.texts))
    evidence = found.scored.evidence
    rows = [
        Attempt(
            right=None if accuracy[index] is None or found.scored.rewards[index] is None else accuracy[index] >= 1.0,
            canonical=_evidence(evidence, judge.accuracy, index).get("canonical"),
            tokens=len(completion.ids),
            truncated=completion.truncated,
            components={name: scores[index] for name, scores in found.scored.components.items()},
            words=_words(evidence, index),
            counts=_counts(task, found.problem, text),
        )
        for index, (text, completion) in enumerate(zip(found.texts, found.completions, strict=True))
    ]
    return Attempts(found.problem.id, found.problem.level, rows)


def _sampled(
    engine: Engine, tokenizer: Any, problems: Sequence[Problem], samples: int, sampling: Sampling
) -> list[list[Completion]]:
    rows = [tokenizer.encode(problem.prompt, add_special_tokens=False) for problem in problems for _ in range(samples)]
    groups: list[list[Completion]] = [[] for _ in problems]
    for completion in sorted(engine.generate(rows, sampling), key=lambda one: one.row):
        groups[completion.row // samples].append(completion)
    return groups


def _judged(judge: Judge, tokenizer: Any, problem: Problem, completions: list[Completion]) -> Answered:
    texts = [text_of(tokenizer, completion) for completion in completions]
    scored = judge.client.score(
        judge.domain,
        texts,
        reference=problem.reference,
        prompt=problem.prompt,
        tokens=[len(one.ids) for one in completions],
        truncated=[one.truncated for one in completions],
    )
    return Answered(problem, texts, completions, scored)


def text_of(tokenizer: Any, completion: Completion) -> str:
    """Without the end token, but with other special tokens: tags may be some."""
    ids = completion.ids if completion.truncated else completion.ids[:-1]
    text: str = tokenizer.decode(ids, skip_special_tokens=False, clean_up_tokenization_spaces=False)
    return text


def _seeded(sampling: Sampling, place: int) -> Sampling:
    return Sampling(sampling.max_tokens, sampling.temperature, sampling.top_p, sampling.seed * 1_000_003 + place)


def _counts(task: Task, problem: Problem, text: str) -> dict[str, int]:
    steps = task.steps(problem, text)
    return vars(steps) if steps else {}


def _evidence(evidence: dict[str, list[dict[str, Any]]], name: str, index: int) -> dict[str, Any]:
    return evidence[name][index] if name in evidence else {}


def _words(evidence: dict[str, list[dict[str, Any]]], index: int) -> int | None:
    counts = _evidence(evidence, "reflection", index).get("counts")
    return None if counts is None else sum(counts.values())
