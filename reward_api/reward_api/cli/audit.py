"""`touchstone audit`: attack a domain before training."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from reward_api.cli.console import Folder, Key, Url, failure, load_settings, output, say

if TYPE_CHECKING:
    from reward_api.audit.items import Item
    from reward_api.audit.result import Plan
    from reward_api.settings import GatewaySettings

UNCALIBRATED = 3
PLACE = "http://127.0.0.1:8700"
"""In the commands of a report, where the domain was audited in this process."""


def audit(
    domain: Annotated[str, typer.Option(help="The domain to attack.")],
    data: Annotated[
        str | None,
        typer.Option(
            help="Rows with right answers, in any form that `touchstone score` reads. The audit ignores their completions."
        ),
    ] = None,
    deep: Annotated[bool, typer.Option("--deep", help="Also search over combinations of attempts.")] = False,
    budget: Annotated[str, typer.Option(help="Time limit of the audit, such as 120s or 5m.")] = "120s",
    limit: Annotated[int, typer.Option(min=1, help="Audit only the first rows.")] = 50,
    seed: Annotated[int, typer.Option(help="Random seed.")] = 0,
    component: Annotated[
        list[str] | None,
        typer.Option(
            help="A component that judges whether a completion is right. Default: all but format, language, length. "
            "Repeatable."
        ),
    ] = None,
    answer_column: Annotated[
        str | None, typer.Option(help="Column of the right answer, as for `touchstone score`.")
    ] = None,
    fail_on: Annotated[
        list[str] | None,
        typer.Option(
            help="Exit with 1 only if this holds, instead of for every hole: ceiling>0.1, lazy>0.5, false_fail>0.02, "
            "unearned>0.5, holes>0. Repeatable."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
    report: Annotated[
        Path | None, typer.Option(help="Also write the report as JSON, for --verify-fix.", dir_okay=False)
    ] = None,
    sarif: Annotated[Path | None, typer.Option(help="Also write the findings as SARIF.", dir_okay=False)] = None,
    html: Annotated[Path | None, typer.Option(help="Also write the report as one HTML file.", dir_okay=False)] = None,
    card: Annotated[
        Path | None, typer.Option(help="Also write the figures as a few lines of Markdown.", dir_okay=False)
    ] = None,
    verify_fix: Annotated[
        Path | None,
        typer.Option(
            help="Send the paid completions of this JSON report again, in place of an audit.",
            exists=True,
            dir_okay=False,
        ),
    ] = None,
    url: Url = None,
    key: Key = "",
    domains: Folder = None,
) -> None:
    """Attack a domain before training: find wrong completions that it pays, and right ones that it refuses.

    Exit status: 0 if no hole is found, 1 if one is (or --fail-on holds), 2 if nothing could be audited, 3 if the domain is
    UNCALIBRATED: it refuses right completions.
    """
    from reward_api.audit.findings import BadExpression, fails
    from reward_api.audit.result import Plan
    from reward_api.audit.scorer import CannotAudit
    from reward_api.cli.score.gateway import BadSetup, checked_url
    from reward_api.cli.score.rows import BadInput
    from reward_api.domains.spec import BadDomain

    settings = load_settings(domains=domains).model_copy(update={"cache_mb": 0})
    try:
        conditions = [fails(expression) for expression in fail_on or []]
        plan = Plan(_seconds(budget), deep, seed)
        url = url if url is None else checked_url(url)
        if verify_fix is not None:
            _verify_fix(verify_fix, settings, domain, component or [], url, key, plan)
            return
        if data is None:
            raise CannotAudit("give --data, or --verify-fix")
        items, left_out = read_items(data, domain, answer_column, limit)
        document, figures = asyncio.run(_run(settings, domain, component or [], url, key, items, left_out, plan))
    except (BadInput, BadSetup, BadDomain, BadExpression, CannotAudit) as error:
        raise failure(str(error), 2) from None
    _print(document, as_json=as_json)
    _write(document, _file(settings, domain), report, sarif, html, card)
    if document["verdict"] == "UNCALIBRATED":
        raise typer.Exit(UNCALIBRATED)
    is_bad = any(holds(figures) for holds in conditions) if fail_on else document["verdict"] == "HOLES"
    if is_bad:
        raise typer.Exit(1)


def _seconds(text: str) -> float:
    """Raises BadExpression."""
    from reward_api.audit.findings import BadExpression

    bare, scale = (text[:-1], 60.0) if text.endswith("m") else (text.removesuffix("s"), 1.0)
    try:
        seconds = float(bare) * scale
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise BadExpression(f"--budget {text}: write seconds or minutes, such as 120s or 5m")
    return seconds


def read_items(data: str, domain: str, answer_column: str | None, limit: int) -> tuple[list[Item], list[str]]:
    """The items of the first rows, and why others are none. Raises BadInput."""
    from reward_api.audit.items import item_of
    from reward_api.cli.score.requests import Columns, request_of
    from reward_api.cli.score.rows import BadInput, open_source

    items: list[Item] = []
    left_out: list[str] = []
    for row in open_source(data, limit=limit).rows():
        try:
            request = request_of(row, Columns(answer=answer_column, domain=domain), needs_completions=False)
        except BadInput as error:
            left_out.append(f"line {row.number}: {error}")
            continue
        item = item_of(row.number, request, row.data or {})
        if isinstance(item, str):
            left_out.append(f"line {row.number}: {item}")
        else:
            items.append(item)
    return items, left_out


async def _run(
    settings: GatewaySettings, name: str, component: list[str], url: str | None, key: str,
    items: list[Item], left_out: list[str], plan: Plan,
) -> tuple[dict[str, Any], dict[str, float]]:  # fmt: skip
    from reward_api.audit.report.document import document_of
    from reward_api.audit.run import audit as attack
    from reward_api.cli.score.gateway import client_for

    logging.getLogger().addHandler(logging.NullHandler())  # a log line for each hostile completion says nothing
    async with client_for(url, settings, key, name) as client:
        domain = await _domain(client, name, component)
        result = await attack(client, domain, items, left_out, plan)
    return document_of(result, url or PLACE), result.figures()


async def _domain(client: Any, name: str, component: list[str]) -> Any:
    from reward_api.audit.scorer import domain_of
    from reward_api.cli.score.gateway import demand_domain, served_domains

    demand_domain(name, await served_domains(client, 10.0, say))
    return domain_of((await client.get(f"/domains/{name}")).raise_for_status().json(), component)


def _verify_fix(
    path: Path, settings: GatewaySettings, name: str, component: list[str], url: str | None, key: str, plan: Plan
) -> None:
    """Exits with 1 where something is still paid, or a right completion is refused."""
    from rich.table import Table

    from reward_api.audit.replay import verify_fix
    from reward_api.audit.scorer import CannotAudit
    from reward_api.cli.score.gateway import client_for

    async def run() -> Any:
        async with client_for(url, settings, key, name) as client:
            domain = await _domain(client, name, component)
            return await verify_fix(client, domain, report, time.monotonic() + plan.budget_s)

    try:
        report = json.loads(path.read_text("utf-8"))
    except ValueError:
        raise CannotAudit(f"--verify-fix {path}: it is no JSON") from None
    check = asyncio.run(run())
    table = Table("family", "still paid", "of")
    for family, (still, count) in check.families.items():
        table.add_row(family, str(still), str(count))
    table.add_row("right completions", str(check.controls_paid), str(check.controls))
    output.print(table)
    if not check.is_mended:
        raise typer.Exit(1)


def _print(document: dict[str, Any], *, as_json: bool) -> None:
    from reward_api.audit.report.terminal import terminal_of

    if as_json:
        output.print_json(data=document)
    else:
        output.print(terminal_of(document))


def _file(settings: GatewaySettings, domain: str) -> str:
    """The domain's file as code hosts name it: from the folder in which the command runs, where it lies below that."""
    path = (settings.domains / f"{domain}.yaml").resolve()
    return path.relative_to(Path.cwd()).as_posix() if path.is_relative_to(Path.cwd()) else path.name


def _write(
    document: dict[str, Any], file: str, report: Path | None, sarif: Path | None, html: Path | None, card: Path | None
) -> None:
    """Exits with 2 when a file cannot be written."""
    from reward_api.audit.report.page import page_of
    from reward_api.audit.report.sarif import sarif_of
    from reward_api.audit.report.terminal import card_of

    texts: dict[Path | None, Callable[[], str]] = {
        report: lambda: json.dumps(document, indent=1),
        sarif: lambda: json.dumps(sarif_of(document, file), indent=1),
        html: lambda: page_of(document),
        card: lambda: card_of(document) + "\n",
    }
    for path, text in texts.items():
        if path is None:
            continue
        try:
            path.write_text(text(), "utf-8")
        except ImportError as error:
            raise failure(f"{error.name} is not installed: pip install 'touchstone-rewards[audit]'", 2) from None
        except OSError as error:
            raise failure(f"{path}: {error.strerror}", 2) from None
