"""The middleware of every service: pure ASGI layers, outermost first.

    RequestId     a name for each request, in the log and in the reply
    CountRequests replies by route and status                  (metrics.py)
    KnownHosts    421 for a foreign Host, where no keys are set  (hosts.py)
    BearerKeys    401 without a key, where keys are set        (keys.py)
    RefuseWhileDraining   503 once the service is ending       (draining.py)
    BoundedBody   429, 413, 408, 415: the room that bodies take, a body's size, its time to arrive, its encoding   (body.py)
    StrictRoute   400, 415: strict JSON only                   (strict_route.py)

Nothing here buffers beyond its bound, and nothing waits longer than its deadline.
"""

from __future__ import annotations

import logging
import re
import secrets
import sys
from dataclasses import dataclass

from fastapi import FastAPI
from pythonjsonlogger.core import RESERVED_ATTRS
from pythonjsonlogger.json import JsonFormatter
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from reward_verifiers.service import tracing
from reward_verifiers.service.admission import Admission
from reward_verifiers.service.body import BoundedBody
from reward_verifiers.service.connections import Connections
from reward_verifiers.service.draining import Draining, RefuseWhileDraining
from reward_verifiers.service.hosts import KnownHosts
from reward_verifiers.service.keys import BearerKeys, Keys
from reward_verifiers.service.metrics import CountRequests, Counts
from reward_verifiers.service.request_context import request_id, traceparent

_RESERVED = frozenset({*RESERVED_ATTRS, "message", "asctime", "request_id", "taskName", "color_message"})
_NOSNIFF = (b"x-content-type-options", b"nosniff")
_NO_STORE = (b"cache-control", b"no-store")
_REQUEST_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")

_TRACE = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")


@dataclass(frozen=True, slots=True)
class ServiceLimits:
    """What a service lets in. Bytes are counted after decompression."""

    max_body_bytes: int = 64 << 20
    max_inflight_bytes: int = 128 << 20
    body_timeout_s: float = 30.0
    score_keys: frozenset[str] = frozenset()
    admin_keys: frozenset[str] = frozenset()
    hosts: frozenset[str] = frozenset()
    """Names beside loopback that a request without a key may have as its Host."""
    open_metrics: bool = False


def add_middleware(app: FastAPI, limits: ServiceLimits) -> None:
    """Add the middleware to an app; the last added is the outermost."""
    state = app.state
    refusals = state.refusals = dict.fromkeys(("draining", "key", "host"), 0)
    state.keys = Keys(limits.score_keys, limits.admin_keys)
    state.connections = Connections()
    state.draining = Draining()
    state.request_counts = Counts()
    state.body_room = Admission(limits.max_inflight_bytes, reserve=limits.max_inflight_bytes // 8)
    app.add_middleware(
        BoundedBody, admission=state.body_room, max_bytes=limits.max_body_bytes, timeout_s=limits.body_timeout_s
    )
    app.add_middleware(RefuseWhileDraining, draining=state.draining, refusals=refusals)
    also_public = frozenset({"/metrics"}) if limits.open_metrics else frozenset()
    app.add_middleware(BearerKeys, keys=state.keys, refusals=refusals, also_public=also_public)
    if not limits.score_keys:
        app.add_middleware(KnownHosts, hosts=limits.hosts, refusals=refusals)
    app.add_middleware(CountRequests, counts=state.request_counts)
    app.add_middleware(RequestId)


# --- request id and log -----------------------------------------------------------------------------------------------


class RequestId:
    """Takes the client's X-Request-Id when it is harmless, else makes one."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        sent, trace = headers.get("x-request-id", ""), headers.get("traceparent", "")
        name = sent if _REQUEST_ID.fullmatch(sent) else secrets.token_hex(8)
        request_id.set(name)
        traceparent.set(trace if _TRACE.fullmatch(trace) else "")

        async def send_named(message: Message) -> None:
            if message["type"] == "http.response.start":
                fields = message["headers"] = [*message.get("headers", ()), (b"x-request-id", name.encode()), _NOSNIFF]
                if not any(field == b"cache-control" for field, _ in fields):
                    fields.append(_NO_STORE)
            await send(message)

        with tracing.request_span(f"{scope['method']} request", {"traceparent": traceparent.get()}):
            await self._app(scope, receive, send_named)


class _WithRequestId(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = request_id.get()
        return True


class _TextFormatter(logging.Formatter):
    """A line for a person: time, level, message, and what goes with it as key=value; frames of an error below."""

    def format(self, record: logging.LogRecord) -> str:
        extra = {key: value for key, value in vars(record).items() if key not in _RESERVED}
        frames = extra.pop("traceback", "") or (self.formatException(record.exc_info) if record.exc_info else "")
        pairs = "".join(f"  {key}={_as_text(value)}" for key, value in extra.items())
        line = f"{self.formatTime(record, '%H:%M:%S')} {record.levelname.lower():7} {record.getMessage()}{pairs}"
        return "\n".join(filter(None, (line, str(frames).rstrip())))


def _as_text(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def setup_logging(level: str, log_format: str = "auto") -> None:
    """Lines on standard error: for a person on a terminal, else JSON, each with its request's id. Bodies are never logged.

    log_format: json, text, or auto.
    """
    handler = logging.StreamHandler()
    is_text = log_format == "text" or (log_format == "auto" and sys.stderr.isatty())
    json_lines = JsonFormatter("{asctime}{levelname}{name}{message}{request_id}", style="{")
    handler.setFormatter(_TextFormatter() if is_text else json_lines)
    handler.addFilter(_WithRequestId())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    logging.getLogger("httpx").setLevel(logging.WARNING)
