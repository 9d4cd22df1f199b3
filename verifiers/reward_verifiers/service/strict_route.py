"""A route that reads JSON strictly, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request
from fastapi.responses import Response
from fastapi.routing import APIRoute

from reward_verifiers.service.problems import HTTPProblem
from reward_verifiers.service.strict_json import loads


class _StrictRequest(Request):
    nul = False

    async def body(self) -> bytes:
        """As the framework's, without a copy of a body that came in one piece."""
        if not hasattr(self, "_body"):
            self._body = b"".join([chunk async for chunk in self.stream() if chunk])
        return self._body

    async def json(self) -> Any:
        if not hasattr(self, "_json"):
            self._json = loads(await self.body(), nul=self.nul)
        return self._json


class StrictRoute(APIRoute):
    """Reads JSON strictly, and nothing else."""

    nul = False
    """Whether strings may hold NUL characters."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        has_body = self.body_field is not None

        async def strict(request: Request) -> Response:
            request = _StrictRequest(request.scope, request.receive)
            request.nul = self.nul
            if has_body:
                _demand_json(request.headers.get("content-type", ""))
                await request.json()  # here, so that the reply names the fault in our words, not in the framework's
            return await handle(request)

        return strict


def _demand_json(content_type: str) -> None:
    media, _, parameters = content_type.partition(";")
    charset = parameters.replace(" ", "").lower()
    if media.strip().lower() != "application/json" or charset not in ("", "charset=utf-8", 'charset="utf-8"'):
        raise HTTPProblem(415, detail="Content-Type must be application/json in UTF-8.")
