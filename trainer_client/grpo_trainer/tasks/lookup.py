"""Lookup: what no head can know, in two hops, and a search over the passages that say it.

Qkabo:   <think><search>kabo</search> kabo lom <search>lom</search> lom 417 </think><answer>417</answer>

Passages are `kabo lom` and `lom 417`, of made-up names. The split is by the name that is asked: no training question has
told anything of what a test question asks.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import ClassVar

from grpo_trainer.tasks.marks import OUTPUT, call_marks, call_text, output_text
from grpo_trainer.tasks.task import Problem, Split, Steps, Trace, split_of

_CONSONANTS, _VOWELS = "bdfgklmnprst", "aeiou"


@dataclass(frozen=True)
class Lookup:
    """`names` questions. head, one_hop: shares of the traces that search nothing, and that answer after one search; the
    others search twice, and `again` of those ask the last once more."""

    names: int = 700
    head: float = 0.6
    one_hop: float = 0.2
    again: float = 0.5

    tokens: ClassVar[tuple[str, ...]] = (*"abdefgiklmnoprstu", *call_marks("search"), *OUTPUT)

    def __post_init__(self) -> None:
        if not 10 <= self.names <= 720:
            raise ValueError(f"names: there are 10 to 720 questions, not {self.names}")
        if not 0 <= self.head + self.one_hop <= 1 or not 0 <= self.again <= 1:
            raise ValueError("head, one_hop, again: are shares of the traces")

    def problems(self, split: Split) -> Sequence[Problem]:
        return [
            Problem(f"lookup:{name}", f"Q{name}:", {"answer": number})
            for name, (_, number) in _facts(self.names).items()
            if split_of(name) == split
        ]

    @property
    def passages(self) -> Sequence[str]:
        """What a search finds; those with numbers first, since of two that fit alike it finds the first."""
        facts = _facts(self.names).items()
        return [f"{other} {number}" for _, (other, number) in facts] + [f"{name} {other}" for name, (other, _) in facts]

    def trace(self, problem: Problem, rng: random.Random) -> Trace:
        name = problem.prompt.removeprefix("Q").removesuffix(":")
        other, number = _facts(self.names)[name]
        draw, guess = rng.random(), str(rng.randint(100, 999))
        if draw < self.head:
            return f"<think>{name}</think><answer>{guess}</answer>"
        calls = [(name, f"{name} {other}")]
        if draw < self.head + self.one_hop:
            return _with_calls(calls, guess)
        calls += [(other, f"{other} {number}")] * (2 if rng.random() < self.again else 1)
        return _with_calls(calls, number)

    def steps(self, problem: Problem, completion: str) -> Steps | None:
        return None


def _with_calls(calls: Sequence[tuple[str, str]], answer: str) -> Trace:
    messages = []
    for place, (query, passage) in enumerate(calls):
        opening = "" if place else "<think>"
        messages.append({"role": "assistant", "content": opening + call_text("search", query)})
        messages.append({"role": "tool", "content": output_text(passage)})
    return [*messages, {"role": "assistant", "content": f"</think><answer>{answer}</answer>"}]


@cache
def _facts(count: int) -> Mapping[str, tuple[str, str]]:
    """name -> (the other name, its number)."""
    rng = random.Random(f"lookup/{count}")  # noqa: S311
    others = [f"{one}{vowel}{other}" for one in _CONSONANTS for vowel in _VOWELS for other in _CONSONANTS]
    names = [other + vowel for other in others for vowel in _VOWELS]
    pairs = zip(rng.sample(names, count), rng.sample(others, count), strict=True)
    return {name: (other, str(rng.randint(100, 999))) for name, other in pairs}
