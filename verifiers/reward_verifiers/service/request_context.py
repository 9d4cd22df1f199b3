"""The request at work: its id and its place in a trace. They stand in the log, and go along to other services."""

from __future__ import annotations

import contextvars

from reward_verifiers.service import tracing

request_id: contextvars.ContextVar[str] = contextvars.ContextVar("request_id", default="-")
traceparent: contextvars.ContextVar[str] = contextvars.ContextVar("traceparent", default="")


def forwarded_headers() -> dict[str, str]:
    """What goes along from the request at work to the services that it needs."""
    headers = {"x-request-id": request_id.get(), "traceparent": tracing.traceparent() or traceparent.get()}
    return {name: value for name, value in headers.items() if value not in ("", "-")}
