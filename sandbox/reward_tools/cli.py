"""`touchstone tools index`, `touchstone tools search`. Index libraries are imported inside the commands."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

errors = Console(stderr=True)
app = typer.Typer(
    no_args_is_help=True,
    help="Make and search the corpus of the tools `search` and `open`.",
    pretty_exceptions_enable=False,
)
NEEDED = "bm25s is not installed: pip install 'touchstone-rewards[tools]'"


def _fail(message: str) -> typer.Exit:
    errors.print(message, markup=False, highlight=False, soft_wrap=True)
    return typer.Exit(1)


@app.callback()
def main() -> None: ...


@app.command()
def index(
    folder: Annotated[Path, typer.Argument(help="Folder of .txt, .md and .jsonl files.", exists=True, file_okay=False)],
    out: Annotated[Path, typer.Argument(help="Folder for the index. If it exists, it is replaced.")],
) -> None:
    """Make an index of a folder of texts, for TOUCHSTONE_TOOLS_CORPUS."""
    try:
        from reward_tools.corpus.build import BadCorpus, build
    except ImportError:
        raise _fail(NEEDED) from None
    try:
        documents, passages = build(folder, out)
    except BadCorpus as error:
        raise _fail(str(error)) from None
    except ImportError:
        raise _fail(NEEDED) from None
    typer.echo(f"{documents} documents, {passages} passages: TOUCHSTONE_TOOLS_CORPUS={out}")


@app.command()
def search(
    query: Annotated[str, typer.Argument(help="Words to look for.")],
    corpus: Annotated[Path | None, typer.Option(help="The index. Default: the shipped one.")] = None,
    top_k: Annotated[int, typer.Option(min=1, max=20, help="How many passages.")] = 3,
) -> None:
    """Print what the tool `search` gives for a query."""
    from reward_tools.settings import ToolsSettings

    try:
        from reward_tools.corpus.index import CorpusIndex, NoIndex
        from reward_tools.tools.look_up import shown
    except ImportError:
        raise _fail(NEEDED) from None
    try:
        hits = CorpusIndex(corpus or ToolsSettings().corpus).search(query, top_k)
    except NoIndex as error:
        raise _fail(str(error)) from None
    typer.echo("\n\n".join(map(shown, hits)) or "No passage has these words.")
