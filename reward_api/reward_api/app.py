"""The gateway as an ASGI app, and its server."""

from __future__ import annotations

from fastapi import FastAPI

from reward_api.gateway.gateway import Gateway, package_version
from reward_api.gateway.routes import router
from reward_api.settings import GatewaySettings
from reward_api.trainers.mount import mount
from reward_verifiers.service.app import bare_app
from reward_verifiers.service.server import serve


def create_app(gateway: Gateway) -> FastAPI:
    """The gateway's app. Its lifespan starts and stops the gateway; a caller without one enters `gateway.running()`."""
    app = bare_app("Touchstone", package_version(), gateway.settings.limits(), lambda _: gateway.running())
    app.state.gateway = gateway
    app.include_router(router)
    mount(app, gateway)
    return app


def serve_gateway(settings: GatewaySettings, host: str, port: int) -> None:
    """Serve the whole suite until stopped. Raises BadDomain or BindError before the first request."""
    gateway = Gateway(settings)
    serve(create_app(gateway), host, port, header_timeout_s=settings.header_timeout_s, log_level=settings.log_level)
