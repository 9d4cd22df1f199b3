"""uvicorn's protocol with what it lacks against slow and greedy clients.

a request's headers    have a deadline and a size          408, 431
a reply                that the client stops reading ends the connection
too many connections   the one that waits longest for a request makes way; health is always answered    503
"""

from __future__ import annotations

import asyncio
import resource
from typing import Any

from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from reward_verifiers.service.keys import PUBLIC_PATHS
from reward_verifiers.service.problems import HTTPProblem

MAX_HEADER_BYTES = 64 << 10
MAX_CONNECTIONS = 4096
# Beyond the limit: for connections that ask for health, and for those that are told that there is no room.
SPARE = 64
_OTHER_FILES = 256  # that a process has open beside its connections
FILES = MAX_CONNECTIONS + SPARE + _OTHER_FILES


class Connections:
    """How many connections there are, and which of them wait for a request, the longest first."""

    def __init__(self, limit: int = MAX_CONNECTIONS) -> None:
        self.limit = limit
        self.refused = 0
        """Requests that were told that there are too many connections."""
        self.open = 0
        self._waiting: dict[HttpToolsProtocol, None] = {}

    def opened(self) -> None:
        """One more. At the limit, the one that waits longest is closed for it."""
        if self.open >= self.limit and self._waiting:
            oldest = next(iter(self._waiting))
            del self._waiting[oldest]
            oldest.transport.abort()
        self.open += 1

    def closed(self, connection: HttpToolsProtocol) -> None:
        self.open -= 1
        self._waiting.pop(connection, None)

    def waits(self, connection: HttpToolsProtocol) -> None:
        """It has no request at work."""
        self._waiting[connection] = None

    def works(self, connection: HttpToolsProtocol) -> None:
        self._waiting.pop(connection, None)

    @property
    def is_full(self) -> bool:
        return self.open > self.limit

    @property
    def is_beyond(self) -> bool:
        """Whether not even a refusal has room."""
        return self.open > self.limit + SPARE


def connection_limit() -> int:
    """How many connections this process may have; its limit on open files is raised as far as that needs."""
    return max(open_files(FILES) - SPARE - _OTHER_FILES, 16)


def open_files(wanted: int) -> int:
    """How many of the wanted files this process may have open: its limit is raised to them, as far as that may be."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return wanted
    if soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return min(soft, wanted)


def guarded_protocol(
    connections: Connections, header_timeout_s: float, write_timeout_s: float
) -> type[HttpToolsProtocol]:
    """The protocol of one server. A reply of which nothing is taken for `write_timeout_s` is given up."""

    class Guarded(HttpToolsProtocol):
        _header_timer: asyncio.TimerHandle | None = None
        _write_timer: asyncio.TimerHandle | None = None
        _header_bytes = 0
        _in_headers = True

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            connections.opened()
            if connections.is_beyond:
                transport.abort()
                return
            connections.waits(self)
            self._await_headers()

        def connection_lost(self, exc: Exception | None) -> None:
            connections.closed(self)
            self._stop_header_timer()
            self._stop_write_timer()
            super().connection_lost(exc)

        # --- a request's headers --------------------------------------------------------------------------------------

        def on_message_begin(self) -> None:
            super().on_message_begin()
            if not self._in_headers:
                self._await_headers()

        def on_headers_complete(self) -> None:
            self._in_headers = False
            self._stop_header_timer()
            connections.works(self)
            is_refused = connections.is_full and self.url.partition(b"?")[0].decode("latin-1") not in PUBLIC_PATHS
            self.app = _refuse if is_refused else self.config.loaded_app
            connections.refused += is_refused
            super().on_headers_complete()

        def data_received(self, data: bytes) -> None:
            # Counted before this chunk is read: one that also holds a body does not count against the headers.
            if self._in_headers and self._header_bytes > MAX_HEADER_BYTES:
                self._close(b"431 Request Header Fields Too Large")
                return
            self._header_bytes += len(data) if self._in_headers else 0
            super().data_received(data)

        def _await_headers(self) -> None:
            self._in_headers, self._header_bytes = True, 0
            self._stop_header_timer()
            self._header_timer = self.loop.call_later(header_timeout_s, self._close, b"408 Request Timeout")

        def _stop_header_timer(self) -> None:
            if self._header_timer is not None:
                self._header_timer.cancel()
                self._header_timer = None

        def _close(self, status: bytes) -> None:
            if not self.transport.is_closing():
                self.transport.write(b"HTTP/1.1 %s\r\nconnection: close\r\ncontent-length: 0\r\n\r\n" % status)
                self.transport.close()

        # --- its reply ------------------------------------------------------------------------------------------------

        def on_response_complete(self) -> None:
            super().on_response_complete()
            if not self.pipeline and not self.transport.is_closing():
                connections.waits(self)

        def timeout_keep_alive_handler(self) -> None:
            self.transport.abort()  # a mere close would wait for a client that does not read

        def pause_writing(self) -> None:
            super().pause_writing()
            self._stop_write_timer()
            self._watch_write()

        def resume_writing(self) -> None:
            self._stop_write_timer()
            super().resume_writing()

        def _watch_write(self) -> None:
            left = self.transport.get_write_buffer_size()
            self._write_timer = self.loop.call_later(write_timeout_s, self._check_write, left)

        def _check_write(self, before: int) -> None:
            if self.transport.get_write_buffer_size() < before:
                self._watch_write()
            else:
                self.transport.abort()

        def _stop_write_timer(self) -> None:
            if self._write_timer is not None:
                self._write_timer.cancel()
                self._write_timer = None

    return Guarded


async def _refuse(scope: Scope, receive: Receive, send: Send) -> None:
    headers = {"retry-after": "1", "connection": "close"}
    detail = "Every connection that this service has room for is at work."
    await HTTPProblem(503, "Too many connections", detail, headers=headers).response()(scope, receive, send)
