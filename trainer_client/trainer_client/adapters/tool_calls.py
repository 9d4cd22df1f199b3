"""Calls of the tools service from within a trainer, and the sessions that they are made in.

    begin ──▶ session ──▶ call, call, … ──▶ end

An episode with a call that was not answered is lost: it goes on in a session that nobody knows, and so it has no reward.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import time
from typing import Any

import httpx

from trainer_client.adapters.settings import adapter_settings

TRIES = 5
_LOST = "lost-"


class ToolsAway(RuntimeError):
    """The tools service gives no answer. The episode has no reward then, whatever the rest of it comes to."""


def new_session() -> str:
    return secrets.token_hex(16)


def lost_session() -> str:
    """Its episode has no reward, and no call is made in it."""
    return _LOST + secrets.token_hex(16)


class ToolCalls:
    """The tools service at TOUCHSTONE_TOOLS_URL; default: the gateway's. For any thread; each call blocks."""

    def __init__(self, url: str | None = None) -> None:
        settings = adapter_settings()
        key = {"authorization": f"Bearer {settings.key}"} if settings.key else {}
        url = url or os.environ.get("TOUCHSTONE_TOOLS_URL") or settings.url
        self._client = httpx.Client(base_url=url, headers=key, timeout=httpx.Timeout(300, connect=5), trust_env=False)

    def schema(self, name: str) -> dict[str, Any]:
        """Of one tool, as a chat request has it. Raises ToolsAway, and ValueError where it is not offered."""
        listed = self._answer("GET", "/tools")
        for schema in listed["tools"]:
            if schema["function"]["name"] == name:
                return dict(schema)
        raise ValueError(
            f"the tools service offers no {name!r}: {listed['missing'].get(name, 'it knows no such tool')}"
        )

    def begin(self) -> str:
        """A new session; a lost one where the service is away, which must not end the training."""
        session = new_session()
        try:
            self._answer("POST", "/sessions", {"session": session})
        except ToolsAway:
            return lost_session()
        return session

    def end(self, session: str) -> None:
        """One that cannot be told so ends when it is idle."""
        if session and not session.startswith(_LOST):
            with contextlib.suppress(httpx.HTTPError):
                self._client.delete(f"/sessions/{session}", timeout=5)

    def call(self, session: str, name: str, arguments: Any, *, begin: bool = False) -> str:
        """What the model is to read. Raises ToolsAway: the episode is lost.

        arguments: as the model wrote them. They go as text, for the service to judge: what is no JSON is its mistake.
        begin: the session may be a new one. One that was begun before and is not known has lost the calls before this one.
        """
        if session.startswith(_LOST):
            raise ToolsAway("the tools service did not answer before")
        body = {"session": session, "name": name, "arguments": json.dumps(arguments), "begin": begin}
        return str(self._answer("POST", "/call", body)["output"])

    def _answer(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """Raises ToolsAway. A request is sent again only where the service has said that it did not begin it."""
        why = ""
        for attempt in range(TRIES):
            if attempt:
                time.sleep(min(2**attempt / 4, 5))
            try:
                reply = self._client.request(method, path, json=body)
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                why = str(error)
                continue
            except httpx.HTTPError as error:
                why = str(error) or type(error).__name__
                break
            if reply.status_code == 200:
                answer: dict[str, Any] = reply.json()
                return answer
            why = f"it answers {reply.status_code}"
            if reply.status_code not in (429, 503):
                break
        raise ToolsAway(f"the tools service does not answer: {why}")
