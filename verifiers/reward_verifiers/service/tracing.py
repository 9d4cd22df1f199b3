"""Spans by OpenTelemetry (the extra `otel`): request ▶ group ▶ component ▶ call of a service ▶ request there.

They are sent where OTEL_EXPORTER_OTLP_ENDPOINT says, and where that is not set nothing is done.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer, TracerProvider

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
_NOTHING: AbstractContextManager[Any] = nullcontext()
_tracer: Tracer | None = None


class NoOpenTelemetry(ValueError):
    """Spans are wanted, and the packages that make them are not installed."""


def start(service: str) -> None:
    """Send spans of this process, under the service's name unless OTEL_SERVICE_NAME gives another."""
    if not os.environ.get(ENDPOINT):
        return
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ModuleNotFoundError:
        raise NoOpenTelemetry(f"{ENDPOINT} is set: pip install 'touchstone-rewards[otel]'") from None
    name = os.environ.get("OTEL_SERVICE_NAME", service)
    provider = TracerProvider(resource=Resource.create({"service.name": name}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    use(provider)


def use(provider: TracerProvider | None) -> None:
    """Make spans with this provider; with None, make none."""
    global _tracer  # one process, one destination
    _tracer = provider.get_tracer("touchstone") if provider is not None else None


def span(name: str, **attributes: str | int) -> AbstractContextManager[Any]:
    """A span around a `with` block, under the one that is open."""
    if _tracer is None:
        return _NOTHING
    return _tracer.start_as_current_span(name, attributes=attributes)


def request_span(name: str, headers: Mapping[str, str]) -> AbstractContextManager[Any]:
    """A span under the one that the client names in `traceparent`."""
    if _tracer is None:
        return _NOTHING
    from opentelemetry.trace import SpanKind
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    parent = TraceContextTextMapPropagator().extract(dict(headers))
    return _tracer.start_as_current_span(name, context=parent, kind=SpanKind.SERVER)


def traceparent() -> str:
    """The open span, as a header's value; empty where there is none."""
    if _tracer is None:
        return ""
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    carrier: dict[str, str] = {}
    TraceContextTextMapPropagator().inject(carrier)
    return carrier.get("traceparent", "")
