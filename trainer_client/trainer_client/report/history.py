"""What a run folder holds: each stage's result, and the metrics of its steps."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

Curve = tuple[list[float], list[float]]
"""Steps and values."""


class NoRun(ValueError):
    """The folder is no run's."""


@dataclass(frozen=True)
class StageHistory:
    """result: `done.json`, None while the stage is not done. metrics: a line a rollout (or step), in order."""

    name: str
    kind: str
    result: dict[str, Any] | None
    metrics: Sequence[dict[str, Any]]

    def evaluations(self) -> dict[str, dict[str, Any]]:
        """By source; empty for a stage that is not done, or that trains nothing."""
        return (self.result or {}).get("evaluation", {})


@dataclass(frozen=True)
class History:
    name: str
    seed: int
    recipe: dict[str, Any]
    stages: Sequence[StageHistory]

    def curve(self, metric: str, kind: str = "grpo") -> Curve:
        """A metric over the steps of all stages of that kind, one stage after the other; what a line lacks is left out."""
        steps: list[float] = []
        values: list[float] = []
        offset = 0
        for stage in self.stages:
            if stage.kind != kind or not stage.metrics:
                continue
            for row in stage.metrics:
                if row.get(metric) is not None:
                    steps.append(offset + row["step"])
                    values.append(row[metric])
            offset += stage.metrics[-1]["step"]
        return steps, values

    def names(self, prefix: str, suffix: str = "") -> list[str]:
        """Metrics that some line has, sorted."""
        found = {name for stage in self.stages for row in stage.metrics for name in row}
        return sorted(name for name in found if name.startswith(prefix) and name.endswith(suffix))


def read(folder: Path) -> History:
    """Raises NoRun when there is no recipe.yaml, or nothing has been run yet."""
    path = folder / "recipe.yaml"
    if not path.is_file():
        raise NoRun(f"{folder} is no run: there is no recipe.yaml")
    recipe = yaml.safe_load(path.read_text("utf-8"))
    stages = [_stage(folder / f"{place}-{stage['name']}", stage) for place, stage in enumerate(recipe["stages"], 1)]
    if not any(stage.metrics or stage.result for stage in stages):
        raise NoRun(f"{folder}: no stage has begun yet")
    return History(recipe["name"], recipe["seed"], recipe, stages)


def _stage(folder: Path, stage: dict[str, Any]) -> StageHistory:
    done = folder / "done.json"
    result = json.loads(done.read_text("utf-8")) if done.is_file() else None
    return StageHistory(stage["name"], stage["kind"], result, _rows(folder / "metrics.jsonl"))


def _rows(path: Path) -> list[dict[str, Any]]:
    """Whole lines: a run may be writing the last."""
    if not path.is_file():
        return []
    text = path.read_text("utf-8")
    return [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines()]
