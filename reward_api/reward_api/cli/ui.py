"""`touchstone ui`: the page over a store, or over files that `touchstone score` wrote, without a gateway."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reward_api.cli.console import Folder, Port, failure, load_settings, say
from reward_api.cli.look.show import CompletionColumn

if TYPE_CHECKING:
    from fastapi import FastAPI

    from reward_api.gateway.gateway import Gateway
    from reward_api.settings import GatewaySettings

IMPORTED = "touchstone-imported.sqlite"


def ui(
    path: Annotated[
        Path,
        typer.Argument(help="A folder of scored files or a store, or one such file.", exists=True),
    ],
    port: Port = 8701,
    domains: Folder = None,
    completion_column: CompletionColumn = None,
) -> None:
    """Show scored files or a store as a page: runs, groups, and why each completion got its reward.

    The page follows the files while they grow. To score a text again, it uses the domains of --domains.
    """
    from reward_api.ui import is_installed
    from reward_verifiers.service.server import BindError, serve

    if not is_installed():
        raise failure("jinja2 is not installed: pip install 'touchstone-rewards[ui]'")
    settings = load_settings(domains=domains)
    with tempfile.TemporaryDirectory(prefix="touchstone-ui-") as folder:
        app = _app(path, settings, completion_column, Path(folder))
        say(f"Open http://127.0.0.1:{port}/ui. Stop with Ctrl-C.")
        try:
            serve(app, "127.0.0.1", port, settings)
        except BindError as error:
            raise failure(str(error)) from None


def _app(path: Path, settings: GatewaySettings, completion_column: str | None, scratch: Path) -> FastAPI:
    """Exits with 2 when there is nothing to show."""
    from reward_api.cli.look.importing import Importer, scored_files
    from reward_api.cli.score.requests import Columns
    from reward_api.gateway.gateway import package_version
    from reward_api.store.queries import Queries
    from reward_api.store.reader import Reader
    from reward_api.store.segment import PATTERN
    from reward_api.ui.labels import FILE
    from reward_api.ui.mount import mount
    from reward_api.ui.pages import Site
    from reward_verifiers.service.app import bare_app

    is_segment = path.suffix == ".sqlite"
    segments = [path] if is_segment or (path.is_dir() and list(path.glob(PATTERN))) else []
    files = [] if is_segment else scored_files(path)
    if not segments and not files:
        raise failure(f"{path}: there is neither a file that `touchstone score` wrote nor a store", 2)
    importer = Importer(path, scratch / IMPORTED, Columns(completion_column)) if files else None
    gateway = LazyGateway(settings)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with gateway.stopped():
            with importer or contextlib.nullcontext():
                yield

    app = bare_app("Touchstone page", package_version(), settings.limits(), lifespan)
    places = [*segments, *([scratch / IMPORTED] if importer else [])]
    folder = path if path.is_dir() else path.parent
    site = Site(
        queries=Queries(Reader(*places)),
        gateway_of=gateway.get,
        labels=folder / FILE,
        audits=settings.audits,
        read=importer.progress if importer else lambda: None,
        place=str(path),
    )
    mount(app, site)
    return app


class LazyGateway:
    """A gateway in this process, started when something is first scored."""

    def __init__(self, settings: GatewaySettings) -> None:
        self._settings = settings
        self._stack = AsyncExitStack()
        self._start: asyncio.Task[Gateway] | None = None

    async def get(self) -> Gateway:
        """Raises BadDomain."""
        if self._start is None or (self._start.done() and self._start.exception() is not None):
            self._start = asyncio.create_task(self._started())
        return await asyncio.shield(self._start)

    async def _started(self) -> Gateway:
        from reward_api.gateway.gateway import Gateway

        # What is asked from a page is not stored.
        gateway = await asyncio.to_thread(Gateway, self._settings.model_copy(update={"store": None}))
        await self._stack.enter_async_context(gateway.running())
        return gateway

    @asynccontextmanager
    async def stopped(self) -> AsyncIterator[None]:
        """It is stopped when this ends."""
        async with self._stack:
            try:
                yield
            finally:
                if self._start is not None and not self._start.done():
                    self._start.cancel()
                    await asyncio.wait([self._start])
