"""What the operator keeps beside the gateway: canaries.jsonl and anchors.jsonl.

canaries.jsonl   {"domain": "math", "prompt": …}                                    tasks that nobody can solve
anchors.jsonl    {"domain": "math", "prompt": …, "reference": …, "completion": …}   completions whose reward must stay
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import orjson
from pydantic import Field, ValidationError

from reward_verifiers.contract import Reference, StrictModel, Text, prompt_text, validation_errors

Row = TypeVar("Row", bound=StrictModel)
CANARIES, ANCHORS = "canaries.jsonl", "anchors.jsonl"


class BadFrozen(ValueError):
    """A file that cannot be used; the message names the line."""


class Canary(StrictModel):
    domain: str
    prompt: Text


class Anchor(StrictModel):
    domain: str
    prompt: Text | None = None
    reference: Reference = Field(default_factory=dict)
    completion: Text


@dataclass(frozen=True)
class Frozen:
    """canaries: (domain, the prompt's text)."""

    canaries: frozenset[tuple[str, str]] = frozenset()
    anchors: list[Anchor] = field(default_factory=list)


def read_frozen(folder: Path | None) -> Frozen:
    """Raises BadFrozen."""
    if folder is None:
        return Frozen()
    canaries = _lines(folder / CANARIES, Canary)
    anchors = _lines(folder / ANCHORS, Anchor)
    if not canaries and not anchors:
        raise BadFrozen(f"{folder.name}: there is neither {CANARIES} nor {ANCHORS} with a line in it")
    return Frozen(frozenset((one.domain, prompt_text(one.prompt)) for one in canaries), anchors)


def _lines(path: Path, model: type[Row]) -> list[Row]:
    rows = []
    try:
        lines = path.read_bytes().splitlines()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise BadFrozen(f"{path.name}: {error.strerror}") from None
    for number, line in enumerate(lines, 1):
        try:
            rows.append(model.model_validate(orjson.loads(line)))
        except orjson.JSONDecodeError:
            raise BadFrozen(f"{path.name}, line {number}: it is no JSON") from None
        except ValidationError as error:
            faults = "; ".join(f"{where}: {why}" for where, why in validation_errors(error, model))
            raise BadFrozen(f"{path.name}, line {number}: {faults}") from None
    return rows
