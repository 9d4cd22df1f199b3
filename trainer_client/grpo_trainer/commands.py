"""`touchstone train RECIPE` and `touchstone train report`. Heavy imports are inside the commands.

The command `touchstone` finds these by the entry-point group `touchstone.commands`, so that the services never import the
trainer; on a machine without the services, `python -m grpo_trainer RECIPE` is the same.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from typer.core import TyperGroup

from grpo_trainer.whole_files import write_whole

errors = Console(stderr=True)
LIVE_S = 10


def _fail(message: str, code: int = 1) -> typer.Exit:
    errors.print(message, markup=False, highlight=False, soft_wrap=True)
    return typer.Exit(code)


@contextmanager
def _extra() -> Iterator[None]:
    """Imports that the core does without."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise _fail(f"this needs touchstone-client[train]: there is no {error.name}") from None


class _RecipeOrCommand(TyperGroup):
    """`train RECIPE` is `train run RECIPE`: a first word that is no command is a recipe's file."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        is_recipe = bool(args) and args[0] not in self.commands and Path(args[0]).suffix != ""
        return super().resolve_command(ctx, ["run", *args] if is_recipe else args)


app = typer.Typer(
    name="train",
    cls=_RecipeOrCommand,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Train by a recipe, and report on runs. `train RECIPE` is short for `train run RECIPE`.",
)


@app.command("run")
def train(
    recipe: Annotated[Path, typer.Argument(help="The recipe's YAML file.", exists=True, dir_okay=False)],
    url: Annotated[
        str, typer.Option(envvar="TOUCHSTONE_URL", help="URL of a running gateway.")
    ] = "http://127.0.0.1:8700",
    key: Annotated[str, typer.Option(envvar="TOUCHSTONE_KEY", help="Bearer key of the gateway.")] = "",
    run: Annotated[
        Path | None,
        typer.Option("--run", help="Folder of the run. If it exists, the run resumes. Default: out/<name>-<seed>."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Random seed.")] = 0,
) -> None:
    """Run a recipe's stages against a gateway, and print what each stage has changed. Run again to resume."""
    with _extra():
        from grpo_trainer.recipe import read_recipe
        from grpo_trainer.rollout.sync_guard import EngineOutOfSync
        from grpo_trainer.stages.gateway_ready import GatewayNotReady, reads_sessions, wait_for
        from grpo_trainer.stages.run_recipe import RunInterrupted, run_recipe
        from trainer_client.client import RewardClient
        from trainer_client.errors import RewardError

    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise _fail(
            "this trainer uses one GPU; above that, use verl or another trainer with its adapter (docs/trainers)"
        )
    try:
        checked = read_recipe(recipe)
        folder = run or Path("out") / f"{checked.name}-{seed}"
        with RewardClient(url, key=key or None) as client:
            wait_for(url, key, checked)
            sessions = checked.tools is not None and reads_sessions(url, key)
            run_recipe(checked, folder, client, seed=seed, reads_sessions=sessions, announce=errors.print)
    except (GatewayNotReady, RunInterrupted, EngineOutOfSync, RewardError, OSError, ValueError) as error:
        raise _fail(str(error)) from None
    _show(folder)
    line = f"Run: {folder}. Curves: touchstone train report {folder}"
    Console().print(line, markup=False, highlight=False, soft_wrap=True)


@app.command()
def report(
    runs: Annotated[
        list[Path],
        typer.Argument(
            help="Folder of a run. Several folders make one page that compares them.", exists=True, file_okay=False
        ),
    ],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Default: report.html in the (first) run's folder.")
    ] = None,
    live: Annotated[bool, typer.Option("--live", help="Write the page again every 10 s until the runs end.")] = False,
) -> None:
    """Write one self-contained HTML page about a run: its stages, its curves, what the policy wrote, and the article's
    claims beside them. With several runs, one page that compares them."""
    with _extra():
        from grpo_trainer.report import NoRun, comparison, page, read_history

    target = output or runs[0] / "report.html"
    try:
        while True:
            histories = [read_history(run) for run in runs]
            running = live and not all(history.finished for history in histories)
            refresh_s = LIVE_S if running else None
            text = page(histories[0], refresh_s=refresh_s) if len(runs) == 1 else comparison(histories, refresh_s)
            write_whole(target, text)  # a browser that loads it meanwhile gets the old page or the new one
            if not running:
                break
            time.sleep(LIVE_S)
    except NoRun as error:
        raise _fail(str(error)) from None
    except KeyboardInterrupt:
        pass
    Console().print(str(target), markup=False, highlight=False, soft_wrap=True)


def _show(folder: Path) -> None:
    from rich.table import Table

    from grpo_trainer.report.history import read_history
    from grpo_trainer.report.page import tables

    for stage_table in tables(read_history(folder)):
        table = Table(title=f"{stage_table.source}, held-out problems")
        table.add_column("")
        for stage in stage_table.stages:
            table.add_column(stage, justify="right")
        for name, values in stage_table.rows:
            table.add_row(name, *values)
        Console().print(table)
