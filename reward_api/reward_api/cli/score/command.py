"""`touchstone score`: score rollouts, a file or a table."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reward_api.cli.console import Folder, Key, Url, errors, failure, load_settings, say
from reward_api.cli.console import output as stdout

if TYPE_CHECKING:
    from reward_api.cli.score.job import Job
    from reward_api.settings import GatewaySettings

INTERRUPTED = 130


def score(
    rollouts: Annotated[
        str,
        typer.Argument(
            help="JSON lines, a JSON array or CSV, also as .gz or .zst; x.parquet; a folder of Dataset.save_to_disk; "
            "hf:NAME on Hugging Face's hub; - for standard input."
        ),
    ],
    output: Annotated[
        str,
        typer.Option(
            "--output",
            "-o",
            help="Where to write: JSON lines, or x.parquet or a folder for a table; - for standard output. "
            "A file of the same run is resumed.",
        ),
    ],
    domain: Annotated[str | None, typer.Option(help="Domain for every row. Default: each row's `domain`.")] = None,
    completion_column: Annotated[
        str | None, typer.Option(help="Column of the completions. Default: completions, response, output and the like.")
    ] = None,
    answer_column: Annotated[
        str | None,
        typer.Option(
            help="Column of the right answer, such as info.gold. Default: answer, ground_truth, solution and the like."
        ),
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Score only the first rows.")] = None,
    url: Url = None,
    key: Key = "",
    wait: Annotated[float, typer.Option(min=0, help="Seconds to wait until the gateway at --url answers.")] = 10.0,
    split: Annotated[str, typer.Option(help="Which split of a data set to score.")] = "train",
    domains: Folder = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the output of another run.")] = False,
    rejudge_failed: Annotated[
        bool, typer.Option("--rejudge-failed", help="Score the samples of the output that have no verdict once more.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print no progress and no summary.")] = False,
) -> None:
    """Score rollouts, and print pass rate, component means, failures and refused rows.

    Exit status: 0 if every completion has a verdict, 3 if some have none, 1 if all have none, 2 if nothing could be scored.
    """
    from reward_api.cli.score.gateway import BadSetup, checked_url
    from reward_api.cli.score.job import job_of
    from reward_api.cli.score.requests import Columns
    from reward_api.cli.score.rows import BadInput
    from reward_api.domains.spec import BadDomain

    settings = load_settings(domains=domains)
    try:
        url = url if url is None else checked_url(url)
        columns = Columns(completion_column, answer_column, domain)
        job = job_of(rollouts, output, columns, split, limit, overwrite=overwrite, rejudge_failed=rejudge_failed)
        with job:
            asyncio.run(_run(job, settings, url, key, wait, quiet))
            summary = job.finish()
    except (BadInput, BadSetup, BadDomain) as error:
        raise failure(str(error), 2) from None
    except KeyboardInterrupt:
        raise failure(f"stopped at {job.progress}; run again to go on", INTERRUPTED) from None
    if not quiet:
        console = errors if job.is_stdout else stdout
        title = "standard output" if job.is_stdout else Path(output).name
        if as_json:
            console.print_json(data=summary.document())
        else:
            console.print(summary.table(title))
    if summary.exit_code:
        raise typer.Exit(summary.exit_code)


async def _run(job: Job, settings: GatewaySettings, url: str | None, key: str, wait_s: float, quiet: bool) -> None:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    from reward_api.cli.score.gateway import client_for, demand_domain, served_domains
    from reward_api.cli.score.run import RowScorer, is_all_done

    if url is None and await is_all_done(job.source, job.columns, job.journal, settings):
        return
    bar = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    columns = job.columns
    async with client_for(url, settings, key, columns.domain) as client:
        served = await served_domains(client, wait_s, say)
        demand_domain(columns.domain, served)
        job.journal.check_versions({name: one.version for name, one in served.items() if one.version})
        with Progress(*bar, console=errors, transient=True, disable=quiet or not sys.stderr.isatty()) as progress:
            task = progress.add_task("scoring", total=job.source.count)

            def tick() -> None:
                job.done += 1
                progress.advance(task)

            await RowScorer(client, columns, served, job.journal).score(job.source.rows(), job.put, tick)
