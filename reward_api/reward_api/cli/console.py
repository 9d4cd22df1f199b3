"""What the commands share: two consoles, options, settings from flags and environment, and how a command fails."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

if TYPE_CHECKING:
    from reward_api.settings import GatewaySettings

errors = Console(stderr=True)

Port = Annotated[int, typer.Option(min=1, max=65535, help="TCP port.")]
Folder = Annotated[
    Path | None,
    typer.Option(
        "--domains", help="Folder of domain files. Default: the shipped domains.", exists=True, file_okay=False
    ),
]
Url = Annotated[
    str | None,
    typer.Option(envvar="TOUCHSTONE_URL", help="URL of a running gateway. Default: score in this process."),
]
Key = Annotated[str, typer.Option(envvar="TOUCHSTONE_KEY", help="Bearer key of the gateway.")]


def load_settings(**flags: Any) -> GatewaySettings:
    """The gateway's settings; a flag wins over the environment. Exits with 2 when one does not fit."""
    from pydantic import ValidationError
    from pydantic_settings import SettingsError

    from reward_api.settings import GatewaySettings
    from reward_verifiers.contract import validation_errors

    try:
        return GatewaySettings(**{name: value for name, value in flags.items() if value is not None})
    except ValidationError as error:
        for path, reason in validation_errors(error):
            say(f"TOUCHSTONE_{path.upper()}: {reason}")
        raise typer.Exit(2) from None
    except SettingsError as error:
        raise failure(str(error), 2) from None


def domains_text(folder: Path) -> str:
    """The folder of domain files, as it is shown to a user."""
    from reward_api.settings import SHIPPED_DOMAINS

    return f"{folder} (shipped with Touchstone)" if folder == SHIPPED_DOMAINS else str(folder.resolve())


def say(line: str) -> None:
    """One line on standard error, as it is."""
    errors.print(line, markup=False, highlight=False, soft_wrap=True)


def failure(message: str, code: int = 1) -> typer.Exit:
    """To raise: the message goes to standard error, and the command exits with `code`."""
    say(message)
    return typer.Exit(code)
