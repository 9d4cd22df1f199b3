"""Tools that a policy may call, and who runs them.

Tools            schemas, call(session, name, arguments) -> ToolReply
  ├─ ToolService a service: GET /tools, POST /call
  ├─ Calculator  exact arithmetic, in this process
  └─ Search      the passages nearest to a query, in this process

A call has one of three outcomes. `refused` is the policy's doing: it reads the reason, and goes on. `failed` is ours: the
episode gets no verdict.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import httpx

from trainer_client.tools_client import ToolReply, ToolsAway, ToolsClient

__all__ = ["ToolReply", "ToolService", "Tools", "schema"]

_MOST_SESSIONS = 100_000
"""That are remembered; older ones are over."""


class Tools(Protocol):
    """Called by many threads at a time. Never raises for a call: that is a ToolReply.

    schemas: one a tool, as in OpenAI's API: {"type": "function", "function": {"name", "description", "parameters"}}.
    """

    schemas: Sequence[Mapping[str, Any]]

    def call(self, session: str, name: str, arguments: Mapping[str, Any]) -> ToolReply:
        """session: the episode's name; what a tool keeps, e.g. a Python session's variables, it keeps by that."""


class ToolService:
    """A tools service over HTTP. Calls end after `timeout_s`: what has no reply by then is `failed`. So is a call in a
    session that the service has forgotten: it has been started anew, and the calls before are in no trace.

    Raises ValueError when the service does not answer, or names no tool.
    """

    def __init__(
        self,
        url: str,
        *,
        key: str | None = None,
        timeout_s: float = 30.0,
        connections: int = 64,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._client = ToolsClient(
            url, key=key, timeout_s=timeout_s, full_s=timeout_s, connections=connections, transport=transport
        )
        self._begun: OrderedDict[str, None] = OrderedDict()
        try:
            self.schemas, _ = self._client.tools()
        except ToolsAway as away:
            raise ValueError(f"tools.url: {url} does not list its tools: {away}") from None
        if not self.schemas:
            raise ValueError(f"tools.url: {url} has no tools")

    def call(self, session: str, name: str, arguments: Mapping[str, Any]) -> ToolReply:
        try:
            reply = self._client.call(session, name, arguments, begin=session not in self._begun)
        except ToolsAway as away:
            return ToolReply("failed", str(away))
        self._begun[session] = None
        if len(self._begun) > _MOST_SESSIONS:
            self._begun.popitem(last=False)
        return reply

    def close(self) -> None:
        self._client.close()


def schema(name: str, description: str, argument: str, meaning: str) -> Mapping[str, Any]:
    """Of a tool with one argument, a text."""
    parameters = {
        "type": "object",
        "properties": {argument: {"type": "string", "description": meaning}},
        "required": [argument],
    }
    return {"type": "function", "function": {"name": name, "description": description, "parameters": parameters}}
