"""`touchstone domains`: list, show, write and check domain files."""

from __future__ import annotations

import asyncio
import json
import re
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reward_api.cli.console import Folder, domains_text, failure, load_settings, output, say

if TYPE_CHECKING:
    from rich.table import Table

app = typer.Typer(no_args_is_help=True, help="List, show, write and check domain files.")
Name = Annotated[str, typer.Argument(help="Name of the domain, which is its file's name without .yaml.")]

NEW = """\
# {name}: what this domain judges.
components:
  # The final answer, compared with the reference. kind: math, choice, exact, number, unit, json, set …
  - {{verifier: answer, weight: 1.0, options: {{kind: math}}}}
  # <think>…</think><answer>…</answer>
  - {{verifier: format, weight: 1.0, options: {{template: think_answer}}}}
# sum, or product. A component may be a gate (gate: true), or count only after others (requires: [answer]).
combine: sum
# Seconds until a sample without a score has no verdict.
deadline_s: 30
"""


@app.command("list")
def list_domains(
    domains: Folder = None,
    shipped: Annotated[
        bool, typer.Option("--shipped", help="List the domains that come with Touchstone, and what each is for.")
    ] = False,
) -> None:
    """List the domains with their components."""
    from reward_api.domains.live import files
    from reward_api.settings import SHIPPED_DOMAINS

    if shipped and domains is not None:
        raise failure("give --domains or --shipped", 2)
    folder = SHIPPED_DOMAINS if shipped else load_settings(domains=domains).domains
    say(f"Domain files: {domains_text(folder)}")
    output.print(_table(files(folder), with_use=shipped))


def _table(paths: list[Path], with_use: bool) -> Table:
    from rich.table import Table

    from reward_api.domains.spec import BadDomain, read

    table = Table("domain", "components", "combine", *(["for"] if with_use else []))
    for path in paths:
        use = [_use(path)] if with_use else []
        try:
            spec = read(path)
        except BadDomain as error:
            table.add_row(path.stem, f"refused: {error}", "", *use)
            continue
        parts = ", ".join(f"{one.key} × {one.weight:g}" for one in spec.components)
        table.add_row(path.stem, parts, spec.combine if spec.enabled else f"{spec.combine} (disabled)", *use)
    return table


def _use(path: Path) -> str:
    """The first sentence of the comment that a domain file begins with."""
    lines = path.read_text("utf-8").splitlines()
    comment = " ".join(line[1:].strip() for line in takewhile(lambda line: line.startswith("#"), lines))
    return re.split(r"(?<=\.) ", comment, maxsplit=1)[0]


@app.command()
def show(name: Name, domains: Folder = None) -> None:
    """Print a domain file."""
    settings = load_settings(domains=domains)
    path = _file_of(name, settings.domains)
    say(f"# {path}")
    typer.echo(path.read_text("utf-8"), nl=False)


@app.command()
def schema() -> None:
    """Print the JSON schema of a domain file, for editors."""
    from reward_api.domains.spec import DomainSpec

    typer.echo(json.dumps(DomainSpec.model_json_schema(), indent=2))


@app.command()
def new(
    name: Name,
    folder: Annotated[Path, typer.Option("--domains", help="Folder to write into.", file_okay=False)] = Path("domains"),
) -> None:
    """Write a first domain file for you to change: domains/NAME.yaml."""
    from reward_api.domains.spec import NAME

    path = folder / f"{name}.yaml"
    if not re.fullmatch(NAME, name):
        raise failure(f"{name}: give a name of small letters, digits, - and _ that begins with a letter", 2)
    for existing in (path, path.with_suffix(".yml")):
        if existing.exists():
            raise failure(f"{existing} exists")
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(NEW.format(name=name), "utf-8")
    typer.echo(path)
    say(f"Check it: touchstone domains check --domains {folder}. Serve it: touchstone serve --domains {folder}")


@app.command()
def check(
    domains: Folder = None,
    domain: Annotated[str | None, typer.Option(help="The domain that will score the data set.")] = None,
    data: Annotated[
        str | None,
        typer.Option(
            help="Also check the references of this data set. It may have any form that `touchstone score` reads."
        ),
    ] = None,
) -> None:
    """Check every domain file, and the references of a data set. Do this before you train."""
    from reward_api.cli.check import check_data, check_domains
    from reward_api.cli.score.rows import BadInput

    settings = load_settings(domains=domains)
    if data is not None and domain is None:
        raise failure("--data needs --domain", 2)
    say(f"Domain files: {domains_text(settings.domains)}")
    if domain is not None:
        _file_of(domain, settings.domains)
    good, faults, left_out = asyncio.run(check_domains(settings))
    by_shape: list[str] = []
    counts: list[str] = []
    if not faults and data is not None and domain is not None:
        try:
            faults, by_shape, counts = asyncio.run(check_data(settings, domain, data))
        except BadInput as error:
            raise failure(str(error)) from None
    for line in (*faults, *counts):
        say(line)
    for line in left_out:
        say(f"left out: {line}")
    if by_shape:
        say(f"only the shape of the references was checked for {', '.join(by_shape)}")
    if faults:
        raise typer.Exit(1)
    typer.echo(f"all good: {', '.join(good)}")


def _file_of(name: str, folder: Path) -> Path:
    """The domain's file. Exits with 2 when there is none."""
    from reward_api.cli.score.gateway import BadSetup, demand_domain
    from reward_api.domains.live import files

    by_name = {path.stem: path for path in files(folder)}
    try:
        demand_domain(name, by_name)
    except BadSetup as error:
        raise failure(str(error), 2) from None
    return by_name[name]
