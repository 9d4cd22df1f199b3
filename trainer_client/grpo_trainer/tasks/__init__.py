"""Procedural tasks with exact references, and the tiny decoder that can learn them on a CPU."""

from __future__ import annotations

from grpo_trainer.tasks.arithmetic import Arithmetic
from grpo_trainer.tasks.lookup import Lookup
from grpo_trainer.tasks.products import Products
from grpo_trainer.tasks.signs import Signs
from grpo_trainer.tasks.sums import Sums
from grpo_trainer.tasks.task import Problem, Split, Steps, Task

TASKS: dict[str, type[Arithmetic] | type[Lookup] | type[Products] | type[Signs] | type[Sums]] = {
    "arithmetic": Arithmetic,
    "lookup": Lookup,
    "products": Products,
    "signs": Signs,
    "sums": Sums,
}

__all__ = ["TASKS", "Arithmetic", "Lookup", "Problem", "Products", "Signs", "Split", "Steps", "Sums", "Task"]
