"""Procedural tasks with exact references, and the tiny decoder that can learn them on a CPU."""

from __future__ import annotations

from trainer_client.tasks.signs import Signs
from trainer_client.tasks.sums import Sums
from trainer_client.tasks.task import Problem, Split, Steps, Task

TASKS: dict[str, type[Signs] | type[Sums]] = {"signs": Signs, "sums": Sums}

__all__ = ["TASKS", "Problem", "Signs", "Split", "Steps", "Sums", "Task"]
