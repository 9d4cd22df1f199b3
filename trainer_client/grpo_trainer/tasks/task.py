"""What a task is: problems with exact references, and the traces that a cold start imitates.

    Task ── problems(split) ──▶ Problem ── prompt ──▶ model        Problem ── reference ──▶ gateway
         └─ trace(problem, rng) ──▶ a completion to run_sft_stage

A task never judges: the gateway does. What it may count about a completion (`steps`) is for the log alone.
"""

from __future__ import annotations

import random
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Literal, Protocol

Split = Literal["train", "dev", "test"]
Trace = str | Sequence[Mapping[str, str]]
"""A text, or chat messages of the roles `assistant` and `tool` where a tool wrote some of it."""
TEST_SHARE, DEV_SHARE = 0.15, 0.10


@dataclass(frozen=True)
class Problem:
    """One question. `level` is its difficulty, from 0 on; `reference` is what the domain's verifiers ask for."""

    id: str
    prompt: str
    reference: Mapping[str, Any]
    level: int = 0


@dataclass(frozen=True)
class Steps:
    """The tries of one chain of thought: how many there are, have only right sums, and have a true verdict."""

    tries: int
    valid: int
    true: int


class Task(Protocol):
    """tokens: what its texts need of the tiny tokenizer beyond what every task has there."""

    @property
    def tokens(self) -> tuple[str, ...]: ...

    def problems(self, split: Split) -> Sequence[Problem]:
        """All problems of the split, in a fixed order."""

    def trace(self, problem: Problem, rng: random.Random) -> Trace:
        """A completion for the cold start; not always right, and not always well-formed."""

    def steps(self, problem: Problem, completion: str) -> Steps | None:
        """What can be counted in a chain of thought of this task, for the log; None where nothing can."""


def split_of(key: Hashable) -> Split:
    """The split of whatever must not be in two: the same in every run and on every machine."""
    draw = int.from_bytes(blake2b(repr(key).encode(), digest_size=8).digest(), "big") / 2**64
    if draw < TEST_SHARE:
        return "test"
    return "dev" if draw < TEST_SHARE + DEV_SHARE else "train"
