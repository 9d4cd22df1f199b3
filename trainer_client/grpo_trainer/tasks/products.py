"""Products: a*b+c with numbers too large to work out in one's head, and a calculator at hand.

Q17*23+45:   <think>17*23+45=436</think><answer>436</answer>                                         in the head
             <think><calculate>17*23+45</calculate> 436 </think><answer>436</answer>                  one call
             <think><calculate>17*23</calculate> 391 <calculate>391+45</calculate> 436 …              step by step
             … and once more, with the whole expression                                               checked

A cold start imitates all four, the first most. Which of them pays is for the rewards to show. The split is by the factors.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import ClassVar

from grpo_trainer.tasks.marks import OUTPUT, call_marks, call_text, output_text
from grpo_trainer.tasks.task import Problem, Split, Steps, Trace, split_of

_CALL = re.compile(r"<calculate>([^<>]{1,40})</calculate>")


@dataclass(frozen=True)
class Products:
    """Factors of `smallest` to `largest`, and a term of as many digits; `problems_drawn` in all, the same in every run.

    head, steps, checked: shares of the traces that call no tool, that go step by step, and that check the result after it;
    the others make one call.
    """

    smallest: int = 11
    largest: int = 99
    problems_drawn: int = 4000
    head: float = 0.7
    steps_share: float = 0.12
    checked: float = 0.12

    tokens: ClassVar[tuple[str, ...]] = ("*", *call_marks("calculate"), *OUTPUT)

    def __post_init__(self) -> None:
        if not 2 <= self.smallest < self.largest <= 999:
            raise ValueError(f"smallest, largest: factors are 2 to 999, not {self.smallest} to {self.largest}")
        if not 0 <= self.head + self.steps_share + self.checked <= 1:
            raise ValueError("head, steps_share, checked: are shares of the traces, together at most 1")

    def problems(self, split: Split) -> Sequence[Problem]:
        return [problem for drawn, problem in _drawn(self) if drawn == split]

    def trace(self, problem: Problem, rng: random.Random) -> Trace:
        expression = _expression(problem)
        result, draw = _result(expression), rng.random()
        if draw < self.head:
            return f"<think>{expression}={result}</think><answer>{result}</answer>"
        calls = [expression]
        if draw < self.head + self.steps_share + self.checked:
            product, _, term = expression.partition("+")
            calls = [product, f"{_result(product)}+{term}"]
        if self.head + self.steps_share <= draw < self.head + self.steps_share + self.checked:
            calls.append(expression)
        return _with_calls(calls, result)

    def steps(self, problem: Problem, completion: str) -> Steps:
        """tries: calls. valid: of a form that can help here. true: whose value is the product or the result."""
        expression = _expression(problem)
        values = {_result(expression), _result(expression.partition("+")[0])}
        calls = [call[1] for call in _CALL.finditer(completion)]
        helpful = [call for call in calls if re.fullmatch(r"\d{1,6}\*\d{1,6}(\+\d{1,6})?|\d{1,6}\+\d{1,6}", call)]
        return Steps(len(calls), len(helpful), sum(_result(call) in values for call in helpful))


def _with_calls(calls: Sequence[str], result: int) -> Trace:
    messages = []
    for place, call in enumerate(calls):
        opening = "" if place else "<think>"
        messages.append({"role": "assistant", "content": opening + call_text("calculate", call)})
        messages.append({"role": "tool", "content": output_text(str(_result(call)))})
    return [*messages, {"role": "assistant", "content": f"</think><answer>{result}</answer>"}]


@cache
def _drawn(task: Products) -> tuple[tuple[Split, Problem], ...]:
    rng, problems = random.Random(f"products/{task.smallest}/{task.largest}"), {}  # noqa: S311
    for _ in range(task.problems_drawn):
        one, other, term = (rng.randint(task.smallest, task.largest) for _ in range(3))
        text = f"{one}*{other}+{term}"
        reference = {"answer": str(one * other + term)}
        problems[text] = (split_of((one, other)), Problem(f"products:{text}", f"Q{text}:", reference))
    return tuple(problems.values())


def _expression(problem: Problem) -> str:
    return problem.prompt.removeprefix("Q").removesuffix(":")


def _result(expression: str) -> int:
    product, _, term = expression.partition("+")
    one, _, other = product.partition("*")
    return int(one) * int(other or 1) + int(term or 0)
