"""Problems from a file, one JSON object a line:

    {"prompt": "What is 1/2 + 1/3?", "reference": {"answer": "5/6"}, "id": "q7", "level": 3, "split": "test"}

`prompt` is the text that the policy reads, template and all. Without `split`, one is drawn by the prompt's hash.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, get_args

from grpo_trainer.json_lines import numbered_lines
from grpo_trainer.tasks.task import Problem, Split, Steps, split_of


class JSONLines:
    """Raises ValueError, naming the line, for one that is no problem."""

    tokens: tuple[str, ...] = ()

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise ValueError(f"file: there is no {path}")
        self._path = path

    @cached_property
    def _all(self) -> list[tuple[Split, Problem]]:
        return [self._read(number, line) for number, line in numbered_lines(self._path)]

    def problems(self, split: Split) -> Sequence[Problem]:
        return [problem for drawn, problem in self._all if drawn == split]

    def trace(self, problem: Problem, rng: random.Random) -> str:
        raise ValueError(f"file: {self._path} has problems and no traces; give the sft stage a `file` of completions")

    def steps(self, problem: Problem, completion: str) -> Steps | None:
        return None

    def _read(self, number: int, line: str) -> tuple[Split, Problem]:
        try:
            fields = json.loads(line)
            return _problem(number, fields)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            reason = f"{error.args[0]} is missing" if isinstance(error, KeyError) else str(error)
            raise ValueError(f"file: {self._path}, line {number}: {reason}") from None


def _problem(number: int, fields: Mapping[str, Any]) -> tuple[Split, Problem]:
    prompt, reference = fields["prompt"], fields["reference"]
    if not isinstance(prompt, str) or not prompt:
        raise ValueError("prompt: must be text")
    split = fields.get("split") or split_of(prompt)
    if split not in get_args(Split):
        raise ValueError(f"split: {split!r} is none of {', '.join(get_args(Split))}")
    reference = reference if isinstance(reference, Mapping) else {"answer": reference}
    return split, Problem(str(fields.get("id", number)), prompt, reference, int(fields.get("level", 0)))
