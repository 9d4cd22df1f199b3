"""What a run folder holds: each stage's result, and the metrics of its steps."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from grpo_trainer.json_lines import whole_rows
from grpo_trainer.rollout.rollout_file import ROLLOUTS, read_rows

Curve = tuple[list[float], list[float]]
"""Steps and values."""
ON_POLICY = ("grpo", "distill")
"""Kinds of stages that train on the policy's own completions."""


class NoRun(ValueError):
    """The folder is no run's."""


@dataclass(frozen=True)
class StageHistory:
    """result: `done.json`, None while the stage is not done. metrics: a line a rollout (or step), in order.

    offset: steps on its own completions that its policy already had.
    """

    name: str
    kind: str
    result: dict[str, Any] | None
    metrics: Sequence[dict[str, Any]]
    offset: int
    folder: Path = Path()

    def rollouts(self) -> Iterator[dict[str, Any]]:
        """What the policy wrote, in order; empty where nothing was logged."""
        return read_rows(self.folder / ROLLOUTS)

    def domain_changes(self) -> list[tuple[float, str, str]]:
        """(step, domain, digest): the first digest of each domain, and each that came after another."""
        changes: list[tuple[float, str, str]] = []
        newest: dict[str, str] = {}
        for row in self.metrics:
            for domain, version in row.get("domains", {}).items():
                if newest.get(domain) != version:
                    changes.append((self.offset + row["step"], domain, version))
                newest[domain] = version
        return changes

    def evaluations(self) -> dict[str, dict[str, Any]]:
        """By source; empty for a stage that is not done, or that trains nothing."""
        evaluations: dict[str, dict[str, Any]] = (self.result or {}).get("evaluation", {})
        return evaluations

    def curve(self, metric: str) -> Curve:
        """A metric over the steps; lines without it are left out."""
        rows = [row for row in self.metrics if row.get(metric) is not None]
        return [self.offset + row["step"] for row in rows], [row[metric] for row in rows]

    @property
    def steps(self) -> int:
        """With those that its policy already had."""
        return self.offset + (self.metrics[-1]["step"] if self.kind in ON_POLICY and self.metrics else 0)


@dataclass(frozen=True)
class RunHistory:
    """run: its name, which the gateway knows it by. environment: versions and machine that it began with."""

    name: str
    seed: int
    recipe: dict[str, Any]
    stages: Sequence[StageHistory]
    run: str = ""
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def finished(self) -> bool:
        return all(stage.result is not None for stage in self.stages)

    @property
    def on_policy(self) -> list[StageHistory]:
        """The stages that have begun and train on the policy's own completions: reinforcement learning, distillation."""
        return [stage for stage in self.stages if stage.kind in ON_POLICY and stage.metrics]

    def curves(self, metric: str) -> dict[str, Curve]:
        """Of each such stage that has the metric, by the stage's name."""
        curves = {stage.name: stage.curve(metric) for stage in self.on_policy}
        return {name: curve for name, curve in curves.items() if curve[1]}

    def names(self, prefix: str, suffix: str = "") -> list[str]:
        """Metrics that some line has, sorted."""
        names = {name for stage in self.on_policy for row in stage.metrics for name in row}
        return sorted(name for name in names if name.startswith(prefix) and name.endswith(suffix))


def read_history(folder: Path) -> RunHistory:
    """Raises NoRun when there is no recipe.yaml, or nothing has been run yet."""
    path = folder / "recipe.yaml"
    if not path.is_file():
        raise NoRun(f"{folder} is no run: there is no recipe.yaml")
    recipe = yaml.safe_load(path.read_text("utf-8"))
    stages: dict[str, StageHistory] = {}
    base = folder / "0-base"
    if base.is_dir():
        stages["base"] = _stage(base, {"name": "base", "kind": "base"}, 0)
    before = ""
    for place, stage in enumerate(recipe["stages"], 1):
        parent = stages.get(stage["start"] or before)
        stages[stage["name"]] = _stage(folder / f"{place}-{stage['name']}", stage, parent.steps if parent else 0)
        before = stage["name"]
    if not any(stage.metrics or stage.result for stage in stages.values()):
        raise NoRun(f"{folder}: no stage has begun yet")
    run, environment = recipe.pop("run", ""), folder / "environment.json"
    about = json.loads(environment.read_text("utf-8")) if environment.is_file() else {}
    return RunHistory(recipe["name"], recipe["seed"], recipe, list(stages.values()), run, about)


def _stage(folder: Path, stage: dict[str, Any], offset: int) -> StageHistory:
    done = folder / "done.json"
    result = json.loads(done.read_text("utf-8")) if done.is_file() else None
    return StageHistory(stage["name"], stage["kind"], result, whole_rows(folder / "metrics.jsonl"), offset, folder)
