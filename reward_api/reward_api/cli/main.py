"""Reward services for RL training: serve them, score files, explain a verdict, check domain files."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, entry_points, version
from typing import Annotated

import typer

from reward_api.cli import domains
from reward_api.cli.console import failure
from reward_api.cli.demo import demo
from reward_api.cli.explain import explain
from reward_api.cli.look.diff import diff
from reward_api.cli.look.show import show
from reward_api.cli.score.command import score
from reward_api.cli.serve import serve

# Every command imports what is heavy when it runs.
app = typer.Typer(
    name="touchstone",
    no_args_is_help=True,
    help=__doc__,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (serve, score, show, diff, explain, demo):
    app.command()(command)
app.add_typer(domains.app, name="domains")


def _print_version(is_wanted: bool) -> None:
    if not is_wanted:
        return
    for package in ("touchstone-rewards", "touchstone-client"):
        try:
            typer.echo(f"{package} {version(package)}")
        except PackageNotFoundError:
            typer.echo(f"{package} is not installed")
    raise typer.Exit


@app.callback()
def main(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the versions and exit.")
    ] = False,
) -> None: ...


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
