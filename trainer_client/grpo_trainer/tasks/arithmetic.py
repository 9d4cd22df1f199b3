"""Arithmetic for a language model that can read: a chain of additions and subtractions, in plain text.

No result on the way is below 0. A small model never writes a negative number by itself, and what is never tried earns
nothing.

17 + 5 - 8   →   <think>17 + 5 = 22, 22 - 8 = 14</think><answer>14</answer>

Signs stand between spaces: SmolLM2-135M works out 17 + 5 about twice as often as 17+5.
What the model is told about the format is the recipe's template. The split is by the numbers: no held-out problem differs
from a trained one by its signs only.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from typing import ClassVar

from grpo_trainer.tasks.task import Problem, Split, Steps, split_of

_STEP = re.compile(r"(-?\d{1,4})([+-])(\d{1,4})=(-?\d{1,5})")


@dataclass(frozen=True)
class Arithmetic:
    """`terms` numbers of 1 to `largest`.

    `problems_drawn` are drawn, the same in every run. Those with a result below 0 are left out.
    """

    terms: int = 3
    largest: int = 20
    problems_drawn: int = 4000

    tokens: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        if not 2 <= self.terms <= 6:
            raise ValueError(f"terms: a problem has 2 to 6 numbers, not {self.terms}")
        if not 1 <= self.largest <= 999:
            raise ValueError(f"largest: numbers are 1 to 999, not {self.largest}")

    def problems(self, split: Split) -> Sequence[Problem]:
        return [problem for drawn, problem in _drawn(self) if drawn == split]

    def trace(self, problem: Problem, rng: random.Random) -> str:
        first, *rest = _terms(problem.prompt)
        total, steps = first, []
        for term in rest:
            steps.append(f"{total} {'+' if term > 0 else '-'} {abs(term)} = {total + term}")
            total += term
        return f"<think>{', '.join(steps)}</think><answer>{total}</answer>"

    def steps(self, problem: Problem, completion: str) -> Steps:
        """valid: the sum is right. true: it also goes on from the result before, from the problem's first number on."""
        total, tries, valid, true = _terms(problem.prompt)[0], 0, 0, 0
        for start, sign, number, result in _STEP.findall(completion.replace(" ", "")):
            holds = int(start) + (int(number) if sign == "+" else -int(number)) == int(result)
            tries, valid, true = tries + 1, valid + holds, true + (holds and int(start) == total)
            total = int(result)
        return Steps(tries, valid, true)


@cache
def _drawn(task: Arithmetic) -> tuple[tuple[Split, Problem], ...]:
    rng, problems = random.Random(f"arithmetic/{task.terms}/{task.largest}"), {}  # noqa: S311
    for _ in range(task.problems_drawn):
        numbers = tuple(rng.randint(1, task.largest) for _ in range(task.terms))
        text = str(numbers[0]) + "".join(f" {rng.choice('+-')} {number}" for number in numbers[1:])
        terms = _terms(text)
        if min(accumulate(terms)) < 0:
            continue
        reference = {"answer": str(sum(terms))}
        problems[text] = (split_of(numbers), Problem(f"arithmetic:{text}", text, reference, text.count("-")))
    return tuple(problems.values())


def _terms(text: str) -> list[int]:
    return [int(term) for term in re.findall(r"[+-]?\d+", text.replace(" ", ""))]
