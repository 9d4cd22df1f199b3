"""Attempts of many problems as one table."""

from __future__ import annotations

import statistics
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from grpo_trainer.evaluation.estimators import consensus, pass_at_k, standard_error


@dataclass(frozen=True)
class Attempt:
    """One completion with its verdict. right: None when the gateway gave none; canonical: None without an answer.

    tokens: the policy's own, with the end token. components: the gateway's scores; `reflection` counts reflective words.
    counts: the task's, and the calls of tools.
    """

    right: bool | None
    canonical: str | None
    tokens: int
    truncated: bool
    components: Mapping[str, float | None] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class ProblemAttempts:
    """All attempts at one problem."""

    id: str
    level: int
    attempts: Sequence[Attempt]

    @property
    def judged(self) -> list[Attempt]:
        return [attempt for attempt in self.attempts if attempt.right is not None]


@dataclass(frozen=True)
class Row:
    """Means over problems; problems without a verdict are left out.

    pass_at_k: by k, over the problems with at least k verdicts. tokens_right, tokens_wrong: None without such attempts.
    """

    problems: int
    pass_at_1: float
    pass_at_1_se: float | None
    pass_at_k: dict[int, float]
    cons_at_k: float
    tokens: float
    tokens_right: float | None
    tokens_wrong: float | None


@dataclass(frozen=True)
class Summary:
    """k: attempts a problem. unjudged: attempts without a verdict, which count nowhere; unknown: problems with nothing else.

    by_level: difficulty -> Row. components, counts: means an answer.
    """

    k: int
    all: Row
    by_level: dict[int, Row]
    unjudged: int
    unknown: int
    truncated: float
    components: dict[str, float]
    counts: dict[str, float]

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def summarise(problems: Sequence[ProblemAttempts]) -> Summary:
    """Raises ValueError when there is not one verdict: no figure can be computed."""
    judged = [problem for problem in problems if problem.judged]
    if not judged:
        raise ValueError("no attempt has a verdict; see the gateway's failures")
    levels: defaultdict[int, list[ProblemAttempts]] = defaultdict(list)
    for problem in judged:
        levels[problem.level].append(problem)
    attempts = [attempt for problem in judged for attempt in problem.judged]
    return Summary(
        k=max(len(problem.attempts) for problem in problems),
        all=_row(judged),
        by_level={level: _row(levels[level]) for level in sorted(levels)},
        unjudged=sum(len(problem.attempts) - len(problem.judged) for problem in problems),
        unknown=len(problems) - len(judged),
        truncated=statistics.fmean(attempt.truncated for attempt in attempts),
        components=_components(attempts),
        counts=_counts(attempts),
    )


def _row(problems: Sequence[ProblemAttempts]) -> Row:
    rates = [statistics.fmean(bool(attempt.right) for attempt in problem.judged) for problem in problems]
    attempts = [attempt for problem in problems for attempt in problem.judged]
    return Row(
        problems=len(problems),
        pass_at_1=statistics.fmean(rates),
        pass_at_1_se=standard_error(rates),
        pass_at_k=_pass_at_powers(problems),
        cons_at_k=statistics.fmean(
            consensus([(one.canonical, bool(one.right)) for one in problem.judged]) for problem in problems
        ),
        tokens=statistics.fmean(attempt.tokens for attempt in attempts),
        tokens_right=_mean([attempt.tokens for attempt in attempts if attempt.right]),
        tokens_wrong=_mean([attempt.tokens for attempt in attempts if not attempt.right]),
    )


def _pass_at_powers(problems: Sequence[ProblemAttempts]) -> dict[int, float]:
    estimates: dict[int, float] = {}
    k = 1
    while enough := [problem.judged for problem in problems if len(problem.judged) >= k]:
        estimates[k] = statistics.fmean(
            pass_at_k(len(attempts), sum(bool(one.right) for one in attempts), k) for attempts in enough
        )
        k *= 2
    return estimates


def _components(attempts: Sequence[Attempt]) -> dict[str, float]:
    scores: defaultdict[str, list[float]] = defaultdict(list)
    for attempt in attempts:
        for name, score in attempt.components.items():
            if score is not None:
                scores[name].append(score)
    return {name: statistics.fmean(values) for name, values in scores.items()}


def _counts(attempts: Sequence[Attempt]) -> dict[str, float]:
    """Each count an answer."""
    total: Counter[str] = Counter()
    for attempt in attempts:
        total.update(attempt.counts)
    return {name: count / len(attempts) for name, count in total.items()}


def _mean(values: Sequence[float]) -> float | None:
    return statistics.fmean(values) if values else None
