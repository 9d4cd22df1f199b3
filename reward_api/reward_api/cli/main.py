"""Reward services for RL training: serve them, score files, explain a verdict, check domain files."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import entry_points

import typer

from reward_api.cli import domains
from reward_api.cli.console import failure
from reward_api.cli.demo import demo
from reward_api.cli.explain import explain
from reward_api.cli.score.command import score
from reward_api.cli.serve import serve

# Every command imports what is heavy when it runs.
app = typer.Typer(
    name="touchstone", no_args_is_help=True, add_completion=False, help=__doc__, pretty_exceptions_enable=False
)
for command in (serve, score, explain, demo):
    app.command()(command)
app.add_typer(domains.app, name="domains")


def _add_commands() -> None:
    """Commands of other packages, `train` among them. A broken one breaks only itself."""
    for point in entry_points(group="touchstone.commands"):
        try:
            app.command(point.name)(point.load())
        except Exception as error:
            app.command(point.name, help=f"Not available: {error}")(_unavailable(point.name, error))


def _unavailable(name: str, error: Exception) -> Callable[[], None]:
    def command() -> None:
        raise failure(f"{name} cannot be loaded: {error}")

    return command


_add_commands()
