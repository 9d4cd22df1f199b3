"""An HTTP connection to one server that holds a model: bounded, validated, and one failure a cause."""

from __future__ import annotations

import asyncio
import os
from typing import Any

import httpx

from preference_model.model.registry import UpstreamSpec
from preference_model.outcome import ScoreFailure
from reward_verifiers.contract import FailureKind
from reward_verifiers.service.strict_json import BadJSON, loads

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


def _seconds(header: str) -> float | None:
    """Retry-After in seconds; None where it is missing, or a date."""
    return min(float(header), MAX_RETRY_AFTER_S) if header.strip().isdecimal() else None


class UpstreamClient:
    """An HTTP connection to one upstream. Raises ScoreFailure, and nothing else."""

    def __init__(self, upstream: UpstreamSpec, transport: httpx.AsyncBaseTransport | None = None) -> None:
        key = os.environ.get(upstream.key_env, "") if upstream.key_env else ""
        self._url = upstream.url
        self._gate = asyncio.Semaphore(upstream.concurrency)
        self._timeout_s = upstream.timeout_s
        self._client = httpx.AsyncClient(
            base_url=upstream.url,
            headers={"authorization": f"Bearer {key}"} if key else {},
            timeout=httpx.Timeout(upstream.timeout_s, connect=min(CONNECT_S, upstream.timeout_s)),
            follow_redirects=False,
            trust_env=False,
            transport=transport,
        )

    async def ask(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """The reply's JSON; with a body by POST, else by GET."""
        async with self._gate:
            try:
                async with asyncio.timeout(self._timeout_s):  # of the whole: a server may send a byte at a time
                    status, content, headers = await self._exchange(path, body)
            except (httpx.TimeoutException, TimeoutError):
                raise ScoreFailure(FailureKind.TIMEOUT, f"{self._url} did not answer in time") from None
            except (httpx.HTTPError, OSError) as error:
                message = f"{self._url} cannot be reached ({type(error).__name__})"
                raise ScoreFailure(FailureKind.VERIFIER_UNREACHABLE, message) from None
        if status in BUSY:
            raise Busy(f"{self._url} is overloaded (HTTP {status})", _seconds(headers.get("retry-after", "")))
        if status >= httpx.codes.INTERNAL_SERVER_ERROR:
            raise ServerError(FailureKind.VERIFIER_ERROR, f"{self._url} answered HTTP {status}")
        if status != httpx.codes.OK:
            raise ScoreFailure(FailureKind.VERIFIER_ERROR, f"{self._url} answered HTTP {status}")
        try:
            return loads(content)
        except BadJSON:
            raise ServerError(FailureKind.VERIFIER_ERROR, f"{self._url} answered what is no JSON") from None

    async def _exchange(self, path: str, body: dict[str, Any] | None) -> tuple[int, bytes, httpx.Headers]:
        method = "GET" if body is None else "POST"
        async with self._client.stream(method, path, json=body) as reply:
            content = bytearray()
            async for chunk in reply.aiter_bytes():
                content += chunk
                if len(content) > MAX_REPLY_BYTES:
                    raise ScoreFailure(
                        FailureKind.VERIFIER_ERROR, f"{self._url} answered more than {MAX_REPLY_BYTES} bytes"
                    )
            return reply.status_code, bytes(content), reply.headers

    async def aclose(self) -> None:
        await self._client.aclose()
