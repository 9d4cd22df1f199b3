"""Lookup: what no head can know, and a search over the passages that say it.

Qkam lin:   <think>kam lin</think><answer>bun</answer>                                          a guess
            <think><search>kam lin</search> kam lin dum </think><answer>dum</answer>             one search
            … and the same search once or twice more                                             again

Passages are `kam lin dum`, of made-up names. The split is by the pair: no training question has told anything of what a test
question asks.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import combinations
from typing import ClassVar

from grpo_trainer.tasks.marks import OUTPUT, call_marks, call_text, output_text
from grpo_trainer.tasks.task import Problem, Split, Steps, Trace, split_of

NAMES = tuple(one + vowel + other for one in "bdfkls" for vowel in "aiu" for other in "mn")


@dataclass(frozen=True)
class Lookup:
    """head: share of the traces that search nothing, and guess. The others search; `again` of those once or twice more."""

    head: float = 0.7
    again: float = 0.6

    tokens: ClassVar[tuple[str, ...]] = (*NAMES, *call_marks("search"), *OUTPUT)

    def __post_init__(self) -> None:
        if not 0 <= self.head <= 1 or not 0 <= self.again <= 1:
            raise ValueError("head, again: are shares of the traces")

    def problems(self, split: Split) -> Sequence[Problem]:
        return [
            Problem(f"lookup:{pair}", f"Q{pair}:", {"answer": name})
            for pair, name in _facts().items()
            if split_of(pair) == split
        ]

    @property
    def passages(self) -> Sequence[str]:
        """What a search finds."""
        return [f"{pair} {name}" for pair, name in _facts().items()]

    def trace(self, problem: Problem, rng: random.Random) -> Trace:
        pair = problem.prompt.removeprefix("Q").removesuffix(":")
        if rng.random() < self.head:
            return f"<think>{pair}</think><answer>{rng.choice(NAMES)}</answer>"
        name, searches = _facts()[pair], 1 + (rng.randint(1, 2) if rng.random() < self.again else 0)
        turns = [
            {"role": "assistant", "content": call_text("search", pair)},
            {"role": "tool", "content": output_text(f"{pair} {name}")},
        ] * searches
        first = {"role": "assistant", "content": "<think>" + call_text("search", pair)}
        return [first, *turns[1:], {"role": "assistant", "content": f"</think><answer>{name}</answer>"}]

    def steps(self, problem: Problem, completion: str) -> Steps | None:
        return None


@cache
def _facts() -> Mapping[str, str]:
    rng = random.Random("lookup")  # noqa: S311
    pairs = [" ".join(rng.sample(pair, 2)) for pair in combinations(NAMES, 2)]
    return {pair: rng.choice(NAMES) for pair in rng.sample(pairs, len(pairs))}
