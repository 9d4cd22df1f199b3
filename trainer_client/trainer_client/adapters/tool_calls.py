"""Calls of the tools service from within a trainer, and the sessions that they are made in.

    begin ──▶ session ──▶ call, call, … ──▶ end

An episode with a call that was not answered is lost: it goes on in a session that nobody knows, and so it has no reward.
"""

from __future__ import annotations

import os
import secrets
from typing import Any

from trainer_client.adapters.settings import adapter_settings
from trainer_client.tools_client import ToolsAway, ToolsClient

_LOST = "lost-"


def new_session() -> str:
    return secrets.token_hex(16)


def lost_session() -> str:
    """Its episode has no reward, and no call is made in it."""
    return _LOST + secrets.token_hex(16)


class ToolCalls:
    """The tools service at TOUCHSTONE_TOOLS_URL; default: the gateway's. For any thread; each call blocks."""

    def __init__(self, url: str | None = None) -> None:
        settings = adapter_settings()
        self.service = ToolsClient(url or os.environ.get("TOUCHSTONE_TOOLS_URL") or settings.url, key=settings.key)

    def schema(self, name: str) -> dict[str, Any]:
        """Of one tool, as a chat request has it. Raises ToolsAway, and ValueError where it is not offered."""
        listed, missing = self.service.tools()
        for schema in listed:
            if schema["function"]["name"] == name:
                return dict(schema)
        raise ValueError(f"the tools service offers no {name!r}: {missing.get(name, 'it knows no such tool')}")

    def begin(self) -> str:
        """A new session; a lost one where the service is away, which must not end the training."""
        session = new_session()
        try:
            self.service.begin(session)
        except ToolsAway:
            return lost_session()
        return session

    def end(self, session: str) -> None:
        if session and not session.startswith(_LOST):
            self.service.end(session)

    def call(self, session: str, name: str, arguments: Any, *, begin: bool = False) -> str:
        """What the model is to read; arguments, begin: as of ToolsClient. Raises ToolsAway: the episode is lost."""
        if session.startswith(_LOST):
            raise ToolsAway("the tools service did not answer before")
        return self.service.call(session, name, arguments, begin=begin).output
