"""What the commands share: the consoles, options, settings from flags and environment, and how a command fails."""

from __future__ import annotations

import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

if TYPE_CHECKING:
    from reward_api.settings import GatewaySettings

# Texts and names are the user's: a bracket in them is a bracket.
errors = Console(stderr=True, markup=False, highlight=False)
output = Console(markup=False, highlight=False)

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


def printable(text: str, *, keep: str = "\n\t") -> str:
    """The text as it is written. Only what a terminal would obey, or nobody would see, is escaped."""
    return "".join(letter if letter in keep or not _is_hidden(letter) else ascii(letter)[1:-1] for letter in text)


def _is_hidden(letter: str) -> bool:
    """Control and format characters, but the joiners that emoji and some scripts are written with."""
    return unicodedata.category(letter) in ("Cc", "Cf", "Cs", "Zl", "Zp") and letter not in "\u200c\u200d"


def say(line: str) -> None:
    """One line on standard error, as it is."""
    errors.print(line, soft_wrap=True)


def failure(message: str, code: int = 1) -> typer.Exit:
    """To raise: the message goes to standard error, and the command exits with `code`."""
    say(message)
    return typer.Exit(code)
