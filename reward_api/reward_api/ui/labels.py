"""Labels: completions that were paid or refused wrongly. A file of them is a regression test of a domain.

{"label": "paid wrongly", "domain": "math", "component": "answer", "score": 1.0, "completion": …, "reference": …}

A completion that was paid wrongly must score less than it did, and one that was refused wrongly must score more.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError

from reward_verifiers.contract import ScoreRequest, StrictModel, validation_errors

FILE = "labels.jsonl"


class BadLabel(ValueError):
    """A line is no label; the message says which, and why."""


class Label(StrictModel):
    """One line of a file of labels."""

    label: Literal["paid wrongly", "refused wrongly"] = Field(description="What a person says of the score.")
    domain: str = Field(description="The domain that scored it.")
    component: str = Field(description="The component whose score is wrong, or `reward`.")
    score: float | None = Field(allow_inf_nan=False, description="What it gave then.")
    prompt: Any = None
    completion: Any = Field(description="As it was sent.")
    reference: dict[str, Any] = Field(default_factory=dict, description="What it was compared with.")
    prefix: str = ""
    note: str = Field(default="", description="Why, for the next reader.")
    version: str = Field(default="", description="The domain's version then.")

    def request(self) -> dict[str, Any]:
        """As POST /score takes it. Raises ValidationError."""
        body = {"completions": [self.completion], "reference": self.reference, "prefix": self.prefix}
        body |= {"prompt": self.prompt} if self.prompt is not None else {}
        ScoreRequest.model_validate(body)
        return body

    def verdict(self, result: dict[str, Any]) -> Literal["holds", "broken", "no verdict"]:
        """Whether a new result is as the label wants it. result: a SampleResult as JSON."""
        part = result["components"].get(self.component, {}).get("score")
        score = result["reward"] if self.component == "reward" else part
        if score is None:
            return "no verdict"
        was = self.score or 0.0
        return "holds" if (score < was if self.label == "paid wrongly" else score > was) else "broken"


def append(path: Path, label: Label) -> None:
    """One line, whole, also when two write at once."""
    line = label.model_dump_json().encode() + b"\n"
    number = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(number, line)
    finally:
        os.close(number)


def read_labels(path: Path) -> Iterator[Label]:
    """Raises BadLabel and OSError."""
    with path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                yield Label.model_validate_json(line)
            except ValidationError as error:
                where, why = validation_errors(error, Label)[0]
                raise BadLabel(f"{path}: line {number}: {where}: {why}".replace(": :", ":")) from None
