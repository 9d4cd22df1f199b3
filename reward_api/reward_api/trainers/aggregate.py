"""NeMo-Gym's aggregate metrics over verified rollouts: statistics of every numeric field, in the order and under the names
that its own servers use (`mean/reward`, `std/reward`, …), for each task and over all.
"""

from __future__ import annotations

import math
import statistics
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

from pydantic import Field

from reward_api.trainers.endpoint import Body

TASK, MASK = "_ng_task_index", "mask_sample"
MAX_ROLLOUTS = 200_000
Row = dict[str, Any]
STATISTICS: dict[str, Callable[[Sequence[float]], float]] = {
    "mean": statistics.fmean,
    "max": max,
    "min": min,
    "median": statistics.median,
    "std": lambda values: _deviation(values),
}


class AggregateRequest(Body):
    verify_responses: list[Row] = Field(max_length=MAX_ROLLOUTS)


def aggregate(rows: Sequence[Row]) -> dict[str, Any]:
    """A masked rollout is no measurement: it is counted, and left out of the statistics."""
    scored = [row for row in rows if not row.get(MASK)]
    overall = {**_described(scored), **_coverage(rows, scored)}
    means = {name: value for name, value in overall.items() if name.startswith(("mean/", "coverage/"))}
    by_task: defaultdict[Any, list[Row]] = defaultdict(list)
    for row in scored:
        by_task[_task(row)].append(row)
    groups = [{TASK: task, **_described(by_task[task])} for task in sorted(by_task)]
    return {"group_level_metrics": groups, "agent_metrics": overall, "key_metrics": means}


def _described(rows: Sequence[Row]) -> dict[str, float]:
    columns: defaultdict[str, list[float]] = defaultdict(list)
    for row in rows:
        usage = (row.get("response") or {}).get("usage") if isinstance(row.get("response"), dict) else None
        for name, value in {**row, **(usage if isinstance(usage, dict) else {})}.items():
            if isinstance(value, int | float) and not name.startswith("_") and name != MASK:
                columns[name].append(float(value))
    return {
        f"{name}/{column}": float(of(values)) for column, values in columns.items() for name, of in STATISTICS.items()
    }


def _deviation(values: Sequence[float]) -> float:
    """Of a sample; 0 for one value. Not `statistics.stdev`, whose fractions take seconds for a whole run."""
    mean = statistics.fmean(values)
    return math.sqrt(math.fsum((value - mean) ** 2 for value in values) / max(len(values) - 1, 1))


def _coverage(rows: Sequence[Row], scored: Sequence[Row]) -> dict[str, int]:
    """How much of the run the statistics are made of; nothing where nothing is masked."""
    if len(scored) == len(rows):
        return {}
    tasks, measured = set(map(_task, rows)), set(map(_task, scored))
    return {
        "coverage/measured_rollouts": len(scored),
        "coverage/masked_rollouts": len(rows) - len(scored),
        "coverage/measured_tasks": len(measured),
        "coverage/fully_masked_tasks": len(tasks - measured),
    }


def _task(row: Row) -> int:
    task = row.get(TASK, 0)
    return task if isinstance(task, int) else 0
