"""`touchstone explain`: why one answer is right or wrong."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from reward_api.cli.console import Folder, failure, load_settings, output, printable

if TYPE_CHECKING:
    from reward_api.settings import GatewaySettings
    from reward_verifiers.contract import Verdict


class BadOption(ValueError):
    """An option cannot be read; the message says which, and how to write it."""


def explain(
    reference: Annotated[str, typer.Argument(help="The right answer, or a JSON object with `answer` and more.")],
    completion: Annotated[str, typer.Argument(help="The model's text, or - to read it from standard input.")],
    option: Annotated[
        list[str] | None, typer.Option(help="An option of the answer verifier: name=value. Repeatable.")
    ] = None,
    domain: Annotated[
        str | None, typer.Option(help="Run every component of this domain instead of the answer verifier alone.")
    ] = None,
    prompt: Annotated[str | None, typer.Option(help="The prompt, if the domain reads it.")] = None,
    domains: Folder = None,
) -> None:
    """Explain why one answer is right or wrong: the extracted answer, both normal forms, and the rule that decided."""
    from rich.table import Table
    from rich.text import Text

    from reward_verifiers.verifier import BadOptions

    text = sys.stdin.read() if completion == "-" else completion
    if domain is not None:
        if option:
            raise failure("--option belongs to the answer verifier; the options of a domain are in its file", 2)
        _explain_domain(domain, reference_of(reference), text, prompt, load_settings(domains=domains))
        return
    try:
        verdict = asyncio.run(verdict_of(reference_of(reference), text, options_of(option or [])))
    except BadOption as error:
        raise failure(str(error), 2) from None
    except BadOptions as error:
        raise failure("; ".join(f"--option {path}: {reason}" for path, reason in error.errors), 2) from None
    table = Table(show_header=False)
    for name, value in {"score": verdict.score, "reason": verdict.reason, **verdict.evidence}.items():
        table.add_row(name, Text(printable(str(value))))
    output.print(table)
    if not verdict.valid:
        raise typer.Exit(1)


def _explain_domain(
    domain: str, reference: dict[str, Any], text: str, prompt: str | None, settings: GatewaySettings
) -> None:
    from rich.table import Table
    from rich.text import Text

    from reward_api.cli.score.gateway import BadSetup
    from reward_api.domains.spec import BadDomain

    request = {"completions": [text], "reference": reference} | ({"prompt": prompt} if prompt else {})
    try:
        result = asyncio.run(_result_of(domain, request, settings))
    except (BadSetup, BadDomain) as error:
        raise failure(str(error), 2) from None
    table = Table("component", "score", "weight", "reason and evidence", show_lines=True)
    for name, part in result["components"].items():
        evidence = "".join(f"\n{key}: {value}" for key, value in part["evidence"].items())
        score = "null" if part["score"] is None else f"{part['score']:g}"
        table.add_row(name, score, f"{part['weight']:g}", Text(printable(part["reason"] + evidence)))
    reward, problem = result["reward"], result["failure"]
    table.add_row(
        "reward",
        "null" if reward is None else f"{reward:g}",
        "",
        Text(printable(problem["message"]) if problem else ""),
    )
    output.print(table)
    if reward is None:
        raise typer.Exit(1)


async def _result_of(domain: str, request: dict[str, Any], settings: GatewaySettings) -> dict[str, Any]:
    """The gateway's result, of a gateway in this process. Raises BadSetup."""
    from reward_api.cli.score.gateway import BadSetup, client_for
    from reward_api.cli.score.summary import problem_text

    async with client_for(None, settings, "", domain) as client:
        reply = (await client.post(f"/score/{domain}", json=request)).json()
    if "results" not in reply:
        raise BadSetup(problem_text(reply))
    result: dict[str, Any] = reply["results"][0]
    return result


def reference_of(text: str) -> dict[str, Any]:
    """A reference as typed: the answer itself, or a JSON object with `answer` and the item's own options."""
    try:
        reference = json.loads(text) if text.lstrip().startswith("{") else None
    except ValueError:
        reference = None  # a set such as {1, 2}
    return reference if isinstance(reference, dict) else {"answer": text}


def options_of(pairs: list[str]) -> dict[str, Any]:
    """Options as typed, `name=value` each, the value in YAML. Raises BadOption."""
    import yaml

    options = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        try:
            options[name] = yaml.safe_load(value)
        except yaml.YAMLError:
            equals = ""
        if not name or not equals:
            raise BadOption(f"--option {pair!r}: write name=value, as in a domain file, e.g. kind=choice")
    return options


async def verdict_of(reference: dict[str, Any], completion: str, options: dict[str, Any]) -> Verdict:
    """The answer verifier's verdict, from a real worker with its limits. Raises BadOptions."""
    from reward_verifiers.contract import VerifyRequest
    from reward_verifiers.runtime.local import Local, pool_for

    pool = pool_for(["answer"], size=1)
    await pool.start()
    try:
        request = VerifyRequest(completions=[completion], reference=reference, options=options)
        return (await Local("answer", pool).verify(request)).verdicts[0]
    finally:
        await pool.aclose()
