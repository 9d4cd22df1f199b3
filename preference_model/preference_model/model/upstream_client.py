"""An HTTP connection to one server that holds a model: bounded, validated, and one failure a cause."""

from __future__ import annotations

import asyncio
import json
import os
from typing import Any

import httpx

from preference_model.model.registry import UpstreamSpec
from preference_model.outcome import ScoreFailure
from reward_verifiers.contract import FailureKind
from reward_verifiers.service.http_client import HttpClient, Reply, UnreadableReply
from reward_verifiers.service.strict_json import BadJSON

MAX_REPLY_BYTES = 8 << 20
CONNECT_S = 5.0
MAX_RETRY_AFTER_S = 30.0
BUSY = frozenset({429, 503, 529})


class Busy(ScoreFailure):
    """The server has no room; it may have said when to come back."""

    def __init__(self, message: str, retry_after_s: float | None) -> None:
        super().__init__(FailureKind.OVERLOADED, message)
        self.retry_after_s = retry_after_s


class ServerError(ScoreFailure):
    """The server failed (HTTP 5xx), or something before it answered (a page of HTML)."""


class UpstreamClient:
    """An HTTP connection to one upstream. Raises ScoreFailure, and nothing else."""

    def __init__(self, upstream: UpstreamSpec, transport: httpx.AsyncBaseTransport | None = None) -> None:
        key = os.environ.get(upstream.key_env, "") if upstream.key_env else ""
        self._url = upstream.url
        self._gate = asyncio.Semaphore(upstream.concurrency)
        self._timeout_s = upstream.timeout_s
        self._client = HttpClient(
            upstream.url,
            key=key,
            connect_s=min(CONNECT_S, upstream.timeout_s),
            max_bytes=MAX_REPLY_BYTES,
            transport=transport,
        )

    async def ask(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """The reply's JSON; with a body by POST, else by GET."""
        async with self._gate:
            try:
                reply = await self._exchange(path, body)
            except (httpx.TimeoutException, TimeoutError):
                raise ScoreFailure(FailureKind.TIMEOUT, f"{self._url} did not answer in time") from None
            except (httpx.HTTPError, OSError) as error:
                message = f"{self._url} cannot be reached ({type(error).__name__})"
                raise ScoreFailure(FailureKind.VERIFIER_UNREACHABLE, message) from None
            except UnreadableReply as error:
                raise ScoreFailure(FailureKind.VERIFIER_ERROR, f"{self._url} answered {error}") from None
        if reply.status in BUSY:
            seconds = reply.retry_after_s()
            later = None if seconds is None else min(seconds, MAX_RETRY_AFTER_S)
            raise Busy(f"{self._url} is overloaded (HTTP {reply.status})", later)
        if reply.status >= httpx.codes.INTERNAL_SERVER_ERROR:
            raise ServerError(FailureKind.VERIFIER_ERROR, f"{self._url} answered HTTP {reply.status}")
        if reply.status != httpx.codes.OK:
            raise ScoreFailure(FailureKind.VERIFIER_ERROR, f"{self._url} answered HTTP {reply.status}")
        try:
            return reply.json()
        except BadJSON:
            raise ServerError(FailureKind.VERIFIER_ERROR, f"{self._url} answered what is no JSON") from None

    async def _exchange(self, path: str, body: dict[str, Any] | None) -> Reply:
        if body is None:
            return await self._client.exchange("GET", path, timeout_s=self._timeout_s)
        return await self._client.exchange("POST", path, json.dumps(body).encode(), timeout_s=self._timeout_s)

    async def aclose(self) -> None:
        await self._client.aclose()
