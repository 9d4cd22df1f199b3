"""A rubric, and how its verdicts become one score.

must      counts by its weight; with `aggregate: all_musts`, one that is not met makes the score 0
nice      counts by its weight
pitfall   subtracts its weight where it is met

score = (met musts and nices - met pitfalls) / all musts and nices, by weight, within 0 and 1
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, ValidationError

from preference_model.model.registry import digest
from reward_verifiers.contract import StrictModel, validation_errors
from reward_verifiers.verifier import BadReference

Kind = Literal["must", "nice", "pitfall"]
Aggregate = Literal["weighted", "all_musts"]
MAX_ITEMS = 64


class RubricItem(StrictModel):
    """One criterion."""

    text: str = Field(min_length=1, max_length=2000, description="What the answer has to do, or must not do (pitfall).")
    weight: float = Field(default=1.0, gt=0, le=1000, allow_inf_nan=False)
    kind: Kind = "must"
    quote: bool = Field(
        default=True, description="A verdict of met must quote the answer; false for what no passage shows (length)."
    )


def _has_points(items: tuple[RubricItem, ...]) -> tuple[RubricItem, ...]:
    if all(item.kind == "pitfall" for item in items):
        raise ValueError("a rubric of pitfalls alone has nothing to earn: add an item of kind must or nice")
    return items


Items = Annotated[
    tuple[RubricItem, ...], Field(min_length=1, max_length=MAX_ITEMS, strict=False), AfterValidator(_has_points)
]


class Rubric(StrictModel):
    """The criteria of one prompt."""

    items: Items

    @property
    def version(self) -> str:
        return digest(self.model_dump(mode="json"))

    def ids(self) -> list[str]:
        return [f"r{number}" for number in range(1, len(self.items) + 1)]


def rubric_of(data: Any) -> Rubric:
    """The rubric in a reference. Raises BadReference naming what does not fit."""
    try:
        return Rubric.model_validate({"items": data})
    except ValidationError as error:
        path, why = validation_errors(error)[0]
        raise BadReference(f"reference.rubric{path.removeprefix('items')}: {why}") from None


def total(items: Sequence[RubricItem], met: Mapping[int, bool], aggregate: Aggregate) -> float:
    """The score of a text, 0 to 1. `met` has every item by its place."""
    if aggregate == "all_musts" and not all(met[at] for at, item in enumerate(items) if item.kind == "must"):
        return 0.0
    possible = sum(item.weight for item in items if item.kind != "pitfall")
    earned = sum((-1 if item.kind == "pitfall" else 1) * item.weight for at, item in enumerate(items) if met[at])
    return min(max(earned / possible, 0.0), 1.0)
