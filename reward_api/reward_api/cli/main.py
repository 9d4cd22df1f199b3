"""Reward services for RL training: serve them, score files, explain a verdict, check domain files."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import entry_points
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from reward_api.cli import domains, monitor, verifier
from reward_api.cli.audit import audit
from reward_api.cli.console import failure
from reward_api.cli.convert import convert
from reward_api.cli.demo import demo
from reward_api.cli.explain import explain
from reward_api.cli.labels import check_labels
from reward_api.cli.look.diff import diff
from reward_api.cli.look.show import show
from reward_api.cli.score.command import score
from reward_api.cli.serve import serve
from reward_api.cli.ui import ui

COMMANDS = "touchstone.commands"
"""Entry points of other packages, `train` among them: each is a typer app, a group of commands."""
OURS = ("reward_api", "reward_verifiers")


class Commands(TyperGroup):
    """The commands here, and those of other packages, which are loaded when they are used. A broken one breaks only
    itself."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except ModuleNotFoundError as error:
            if error.name is None or error.name.partition(".")[0] in OURS:
                raise
            raise failure(f"{error.name} is not installed: pip install 'touchstone-rewards[suite]'") from None

    def list_commands(self, ctx: Any) -> list[str]:
        return list(dict.fromkeys([*super().list_commands(ctx), *sorted(entry_points(group=COMMANDS).names)]))

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        names = entry_points(group=COMMANDS).names
        if cmd_name in names and cmd_name not in self.commands:
            self.commands[cmd_name] = _loaded(cmd_name)
        command = super().get_command(ctx, cmd_name)
        if command is None:  # misspelt: what it is like is looked for among `commands`
            self.commands.update({name: _loaded(name) for name in names})
        return command


def _loaded(name: str) -> Any:
    try:
        command = typer.main.get_command(entry_points(group=COMMANDS)[name].load())
    except Exception as error:
        alone = typer.Typer(pretty_exceptions_enable=False, add_completion=False)
        alone.command(name, help=f"Not available: {error}")(_unavailable(name, error))
        command = typer.main.get_command(alone)
    command.name = name  # the help lists it by this
    return command


def _unavailable(name: str, error: Exception) -> Callable[[], None]:
    def command() -> None:
        raise failure(f"{name} cannot be loaded: {error}")

    return command


# Every command imports what is heavy when it runs.
app = typer.Typer(
    name="touchstone",
    cls=Commands,
    no_args_is_help=True,
    help=__doc__,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (serve, score, show, diff, ui, check_labels, audit, explain, convert, demo):
    app.command()(command)
app.add_typer(domains.app, name="domains")
app.add_typer(monitor.app, name="monitor")
app.add_typer(verifier.app, name="verifier")


def _print_version(is_wanted: bool) -> None:
    if is_wanted:
        from reward_api.cli.versions import report

        typer.echo(report())
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            callback=_print_version,
            is_eager=True,
            help="Print versions, commit and extras.",
        ),
    ] = False,
) -> None: ...
