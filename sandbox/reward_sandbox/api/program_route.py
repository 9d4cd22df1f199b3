"""A route for bodies that hold programs: what one of them has wrong with its characters costs itself a verdict, no more."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request
from fastapi.responses import Response
from starlette.types import Message

from reward_verifiers.service.strict_json import without_surrogates
from reward_verifiers.service.strict_route import StrictRoute


class ProgramRoute(StrictRoute):
    """Strings may hold NUL, and a lone surrogate is read as one: no compiler takes either. Tests may have large integers."""

    nul = large = True

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def mended(request: Request) -> Response:
            return await handle(Request(request.scope, _replayed(request, without_surrogates(await request.body()))))

        return mended


def _replayed(request: Request, body: bytes) -> Callable[[], Coroutine[Any, Any, Message]]:
    """Where the body is read from again; behind it comes what the server has to say, such as that the client has left."""
    bodies = [body]

    async def receive() -> Message:
        if bodies:
            return {"type": "http.request", "body": bodies.pop(), "more_body": False}
        return await request.receive()

    return receive
