"""Puts the trainers' endpoints on the gateway's app."""

from __future__ import annotations

from fastapi import FastAPI

from reward_api.gateway.gateway import Gateway
from reward_api.trainers import nemo_gym, openrlhf, slime
from reward_api.trainers.answers import Answers


def mount(app: FastAPI, gateway: Gateway) -> None:
    """Add `/compat/*`, and what its routes share, to the app."""
    app.state.answers = Answers(gateway.scorer, gateway.admission, gateway.metrics.registry)
    for dialect in (openrlhf, slime, nemo_gym):
        app.include_router(dialect.router)
