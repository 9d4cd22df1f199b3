"""The gateway as an ASGI app, and its server."""

from __future__ import annotations

from fastapi import FastAPI
from prometheus_client import Gauge

from reward_api.gateway.gateway import Gateway, package_version
from reward_api.gateway.routes import router
from reward_api.settings import GatewaySettings
from reward_api.trainers.mount import mount
from reward_verifiers.service.app import REJECTED_BODIES, bare_app
from reward_verifiers.service.server import serve


def create_app(gateway: Gateway) -> FastAPI:
    """The gateway's app. Its lifespan starts and stops the gateway; a caller without one enters `gateway.running()`."""
    app = bare_app("Touchstone", package_version(), gateway.settings.limits(), lambda _: gateway.running())
    app.state.gateway = gateway
    app.state.draining.deadlines = gateway.deadlines
    rejected = Gauge("reward_rejected_bodies", REJECTED_BODIES, registry=gateway.metrics.registry)
    rejected.set_function(lambda: app.state.body_room.refused)
    app.include_router(router)
    mount(app, gateway)
    return app


def serve_gateway(settings: GatewaySettings, host: str, port: int) -> None:
    """Serve the whole suite until stopped. Raises BadDomain or BindError before the first request."""
    gateway = Gateway(settings)
    serve(
        create_app(gateway),
        host,
        port,
        header_timeout_s=settings.header_timeout_s,
        shutdown_grace_s=settings.shutdown_grace_s,
        log_level=settings.log_level,
        log_format=settings.log_format,
    )
