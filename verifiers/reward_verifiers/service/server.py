"""The server: where it binds, how it takes signals, and how it ends."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import socket
from collections.abc import Callable, Iterator

import uvicorn
from fastapi import FastAPI

from reward_verifiers import collector
from reward_verifiers.service import tracing
from reward_verifiers.service.connections import connection_limit, guarded_protocol
from reward_verifiers.service.draining import Draining
from reward_verifiers.service.loopback import is_loopback
from reward_verifiers.service.middleware import setup_logging
from reward_verifiers.service.settings import ServiceSettings

log = logging.getLogger(__name__)

KEEP_ALIVE_S = 75
SHUTDOWN_S = 2  # for connections that are open when nothing is at work any more


class BindError(ValueError):
    """The address cannot be bound, or must not be; the message says what to do."""


def refuse_open_bind(host: str, has_key: bool, allow_open: bool) -> None:
    """Raises BindError for an address that others can reach when anyone could then score."""
    if has_key or allow_open or is_loopback(host):
        return
    raise BindError(
        f"{host} can be reached from other machines and no key is set: set TOUCHSTONE_SCORE_KEYS, or bind 127.0.0.1, "
        "or say --allow-open (TOUCHSTONE_ALLOW_OPEN=1) where the network is private"
    )


def _bound(host: str, port: int) -> socket.socket:
    """A listening socket. Raises BindError in one line."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host.strip("[]"), port))
    except OSError as error:
        listener.close()
        raise BindError(f"cannot bind {host}:{port}: {error.strerror or error}") from None
    return listener


def _url(listener: socket.socket, path: str) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}{path}" if ":" in host else f"http://{host}:{port}{path}"


class _Server(uvicorn.Server):
    """Drains the app before it ends, and ends by returning.

    uvicorn's own raises the signal again, before what it stands on is stopped.
    """

    def __init__(self, config: uvicorn.Config, app: FastAPI, grace_s: float) -> None:
        super().__init__(config)
        self._draining: Draining = app.state.draining
        self._read_again: Callable[[], None] | None = getattr(app.state, "read_again", None)
        self._grace_s = grace_s
        self._end: asyncio.Task[None] | None = None

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._stop, number)
        loop.add_signal_handler(signal.SIGHUP, self._hang_up)
        try:
            yield
        finally:
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                loop.remove_signal_handler(number)

    def _hang_up(self) -> None:
        if self._read_again is None:
            log.info("SIGHUP: this service follows no files, so there is nothing to read again")
        else:
            self._read_again()

    def _stop(self, number: int) -> None:
        """The first signal begins the end; a second one does not wait for it."""
        if self._end is None:
            log.info("stopping", extra={"grace_s": self._grace_s})
            self._end = asyncio.create_task(self._drain())
        else:
            self.handle_exit(number, None)

    async def _drain(self) -> None:
        await self._draining.drain(self._grace_s)
        self.should_exit = True


def configured(app: FastAPI, settings: ServiceSettings) -> uvicorn.Config:
    """uvicorn's settings: what it logs and counts by itself is off, since ours does."""
    return uvicorn.Config(
        app,
        http=guarded_protocol(app.state.connections, settings.header_timeout_s, settings.write_timeout_s),
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=SHUTDOWN_S,
    )


async def _serve(app: FastAPI, listener: socket.socket, settings: ServiceSettings) -> None:
    app.state.connections.limit = connection_limit()
    config = configured(app, settings)
    # Entered here and not by uvicorn, which would log an error of ours as a stack trace.
    async with app.router.lifespan_context(app):
        collector.settle()
        log.info("serving", extra={"address": listener.getsockname()[:2]})
        if page := getattr(app.state, "page", None):
            log.info("the page: %s", _url(listener, page))
        await _Server(config, app, settings.shutdown_grace_s).serve(sockets=[listener])


def serve(app: FastAPI, host: str, port: int, settings: ServiceSettings) -> None:
    """Serve until SIGTERM or SIGINT, within the app's lifespan, which starts and stops what the app stands on.

    Work in flight may finish for `settings.shutdown_grace_s`; the rest is cancelled. SIGHUP calls `app.state.read_again`.

    Raises BindError, and what the lifespan raises, before the first request is taken.
    """
    setup_logging(settings.log_level, settings.log_format)
    tracing.start(app.title)
    listener = _bound(host, port)
    with asyncio.Runner(loop_factory=uvicorn.Config(app, log_config=None).get_loop_factory()) as runner:
        runner.run(_serve(app, listener, settings))
