"""The signs puzzle: put + or - between numbers, whose order is kept, so that the target comes out.

    Q5,5,3=7:
    <think>try 5-5=0+3=3?=7 wrong
    retry 5+5=10-3=7?=7 right
    </think><answer>5+5-3</answer>

Every answer that is right is among the reference's spellings, so the gateway's verifier `answer` of kind `exact` judges it.
The split is by the numbers: no held-out puzzle differs from a trained one by its target only.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import Literal

from grpo_trainer.tasks.task import Problem, Split, Steps, split_of

Language = Literal["en", "zh"]
Signs_ = tuple[str, ...]
WORDS: dict[Language, dict[str, str]] = {
    "en": {"first": "try ", "again": "retry ", "wrong": " wrong\n", "right": " right\n"},
    "zh": {"first": "试试 ", "again": "重试 ", "wrong": " 错了\n", "right": " 对了\n"},
}
RECHECK: dict[Language, str] = {"en": "check ", "zh": "检查 "}
_TRY = re.compile(r"[^\d\n]{0,8}(\d(?:[+-]\d=-?\d{1,3}){1,8})\?=(-?\d{1,3}) (wrong|right|错了|对了)")
_SUM = re.compile(r"([+-]\d)=(-?\d+)")


@dataclass(frozen=True)
class Signs:
    """`numbers` of 1 to 9 a puzzle.

    A trace is a random search that gives up with chance `give_up` after each miss, and breaks the format with chance
    `broken`. With chance `rechecks` it does a try's sums again, one to three times, which no answer needs. With `mixing`,
    prompts name a language (@en, @zh) and a trace's words are of the other one with that chance.
    """

    numbers: int = 3
    give_up: float = 0.35
    broken: float = 0.25
    mixing: float | None = None
    rechecks: float = 0.0

    @property
    def tokens(self) -> tuple[str, ...]:
        return tuple(RECHECK.values()) if self.rechecks else ()

    def __post_init__(self) -> None:
        if not 2 <= self.numbers <= 5:
            raise ValueError(f"numbers: a puzzle has 2 to 5 numbers, not {self.numbers}")

    def problems(self, split: Split) -> Sequence[Problem]:
        puzzles = _puzzles(self.numbers, split)
        if self.mixing is None:
            return puzzles
        return [_in_language(problem, language) for problem in puzzles for language in WORDS]

    def trace(self, problem: Problem, rng: random.Random) -> str:
        numbers, target = _read(problem)
        lines: list[str] = []
        while True:
            signs = tuple(rng.choice("+-") for _ in numbers[1:])
            text, result = _worked(numbers, signs)
            verdict = "right" if result == target else "wrong"
            words = WORDS[self._language(problem, rng)]
            lines.append(f"{words['again' if lines else 'first']}{text}?={target}{words[verdict]}")
            lines += [
                f"{RECHECK[language]}{text}?={target}{WORDS[language][verdict]}"
                for language in self._recheck_languages(problem, rng)
            ]
            if result == target or rng.random() < self.give_up:
                break
        thought, answer = "".join(lines), _expression(numbers, signs)
        return _laid_out(thought, answer, rng.randrange(4) if rng.random() < self.broken else None)

    def steps(self, problem: Problem, completion: str) -> Steps:
        numbers, target = _read(problem)
        tries = [_checked(match, numbers, target) for match in _TRY.finditer(completion)]
        return Steps(len(tries), sum(valid for valid, _ in tries), sum(true for _, true in tries))

    def _recheck_languages(self, problem: Problem, rng: random.Random) -> list[Language]:
        """Of each recheck after a try. Without `rechecks` nothing is drawn: a seed's traces stay as they were."""
        if not self.rechecks or rng.random() >= self.rechecks:
            return []
        return [self._language(problem, rng) for _ in range(rng.randint(1, 3))]

    def _language(self, problem: Problem, rng: random.Random) -> Language:
        language: Language = "zh" if problem.prompt.startswith("@zh") else "en"
        if self.mixing is None or rng.random() >= self.mixing:
            return language
        return "en" if language == "zh" else "zh"


@cache
def _puzzles(count: int, split: Split) -> tuple[Problem, ...]:
    return tuple(
        _puzzle(numbers, target, answers)
        for numbers in product(range(1, 10), repeat=count)
        if split_of(numbers) == split
        for target, answers in sorted(_by_target(numbers).items())
    )


def _by_target(numbers: Sequence[int]) -> dict[int, list[str]]:
    answers: dict[int, list[str]] = {}
    for signs in product("+-", repeat=len(numbers) - 1):
        answers.setdefault(_worked(numbers, signs)[1], []).append(_expression(numbers, signs))
    return answers


def _puzzle(numbers: Sequence[int], target: int, answers: list[str]) -> Problem:
    name = f"{','.join(map(str, numbers))}={target}"
    level = min(answer.count("-") for answer in answers)
    return Problem(f"signs:{name}", f"Q{name}:", {"answer": answers[0], "aliases": answers[1:]}, level)


def _in_language(problem: Problem, language: Language) -> Problem:
    reference = {**problem.reference, "target_language": language}
    return Problem(f"{problem.id}@{language}", f"@{language}{problem.prompt}", reference, problem.level)


def _read(problem: Problem) -> tuple[list[int], int]:
    numbers, target = problem.prompt.partition("Q")[2].rstrip(":").split("=")
    return [int(number) for number in numbers.split(",")], int(target)


def _worked(numbers: Sequence[int], signs: Signs_) -> tuple[str, int]:
    """5-5=0+3=3 and 3."""
    total, text = numbers[0], str(numbers[0])
    for sign, number in zip(signs, numbers[1:], strict=True):
        total += number if sign == "+" else -number
        text += f"{sign}{number}={total}"
    return text, total


def _expression(numbers: Sequence[int], signs: Signs_) -> str:
    return str(numbers[0]) + "".join(f"{sign}{number}" for sign, number in zip(signs, numbers[1:], strict=True))


def _laid_out(thought: str, answer: str, fault: int | None) -> str:
    """The completion; a fault leaves out one of the template's parts."""
    parts = ["<think>", "</think>", "<answer>", "</answer>"]
    if fault is not None:
        parts[fault] = ""
    return f"{parts[0]}{thought}{parts[1]}{parts[2]}{answer}{parts[3]}"


def _checked(match: re.Match[str], numbers: Sequence[int], target: int) -> tuple[bool, bool]:
    """(each sum is right and the numbers are the puzzle's, the verdict is true of the result that is written)."""
    chain, restated, verdict = match.groups()
    terms = [int(chain[0])]
    total, sums_hold = terms[0], True
    for term, result in _SUM.findall(chain):
        total += int(term)
        terms.append(abs(int(term)))
        sums_hold &= total == int(result)
        total = int(result)
    says_right = verdict in ("right", "对了")
    return sums_hold and terms == list(numbers), int(restated) == target and says_right == (total == target)
