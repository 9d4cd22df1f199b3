"""The gateway as an ASGI app, and its server."""

from __future__ import annotations

import logging
from functools import partial

from fastapi import FastAPI

from reward_api import ui
from reward_api.gateway.episodes import Embedded
from reward_api.gateway.gateway import Gateway, package_version
from reward_api.gateway.routes import router
from reward_api.settings import GatewaySettings
from reward_api.store.writer import StoreWriter
from reward_api.trainers.mount import mount
from reward_verifiers import registry
from reward_verifiers.service.app import bare_app
from reward_verifiers.service.metrics import Readings, watch_pool, watch_samples, watch_service
from reward_verifiers.service.server import serve

log = logging.getLogger(__name__)


def create_app(gateway: Gateway) -> FastAPI:
    """The gateway's app. Its lifespan starts and stops the gateway; a caller without one enters `gateway.running()`."""
    app = bare_app("Touchstone", package_version(), gateway.settings.limits(), lambda _: gateway.running())
    app.state.gateway = gateway
    app.state.draining.deadlines = gateway.deadlines
    readings = watch_service(app, gateway.metrics.registry)
    watch_samples(readings, gateway.admission)
    watch_pool(readings, gateway.pool)
    watch_cache(readings, gateway)
    if gateway.store is not None:
        watch_store(readings, gateway.store)
    readings.gauge(
        "reward_refused_domains", "Domain files that are refused.", lambda: len(gateway.live_domains.refused)
    )
    readings.gauge(
        "reward_left_out_domains",
        "Shipped domains whose packages are not installed.",
        lambda: len(gateway.live_domains.left_out),
    )
    watch_monitor(readings, gateway)
    app.state.read_again = gateway.live_domains.read_again
    app.include_router(router)
    mount(app, gateway)
    if gateway.embedded is not None:
        gateway.embedded.install(app, readings)
    if gateway.settings.ui and ui.is_installed():
        from reward_api.ui.mount import mount_of_gateway

        mount_of_gateway(app, gateway)
        app.state.page = "/ui"
    return app


def embedded_tools() -> Embedded | None:
    """The tools to serve beside the verifiers; None where their packages are not installed."""
    try:
        tools: Embedded | None = registry.embedded("tools")
    except registry.BrokenVerifier as error:
        log.info("no tools are served: %s", error)
        return None
    return tools


def watch_cache(readings: Readings, gateway: Gateway) -> None:
    about = "Samples looked up in the cache, and groups whose reply was replayed."
    for result, count in {
        "hit": lambda: gateway.cache.hits,
        "coalesced": lambda: gateway.cache.coalesced,
        "miss": lambda: gateway.cache.misses,
        "replayed": lambda: gateway.idempotent_replies.replayed,
    }.items():
        readings.counter("reward_cache_lookups", about, count, result=result)


def watch_monitor(readings: Readings, gateway: Gateway) -> None:
    if (monitoring := gateway.monitoring) is None:
        return
    readings.counter("reward_monitor_lost", "Groups that the monitor could not look at.", lambda: monitoring.lost)
    readings.counter(
        "reward_monitor_skipped", "Re-grades for which there was no spare room.", lambda: monitoring.skipped
    )
    readings.counter("reward_monitor_cpu_seconds", "CPU time of the monitor's thread.", lambda: monitoring.seconds)


def watch_store(readings: Readings, store: StoreWriter) -> None:
    about = "Scored groups by what became of them in the store."
    for outcome in store.outcomes:
        readings.counter("reward_stored_groups", about, partial(store.outcomes.__getitem__, outcome), outcome=outcome)
    readings.gauge("reward_store_bytes", "Size of the store.", store.bytes)


def serve_gateway(settings: GatewaySettings, host: str, port: int) -> None:
    """Serve the whole suite until stopped. Raises BadDomain or BindError before the first request."""
    gateway = Gateway(settings, None if settings.tools_url else embedded_tools())
    serve(create_app(gateway), host, port, settings)
