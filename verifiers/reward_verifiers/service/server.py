"""uvicorn with what it lacks against slow and greedy clients: a deadline and a size for a request's headers."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import logging
import signal
import socket
from collections.abc import Iterator
from typing import Any

import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from reward_verifiers.service.draining import Draining
from reward_verifiers.service.middleware import setup_logging

log = logging.getLogger(__name__)

KEEP_ALIVE_S = 75
SHUTDOWN_S = 2  # for connections that are open when nothing is at work any more
MAX_HEADER_BYTES = 64 << 10
MAX_CONNECTIONS = 4096


class BindError(ValueError):
    """The address cannot be bound, or must not be; the message says what to do."""


def refuse_open_bind(host: str, has_key: bool, allow_open: bool) -> None:
    """Raises BindError for an address that others can reach when anyone could then score."""
    if has_key or allow_open or _is_loopback(host):
        return
    raise BindError(
        f"{host} can be reached from other machines and no key is set: set TOUCHSTONE_SCORE_KEYS, or bind 127.0.0.1, "
        "or say --allow-open (TOUCHSTONE_ALLOW_OPEN=1) where the network is private"
    )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def guarded_protocol(header_timeout_s: float) -> type[HttpToolsProtocol]:
    """uvicorn's protocol, closing connections whose headers do not arrive in time or never end."""

    class Guarded(HttpToolsProtocol):
        _timer: asyncio.TimerHandle | None = None
        _header_bytes = 0
        _in_headers = True

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            self._await_headers()

        def on_message_begin(self) -> None:
            super().on_message_begin()
            if not self._in_headers:
                self._await_headers()

        def on_headers_complete(self) -> None:
            self._in_headers = False
            self._stop_timer()
            super().on_headers_complete()

        def data_received(self, data: bytes) -> None:
            # Counted before this chunk is read: one that also holds a body does not count against the headers.
            if self._in_headers and self._header_bytes > MAX_HEADER_BYTES:
                self._close(b"431 Request Header Fields Too Large")
                return
            self._header_bytes += len(data) if self._in_headers else 0
            super().data_received(data)

        def connection_lost(self, exc: Exception | None) -> None:
            self._stop_timer()
            super().connection_lost(exc)

        def _await_headers(self) -> None:
            self._in_headers, self._header_bytes = True, 0
            self._stop_timer()
            self._timer = self.loop.call_later(header_timeout_s, self._close, b"408 Request Timeout")

        def _stop_timer(self) -> None:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None

        def _close(self, status: bytes) -> None:
            if not self.transport.is_closing():
                self.transport.write(b"HTTP/1.1 %s\r\nconnection: close\r\ncontent-length: 0\r\n\r\n" % status)
                self.transport.close()

    return Guarded


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


class _Server(uvicorn.Server):
    """Drains the app before it ends, and ends by returning.

    uvicorn's own raises the signal again, before what it stands on is stopped.
    """

    def __init__(self, config: uvicorn.Config, draining: Draining, grace_s: float) -> None:
        super().__init__(config)
        self._draining = draining
        self._grace_s = grace_s
        self._end: asyncio.Task[None] | None = None

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._stop, number)
        loop.add_signal_handler(signal.SIGHUP, log.info, "SIGHUP: domain files are read every second, so nothing to do")
        try:
            yield
        finally:
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                loop.remove_signal_handler(number)

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


async def _serve(app: FastAPI, listener: socket.socket, header_timeout_s: float, shutdown_grace_s: float) -> None:
    config = uvicorn.Config(
        app,
        http=guarded_protocol(header_timeout_s),
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=SHUTDOWN_S,
        limit_concurrency=MAX_CONNECTIONS,
    )
    # Entered here and not by uvicorn, which would log an error of ours as a stack trace.
    async with app.router.lifespan_context(app):
        log.info("serving", extra={"address": listener.getsockname()[:2]})
        await _Server(config, app.state.draining, shutdown_grace_s).serve(sockets=[listener])


def serve(
    app: FastAPI,
    host: str,
    port: int,
    *,
    header_timeout_s: float = 10.0,
    shutdown_grace_s: float = 10.0,
    log_level: str = "INFO",
    log_format: str = "auto",
) -> None:
    """Serve until SIGTERM or SIGINT, within the app's lifespan, which starts and stops what the app stands on.

    Work in flight may finish for `shutdown_grace_s`; the rest is cancelled.

    Raises BindError, and what the lifespan raises, before the first request is taken.
    """
    setup_logging(log_level, log_format)
    listener = _bound(host, port)
    with asyncio.Runner(loop_factory=uvicorn.Config(app, log_config=None).get_loop_factory()) as runner:
        runner.run(_serve(app, listener, header_timeout_s, shutdown_grace_s))
