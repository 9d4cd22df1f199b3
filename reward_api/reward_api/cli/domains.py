"""`touchstone domains`: check domain files."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from reward_api.cli.console import Folder, domains_text, failure, load_settings, say

app = typer.Typer(no_args_is_help=True, help="Look at domain files and check them.")


@app.command()
def check(
    domains: Folder = None,
    domain: Annotated[str | None, typer.Option(help="The domain that will score the data.")] = None,
    data: Annotated[
        Path | None, typer.Option(help="JSON lines whose references to check.", exists=True, dir_okay=False)
    ] = None,
) -> None:
    """Check every domain file, and the references of a data set. Do this before you train."""
    from reward_api.cli.check import check_data, check_domains

    settings = load_settings(domains=domains)
    say(f"Domain files: {domains_text(settings.domains)}")
    faults = asyncio.run(check_domains(settings))
    if not faults and data is not None:
        if domain is None:
            raise failure("--data needs --domain", 2)
        faults = asyncio.run(check_data(settings, domain, data))
    for line in faults:
        say(line)
    if faults:
        raise typer.Exit(1)
    Console().print("all good")
