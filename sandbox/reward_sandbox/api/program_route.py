"""A route for bodies that hold programs: what one of them has wrong with its characters costs itself a verdict, no more."""

from __future__ import annotations

import re
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request
from fastapi.responses import Response
from starlette.types import Message

from reward_verifiers.service.strict_route import StrictRoute

# A pair of surrogates, a lone one, and any other escape, which is passed over whole.
_ESCAPE = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[dD][89a-fA-F][0-9a-fA-F]{2}|\\.", re.S
)
_LONE = 6
_NUL = rb"\u0000"


class ProgramRoute(StrictRoute):
    """Strings may hold NUL, and a lone surrogate is read as one: no compiler takes either."""

    nul = True

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def mended(request: Request) -> Response:
            return await handle(Request(request.scope, _replayed(request, without_surrogates(await request.body()))))

        return mended


def without_surrogates(body: bytes) -> bytes:
    """The JSON with NUL in place of each lone surrogate."""
    if rb"\ud" not in body and rb"\uD" not in body:
        return body
    return _ESCAPE.sub(lambda match: _NUL if len(match[0]) == _LONE else match[0], body)


def _replayed(request: Request, body: bytes) -> Callable[[], Coroutine[Any, Any, Message]]:
    """Where the body is read from again; behind it comes what the server has to say, such as that the client has left."""
    bodies = [body]

    async def receive() -> Message:
        if bodies:
            return {"type": "http.request", "body": bodies.pop(), "more_body": False}
        return await request.receive()

    return receive
