"""The command line: `touchstone serve`, `score`, `explain`, `domains`, `demo`. Heavy imports are inside the commands."""

from __future__ import annotations

import asyncio
import os
import sys
from importlib.metadata import entry_points
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError
from rich.console import Console

app = typer.Typer(
    name="touchstone", no_args_is_help=True, add_completion=False, help=__doc__, pretty_exceptions_enable=False
)
domains_app = typer.Typer(no_args_is_help=True, help="Look at and check domain files.")
app.add_typer(domains_app, name="domains")
errors = Console(stderr=True)

Host = Annotated[str, typer.Option(help="Address to bind; one other than loopback needs a key or --allow-open.")]
Port = Annotated[int, typer.Option(min=1, max=65535, help="TCP port.")]
Folder = Annotated[Path | None, typer.Option("--domains", help="Folder of domain files.", exists=True, file_okay=False)]


def _settings(**flags: Any) -> Any:
    from reward_api.settings import GatewaySettings
    from reward_verifiers.contract import validation_errors

    try:
        return GatewaySettings(**{name: value for name, value in flags.items() if value is not None})
    except ValidationError as error:
        for path, reason in validation_errors(error):
            errors.print(f"TOUCHSTONE_{path.upper()}: {reason}", markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(2) from None


def _fail(message: str, code: int = 1) -> typer.Exit:
    errors.print(message, markup=False, highlight=False, soft_wrap=True)
    return typer.Exit(code)


@app.command()
def serve(
    verifier: Annotated[
        str | None, typer.Argument(help="Serve one verifier by name (or module:Class); default: the whole suite.")
    ] = None,
    host: Host = "127.0.0.1",
    port: Port = 8000,
    domains: Folder = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Worker processes; default: one a core.")] = None,
    allow_open: Annotated[
        bool | None, typer.Option("--allow-open", help="Bind beyond loopback without any key.")
    ] = None,
    judge: Annotated[
        str | None, typer.Option(help="Base URL of an OpenAI-compatible server that judges, as TOUCHSTONE_JUDGE_URL.")
    ] = None,
) -> None:
    """Serve the gateway with all verifiers in one process tree, or one verifier as its own service."""
    from reward_verifiers.registry import BrokenVerifier, UnknownVerifier
    from reward_verifiers.runtime.pool import ForkServerFailed
    from reward_verifiers.service.server import refuse_open_bind

    if judge is not None:
        os.environ["TOUCHSTONE_JUDGE_URL"] = judge  # the backend of the models reads its own settings
    settings = _settings(domains=domains, workers=workers, allow_open=allow_open)
    sys.path.insert(0, "")  # so that module:Class may lie in the working folder, as for uvicorn
    try:
        refuse_open_bind(host, bool(settings.scorers), settings.allow_open)
        if verifier is None:
            from reward_api.app import serve_gateway

            serve_gateway(settings, host, port)
        else:
            from reward_api.cli.serve import serve_verifier

            serve_verifier(verifier, settings, host, port)
    except (UnknownVerifier, BrokenVerifier, ForkServerFailed, ValueError) as error:  # ValueError: BadDomain, BindError
        raise _fail(str(error)) from None


@app.command()
def score(
    rollouts: Annotated[
        str,
        typer.Argument(
            help="JSON lines, a rollout group a line; x.parquet; a folder of Dataset.save_to_disk; or hf:NAME of a hub's."
        ),
    ],
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            help="Where the scored lines go; resumed when it exists. Of a table: x.parquet, or a folder.",
        ),
    ],
    domain: Annotated[str | None, typer.Option(help="Domain of every line; default: each line's `domain`.")] = None,
    url: Annotated[
        str | None, typer.Option(envvar="TOUCHSTONE_URL", help="A running gateway; default: score in this process.")
    ] = None,
    key: Annotated[str, typer.Option(envvar="TOUCHSTONE_KEY", help="Bearer key of the gateway.")] = "",
    split: Annotated[str, typer.Option(help="Split of a data set that has several.")] = "train",
    domains: Folder = None,
) -> None:
    """Score rollouts, a file or a table, and print pass rate, component means and failures."""
    from itertools import islice

    import httpx
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    from reward_api.cli.score.job import job_of
    from reward_api.cli.score.lines import BadInput, client_for, resume, score_file, summary
    from reward_api.domains.spec import BadDomain

    settings = _settings(domains=domains)

    async def run(lines: Any, tick: Any, replies: Path) -> None:
        async with client_for(url, settings, key) as client:
            await score_file(client, lines, replies, domain, tick)

    try:
        job = job_of(rollouts, output, split)
        done = resume(job.replies)
        bar = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*bar, console=errors, transient=True) as progress:
            task = progress.add_task("scoring", total=job.count, completed=done)
            lines = islice(job.lines, done, None)
            asyncio.run(run(lines, lambda: progress.advance(task), job.replies))
        job.finish()
    except (BadInput, BadDomain) as error:
        raise _fail(str(error)) from None
    except httpx.TransportError as error:
        raise _fail(f"no gateway answers at {url} ({type(error).__name__}); run again to go on") from None
    except httpx.HTTPStatusError as error:
        raise _fail(f"the gateway stays busy (HTTP {error.response.status_code}); run again to go on") from None
    Console().print(summary(job.replies, output.name))


@app.command()
def explain(
    reference: Annotated[str, typer.Argument(help="The right answer, or a JSON object with `answer` and more.")],
    completion: Annotated[str, typer.Argument(help="What the model wrote; - reads it from standard input.")],
    option: Annotated[
        list[str] | None, typer.Option(help="An option of the verifier, name=value; may be repeated.")
    ] = None,
) -> None:
    """Say why one answer is right or wrong: what was extracted, both normal forms, the rule that decided."""
    from rich.table import Table
    from rich.text import Text

    from reward_api.cli.explain import BadPair, options_of, reference_of
    from reward_api.cli.explain import explain as verdict_of
    from reward_verifiers.verifier import BadOptions

    text = sys.stdin.read() if completion == "-" else completion
    try:
        verdict = asyncio.run(verdict_of(reference_of(reference), text, options_of(option or [])))
    except BadPair as error:
        raise _fail(str(error), 2) from None
    except BadOptions as error:
        raise _fail("; ".join(f"--option {path}: {reason}" for path, reason in error.errors), 2) from None
    table = Table(show_header=False)
    shown = {"score": verdict.score, "reason": verdict.reason, **verdict.evidence}
    for name, value in shown.items():
        table.add_row(name, Text(str(value)))
    Console().print(table)
    if not verdict.valid:
        raise typer.Exit(1)


@app.command()
def demo(
    port: Port = 8000,
    once: Annotated[bool, typer.Option(help="Stop after the table.")] = False,
    domains: Folder = None,
) -> None:
    """Start the suite on loopback, score the bundled sample groups over HTTP, and keep serving."""
    from reward_api.cli.demo import score_samples, serving

    settings = _settings(domains=domains)
    url = f"http://127.0.0.1:{port}"
    with serving(url, ["--port", str(port), "--domains", str(settings.domains)]) as server:
        table, surprises = score_samples(url, settings.domains, next(iter(settings.scorers | settings.admins), ""))
        Console(width=None if sys.stdout.isatty() else 160).print(table)
        if surprises:
            raise _fail(f"{surprises} rewards are not the expected ones")
        if not once:
            errors.print(f"Serving on {url} (docs at {url}/docs). Stop with Ctrl-C.")
            try:
                server.wait()
            except KeyboardInterrupt:
                return


@domains_app.command("check")
def check(
    domains: Folder = None,
    domain: Annotated[str | None, typer.Option(help="Domain that scores the data.")] = None,
    data: Annotated[
        Path | None, typer.Option(help="JSON lines whose references are checked.", exists=True, dir_okay=False)
    ] = None,
) -> None:
    """Check every domain file, and the references of a data set, before training does."""
    from reward_api.cli.check import check_data, check_domains

    settings = _settings(domains=domains)
    found = asyncio.run(check_domains(settings))
    if not found and data is not None:
        if domain is None:
            raise _fail("--data needs --domain", 2)
        found = asyncio.run(check_data(settings, domain, data))
    for line in found:
        errors.print(line, markup=False, highlight=False, soft_wrap=True)
    if found:
        raise typer.Exit(1)
    Console().print("all good")


# Commands of other packages, `train` among them: the services import none of them, and a broken one breaks only itself.
def _add_commands() -> None:
    for point in entry_points(group="touchstone.commands"):
        try:
            app.command(point.name)(point.load())
        except Exception as error:
            app.command(point.name, help=f"Not available: {error}")(_unavailable(point.name, error))


def _unavailable(name: str, error: Exception) -> Any:
    def command() -> None:
        raise _fail(f"{name} cannot be loaded: {error}")

    return command


_add_commands()
