"""The progress bar: steps, reward, length, time left. Silent when nobody watches."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

Show = Callable[[int, Mapping[str, float]], None]


@contextmanager
def progress(total: int, done: int) -> Iterator[Show]:
    """Gives a function to call with the steps done and the newest metrics."""
    console = Console(stderr=True)
    columns = (
        TextColumn("step"),
        MofNCompleteColumn(),
        BarColumn(),
        TextColumn("{task.description}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=total, completed=done)

        def show(step: int, metrics: Mapping[str, float]) -> None:
            description = (
                f"reward {metrics.get('reward', float('nan')):.3f}  length {metrics['completions/mean_length']:.0f}"
            )
            bar.update(task, completed=min(step, total), description=description)

        yield show
