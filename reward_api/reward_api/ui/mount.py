"""Puts the page on an app."""

from __future__ import annotations

from fastapi import FastAPI

from reward_api.gateway.gateway import Gateway
from reward_api.store.queries import Queries
from reward_api.store.reader import Reader
from reward_api.ui.labels import FILE
from reward_api.ui.live import Live
from reward_api.ui.pages import Site, router


def mount(app: FastAPI, site: Site) -> None:
    """Add `/ui`."""
    app.state.site = site
    app.state.live = Live(app, site.queries.reader, site.read) if site.queries else None
    app.include_router(router)


def mount_of_gateway(app: FastAPI, gateway: Gateway) -> None:
    """The page of a gateway: its store, and its own way of scoring."""
    settings = gateway.settings
    store = settings.store

    async def gateway_of() -> Gateway:
        return gateway

    site = Site(
        queries=Queries(Reader(store)) if store else None,
        gateway_of=gateway_of,
        labels=store / FILE if store else None,
        audits=settings.audits,
        place=str(store) if store else "",
        monitor=gateway.monitoring.document if gateway.monitoring else None,
    )
    mount(app, site)
