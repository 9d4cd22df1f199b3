"""Sums: work out a chain of additions and subtractions. The second domain of the pipeline.

S5+5-3:   <think>5+5=10-3=7</think><answer>7</answer>
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import ClassVar

from grpo_trainer.tasks.task import Problem, Split, Steps, split_of

_SUM = re.compile(r"([+-]\d)=(-?\d{1,3})")


@dataclass(frozen=True)
class Sums:
    """`numbers` of 1 to 9. A trace slips in a result with chance `slip`, and breaks the format with chance `broken`."""

    numbers: int = 3
    slip: float = 0.3
    broken: float = 0.25

    tokens: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        if not 2 <= self.numbers <= 5:
            raise ValueError(f"numbers: a sum has 2 to 5 numbers, not {self.numbers}")

    def problems(self, split: Split) -> Sequence[Problem]:
        return _sums(self.numbers, split)

    def trace(self, problem: Problem, rng: random.Random) -> str:
        terms = _terms(problem.prompt)
        total, text = terms[0], str(terms[0])
        for term in terms[1:]:
            total += term + (rng.choice((-1, 1)) if rng.random() < self.slip / len(terms) else 0)
            text += f"{term:+d}={total}"
        closing = "" if rng.random() < self.broken else "</answer>"
        return f"<think>{text}</think><answer>{total}{closing}"

    def steps(self, problem: Problem, completion: str) -> Steps:
        total, valid, tries = _terms(problem.prompt)[0], 0, 0
        for term, result in _SUM.findall(completion):
            tries += 1
            valid += total + int(term) == int(result)
            total = int(result)
        return Steps(tries, valid, valid)


@cache
def _sums(count: int, split: Split) -> tuple[Problem, ...]:
    return tuple(
        _problem(numbers, signs)
        for numbers in product(range(1, 10), repeat=count)
        if split_of(numbers) == split
        for signs in product("+-", repeat=count - 1)
    )


def _problem(numbers: Sequence[int], signs: Sequence[str]) -> Problem:
    text = str(numbers[0]) + "".join(f"{sign}{number}" for sign, number in zip(signs, numbers[1:], strict=True))
    reference = {"answer": str(sum(_terms(text)))}
    return Problem(f"sums:{text}", f"S{text}:", reference, signs.count("-"))


def _terms(text: str) -> list[int]:
    return [int(term) for term in re.findall(r"[+-]?\d", text)]
