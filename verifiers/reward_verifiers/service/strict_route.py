"""A route that reads JSON strictly, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request
from fastapi.responses import Response
from fastapi.routing import APIRoute

from reward_verifiers.service.problems import HTTPProblem
from reward_verifiers.service.strict_json import BadJSON, is_small, loads, without_surrogates


class _StrictRequest(Request):
    parse: Callable[[bytes], Any]

    async def body(self) -> bytes:
        """As the framework's, without a copy of a body that came in one piece."""
        if not hasattr(self, "_body"):
            self._body = b"".join([chunk async for chunk in self.stream() if chunk])
        return self._body

    async def json(self) -> Any:
        if not hasattr(self, "_json"):
            self._json = self.parse(await self.body())
        return self._json


class StrictRoute(APIRoute):
    """Reads JSON strictly, and nothing else."""

    nul = False
    """Whether strings may hold NUL characters."""
    large = False
    """Whether integers may have more than 64 bits."""

    def parse(self, body: bytes) -> Any:
        """Raises BadJSON."""
        return loads(body, nul=self.nul, large=self.large)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        has_body = self.body_field is not None

        async def strict(request: Request) -> Response:
            request = _StrictRequest(request.scope, request.receive)
            request.parse = self.parse
            if has_body:
                _demand_json(request.headers.get("content-type", ""))
                await request.json()  # here, so that the reply names the fault in our words, not in the framework's
            return await handle(request)

        return strict


class ReferenceRoute(StrictRoute):
    """A reference may hold integers of more than 64 bits. Everywhere else they are refused."""

    def parse(self, body: bytes) -> Any:
        """Raises BadJSON."""
        try:
            return loads(body)
        except BadJSON:
            document = loads(body, large=True)
            if _has_large(_without_references(document)):
                raise
            return document


class CompletionRoute(StrictRoute):
    """Where groups of completions are posted: a NUL or a lone surrogate in a completion is read as U+FFFD, so that it costs
    the group nothing. Everywhere else they are refused. References are as ReferenceRoute has them.
    """

    def parse(self, body: bytes) -> Any:
        """Raises BadJSON."""
        try:
            return loads(body)
        except BadJSON:
            document = loads(without_surrogates(body), nul=True, large=True)
            for group in _groups(document):
                if "completions" in group:
                    group["completions"] = _mended(group["completions"])
            if _has_nul(document) or _has_large(_without_references(document)):
                raise
            return document


def _groups(document: Any) -> list[dict[str, Any]]:
    groups = document.get("groups", [document]) if isinstance(document, dict) else []
    return [group for group in groups if isinstance(group, dict)] if isinstance(groups, list) else []


def _without_references(document: Any) -> Any:
    """All else of the document, for a look at it."""
    if not isinstance(document, dict):
        return document
    groups = document.get("groups")
    rest = {key: value for key, value in document.items() if key != "reference"}
    return {**rest, "groups": [_without_references(group) for group in groups]} if isinstance(groups, list) else rest


def _has_large(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_has_large, value.values()))
    return any(map(_has_large, value)) if isinstance(value, list) else isinstance(value, int) and not is_small(value)


def _mended(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("\0", "\ufffd")
    if isinstance(value, list):
        return [_mended(item) for item in value]
    return {key: _mended(item) for key, item in value.items()} if isinstance(value, dict) else value


def _has_nul(value: Any) -> bool:
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, dict):
        return any(_has_nul(key) or _has_nul(item) for key, item in value.items())
    return any(map(_has_nul, value)) if isinstance(value, list) else False


def _demand_json(content_type: str) -> None:
    media, _, parameters = content_type.partition(";")
    charset = parameters.replace(" ", "").lower()
    if media.strip().lower() != "application/json" or charset not in ("", "charset=utf-8", 'charset="utf-8"'):
        raise HTTPProblem(415, detail="Content-Type must be application/json in UTF-8.")
