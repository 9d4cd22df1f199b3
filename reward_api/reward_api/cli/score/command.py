"""`touchstone score`: score rollouts, a file or a table."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from reward_api.cli.console import Folder, Key, Url, errors, failure, load_settings


def score(
    rollouts: Annotated[
        str,
        typer.Argument(
            help="JSON lines, one rollout group a line; x.parquet; a folder of Dataset.save_to_disk; or hf:NAME on the hub."
        ),
    ],
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            help="Where to write the scored lines; resumed when it exists. For a table: x.parquet, or a folder.",
        ),
    ],
    domain: Annotated[str | None, typer.Option(help="Domain of every line. Default: each line's `domain`.")] = None,
    url: Url = None,
    key: Key = "",
    split: Annotated[str, typer.Option(help="Split of a data set with several.")] = "train",
    domains: Folder = None,
) -> None:
    """Score rollouts, a file or a table, and print pass rate, component means and failures."""
    from itertools import islice

    import httpx
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    from reward_api.cli.score.job import job_of
    from reward_api.cli.score.lines import BadInput, client_for, resume, score_file, summary
    from reward_api.domains.spec import BadDomain

    settings = load_settings(domains=domains)

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
        raise failure(str(error)) from None
    except httpx.TransportError as error:
        raise failure(f"no gateway answers at {url} ({type(error).__name__}); run again to go on") from None
    except httpx.HTTPStatusError as error:
        raise failure(f"the gateway stays busy (HTTP {error.response.status_code}); run again to go on") from None
    Console().print(summary(job.replies, output.name))
