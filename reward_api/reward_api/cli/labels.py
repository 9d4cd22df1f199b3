"""`touchstone check-labels`: whether a domain scores labelled completions as a person said it should."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from reward_api.cli.console import Folder, Key, Url, failure, load_settings, output, printable, say

if TYPE_CHECKING:
    from reward_api.settings import GatewaySettings
    from reward_api.ui.labels import Label

NO_VERDICT = 3


def check_labels(
    labels: Annotated[Path, typer.Argument(help="A file of labels, written by the page.", exists=True, dir_okay=False)],
    domain: Annotated[str | None, typer.Option(help="Score every label by this domain instead of its own.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print every label as JSON.")] = False,
    url: Url = None,
    key: Key = "",
    domains: Folder = None,
) -> None:
    """Score labelled completions again. Those that were paid wrongly must now score less; those that were refused wrongly,
    more.

    Exit status: 0 if every label holds, 1 if one does not, 3 if one has no verdict, 2 if nothing could be checked.
    """
    from reward_api.cli.score.gateway import BadSetup, checked_url
    from reward_api.domains.spec import BadDomain
    from reward_api.ui.labels import BadLabel, read_labels

    settings = load_settings(domains=domains)
    try:
        lines = list(read_labels(labels))
        if not lines:
            raise BadLabel(f"{labels}: there is no label in it")
        outcomes = asyncio.run(_check(lines, domain, settings, url if url is None else checked_url(url), key))
    except (BadLabel, BadSetup, BadDomain, OSError) as error:
        raise failure(str(error), 2) from None
    if as_json:
        output.print_json(data=[_document(*one) for one in outcomes])
    else:
        _print(outcomes)
    verdicts = {verdict for _, verdict, _ in outcomes}
    if "broken" in verdicts:
        raise typer.Exit(1)
    if "no verdict" in verdicts:
        raise typer.Exit(NO_VERDICT)


Outcome = tuple["Label", str, dict[str, Any]]


async def _check(
    labels: list[Label], domain: str | None, settings: GatewaySettings, url: str | None, key: str
) -> list[Outcome]:
    """Each label with its verdict and its new result. Raises BadSetup."""
    from reward_api.cli.score.gateway import client_for, demand_domain, served_domains

    names = {domain or label.domain for label in labels}
    only = next(iter(names)) if len(names) == 1 else None
    async with client_for(url, settings, key, only) as client:
        served = await served_domains(client, 10.0, say)
        for name in names:
            demand_domain(name, served)
        return [await _scored(client, label, domain or label.domain) for label in labels]


async def _scored(client: Any, label: Label, domain: str) -> Outcome:
    from pydantic import ValidationError

    from reward_api.cli.score.gateway import BadSetup
    from reward_api.cli.score.summary import problem_text
    from reward_api.ui.labels import BadLabel
    from reward_verifiers.contract import ScoreRequest, validation_errors

    try:
        body = label.request()
    except ValidationError as error:
        raise BadLabel("; ".join(": ".join(one) for one in validation_errors(error, ScoreRequest))) from None
    reply = (await client.post(f"/score/{domain}", json=body)).json()
    if "results" not in reply:
        raise BadSetup(problem_text(reply))
    result = reply["results"][0]
    if label.component != "reward" and label.component not in result["components"]:
        names = ", ".join(result["components"])
        raise BadLabel(f"component: {domain} has no {label.component!r}; there are: {names}")
    return label, label.verdict(result), result


def _score(label: Label, result: dict[str, Any]) -> float | None:
    score: float | None = (
        result["reward"] if label.component == "reward" else result["components"][label.component]["score"]
    )
    return score


def _document(label: Label, verdict: str, result: dict[str, Any]) -> dict[str, Any]:
    return label.model_dump() | {"verdict": verdict, "score_now": _score(label, result)}


def _print(outcomes: list[Outcome]) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table("", "label", "domain", "component", "then", "now", "completion", title=f"{len(outcomes)} labels")
    for label, verdict, result in outcomes:
        scores = ["null" if one is None else f"{one:g}" for one in (label.score, _score(label, result))]
        text = str(label.completion).replace("\n", "⏎")
        cells = [label.domain, label.component, *scores, text[:60] + "…" * (len(text) > 60)]
        table.add_row(verdict, label.label, *(Text(printable(cell)) for cell in cells))
    output.print(table)
