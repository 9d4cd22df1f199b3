"""What every service counts of itself: requests by route and status, refusals by reason, bodies, connections, the process.

Labels are routes, statuses and reasons of ours, never what a client sent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from fastapi import FastAPI
from prometheus_client import CollectorRegistry, Metric, PlatformCollector, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from reward_verifiers.runtime.pool import WorkerPool
from reward_verifiers.service.admission import Admission

OTHER = "other"
"""The route of a request that fits none."""


class Counts:
    """Requests by route, method and status."""

    def __init__(self) -> None:
        self.by_route: dict[tuple[str, str, int], int] = {}

    def add(self, route: str, method: str, status: int) -> None:
        key = (route, method, status)
        self.by_route[key] = self.by_route.get(key, 0) + 1


class CountRequests:
    """Counts replies by route and status."""

    def __init__(self, app: ASGIApp, counts: Counts) -> None:
        self._app = app
        self._counts = counts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                route = getattr(scope.get("route"), "path", OTHER)
                method = scope["method"] if route != OTHER else OTHER
                self._counts.add(route, method, message["status"])
            await send(message)

        await self._app(scope, receive, send_counted)


Reading = Callable[[], float]


class Readings(Collector):
    """Numbers that are read when the page is: gauges, and counters that something else counts."""

    def __init__(self) -> None:
        self._families: dict[str, tuple[type[Metric], str, dict[tuple[tuple[str, str], ...], Reading]]] = {}

    def gauge(self, name: str, about: str, reading: Reading, **labels: str) -> None:
        self._add(GaugeMetricFamily, name, about, reading, labels)

    def counter(self, name: str, about: str, reading: Reading, **labels: str) -> None:
        self._add(CounterMetricFamily, name, about, reading, labels)

    def _add(self, kind: type[Metric], name: str, about: str, reading: Reading, labels: dict[str, str]) -> None:
        _, _, readings = self._families.setdefault(name, (kind, about, {}))
        readings[tuple(labels.items())] = reading

    def collect(self) -> Iterator[Metric]:
        for name, (kind, about, readings) in self._families.items():
            names = [label for label, _ in next(iter(readings))]
            family = kind(name, about, labels=names)  # type: ignore[call-arg]
            for labels, reading in readings.items():
                family.add_metric([value for _, value in labels], reading())  # type: ignore[attr-defined]
            yield family


class _Routes(Collector):
    def __init__(self, counts: Counts) -> None:
        self._counts = counts

    def collect(self) -> Iterator[Metric]:
        family = CounterMetricFamily(
            "reward_http_requests", "Replies by route and status.", labels=["route", "method", "status"]
        )
        for (route, method, status), count in list(self._counts.by_route.items()):
            family.add_metric([route, method, str(status)], count)
        yield family


_REFUSED = "Requests refused, by reason."


def watch_service(app: FastAPI, registry: CollectorRegistry) -> Readings:
    """Put what this app's middleware and server count on the page. What is returned takes more."""
    state, readings = app.state, Readings()
    registry.register(_Routes(state.request_counts))
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    readings.gauge("reward_body_bytes", "Bytes of request bodies in memory.", lambda: state.body_room.in_flight)
    readings.gauge("reward_connections", "Open connections.", lambda: state.connections.open)
    for reason in state.refusals:
        readings.counter("reward_refused_requests", _REFUSED, partial(state.refusals.get, reason), reason=reason)
    readings.counter("reward_refused_requests", _REFUSED, lambda: state.connections.refused, reason="connections")
    readings.counter("reward_refused_requests", _REFUSED, lambda: state.body_room.refused, reason="bodies")
    registry.register(readings)
    return readings


def watch_samples(readings: Readings, admission: Admission) -> None:
    readings.gauge("reward_inflight_samples", "Samples at work.", lambda: admission.in_flight)
    readings.gauge("reward_inflight_samples_limit", "Samples that may be at work.", lambda: admission.limit)
    readings.counter("reward_refused_requests", _REFUSED, lambda: admission.refused, reason="samples")


def watch_pool(readings: Readings, pool: WorkerPool) -> None:
    readings.gauge("reward_workers", "Worker processes that live.", lambda: pool.alive)
    readings.gauge("reward_busy_workers", "Worker processes at work.", lambda: pool.busy)
    readings.gauge("reward_queued_jobs", "Groups that wait for a worker.", lambda: pool.queued)
    readings.counter("reward_worker_restarts", "Workers that were replaced.", lambda: pool.restarts)
    readings.counter(
        "reward_fork_server_restarts", "Fork servers that were replaced.", lambda: pool.fork_server_restarts
    )
