"""MCP over streamable HTTP, by the protocol's own package: POST /mcp.

A session of MCP is a session here, under the same id, begun when the client connects and ended when it leaves. A client that
names its own, by the path (/mcp/NAME) or by the header X-Touchstone-Session, has that one instead: one URL an episode.
The protocol's newer versions have no sessions. A client that speaks one of them and names no session is told that only the
older ones are spoken here, and its next try has a session of MCP.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.shared.exceptions import MCPError
from mcp.shared.inbound import MCP_PROTOCOL_VERSION_HEADER
from mcp.types import (
    UNSUPPORTED_PROTOCOL_VERSION,
    CallToolRequestParams,
    CallToolResult,
    ErrorData,
    JSONRPCError,
    ListToolsResult,
    PaginatedRequestParams,
    TextContent,
    UnsupportedProtocolVersionErrorData,
)
from mcp.types import Tool as ToolOnTheWire
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send

from reward_tools.sessions import BadSession
from reward_tools.toolbox import Toolbox
from reward_verifiers.service.problems import HTTPProblem
from reward_verifiers.verifier import Overloaded

SESSION_HEADER = "x-touchstone-session"
_ITS_SESSION = "mcp-session-id"
MAX_BODY = 4 << 20
logging.getLogger("mcp.server").setLevel(logging.WARNING)  # else a line for each session


class McpWire:
    """The endpoint, within `running()`."""

    def __init__(self, toolbox: Toolbox, version: str) -> None:
        self._toolbox = toolbox
        server: Server[Any] = Server(
            "touchstone-tools", version=version, on_list_tools=self._list, on_call_tool=self._call
        )
        settings = toolbox.settings
        self._manager = StreamableHTTPSessionManager(
            server,
            json_response=True,
            session_idle_timeout=settings.idle_s,
            max_sessions=settings.max_sessions,
            max_request_body_size=MAX_BODY,
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        async with self._manager.run():
            yield

    def install(self, app: FastAPI) -> None:
        app.router.routes.append(Route("/mcp", self, methods=None, include_in_schema=False))
        app.router.routes.append(Route("/mcp/{session}", self, methods=None, include_in_schema=False))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        if scope["method"] == "GET":  # nothing is sent but replies, so there is no stream to open
            await Response(status_code=405, headers={"allow": "POST, DELETE"})(scope, receive, send)
            return
        name = _own_name(scope)
        version = headers.get(MCP_PROTOCOL_VERSION_HEADER)
        if name is None and version is not None and version not in HANDSHAKE_PROTOCOL_VERSIONS:
            await _other_version(version)(scope, receive, send)
            return
        try:
            if name is not None:
                self._toolbox.sessions.begin(name)
        except BadSession as error:
            await HTTPProblem(422, detail=str(error)).response()(scope, receive, send)
            return

        async def send_noted(message: Message) -> None:
            """A session of MCP begins with the reply that names it."""
            if message["type"] == "http.response.start" and name is None and _ITS_SESSION not in headers:
                begun = Headers(raw=message["headers"]).get(_ITS_SESSION)
                if begun is not None and message["status"] < 400:
                    self._toolbox.sessions.begin(begun)
            await send(message)

        await self._manager.handle_request(scope, receive, send_noted)
        if scope["method"] == "DELETE":
            self._toolbox.sessions.end(name or headers.get(_ITS_SESSION, ""))

    async def _list(self, ctx: ServerRequestContext[Any], params: PaginatedRequestParams | None) -> ListToolsResult:
        functions = [schema["function"] for schema in await self._toolbox.schemas()]
        return ListToolsResult(
            tools=[
                ToolOnTheWire(name=one["name"], description=one["description"], input_schema=one["parameters"])
                for one in functions
            ]
        )

    async def _call(self, ctx: ServerRequestContext[Any], params: CallToolRequestParams) -> CallToolResult:
        request = ctx.request
        name = None
        if isinstance(request, Request):
            name = _own_name(request.scope) or request.headers.get(_ITS_SESSION)
        assert name is not None  # noqa: S101  # requests without a session do not come so far
        try:
            _, call = await self._toolbox.call(name, params.name, params.arguments or {})
        except Overloaded as error:
            raise MCPError(-32000, f"overloaded: send it again in {error.retry_after_s:.0f} s") from None
        meta = {"touchstone/outcome": call.outcome, "touchstone/cause": call.cause, "touchstone/session": name}
        return CallToolResult(
            content=[TextContent(type="text", text=call.output)], is_error=call.outcome != "ok", _meta=meta
        )


def _other_version(version: str) -> Response:
    """As the protocol refuses a version that the server does not speak."""
    data = UnsupportedProtocolVersionErrorData(supported=list(HANDSHAKE_PROTOCOL_VERSIONS), requested=version)
    message = f"versions without sessions need a name for theirs: /mcp/NAME, or the header {SESSION_HEADER}"
    error = ErrorData(code=UNSUPPORTED_PROTOCOL_VERSION, message=message, data=data.model_dump(by_alias=True))
    body = JSONRPCError(jsonrpc="2.0", id=None, error=error)
    return Response(body.model_dump_json(by_alias=True), 400, media_type="application/json")


def _own_name(scope: Scope) -> str | None:
    """The session that the client chose."""
    named = scope.get("path_params", {}).get("session")
    return named or Headers(scope=scope).get(SESSION_HEADER)
