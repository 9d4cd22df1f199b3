"""A pooled HTTP client for another service: no redirects, no proxy from the environment, a bounded reply.

The gateway, the remote jail and the model upstreams use it. Each of them says what a status and a body mean.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, cast

import httpx
from pydantic import AfterValidator, HttpUrl, TypeAdapter

from reward_verifiers.service.inflation import Inflater, UnknownEncoding
from reward_verifiers.service.strict_json import loads

CONNECT_S = 2.0
_URL = TypeAdapter(HttpUrl)


def base_url(url: str) -> str:
    """The URL without a trailing slash. Raises ValueError unless it is the base URL of an HTTP service."""
    parsed = _URL.validate_python(url)
    if parsed.username or parsed.password:
        raise ValueError("put a key into its setting and not into the URL, which is shown in listings")
    if parsed.query is not None or parsed.fragment is not None:
        raise ValueError("a base URL ends before `?` and `#`")
    return str(parsed).rstrip("/")


BaseUrl = Annotated[str, AfterValidator(base_url)]

BROKEN = (httpx.ConnectError, httpx.ReadError, httpx.WriteError, httpx.RemoteProtocolError)
"""The connection was not made, or it broke before a byte of the reply came."""


class UnreadableReply(Exception):
    """The reply has more bytes than the client reads, or an encoding that it does not."""


class BrokenReply(httpx.TransportError):
    """The connection broke in the middle of the reply."""


@dataclass(frozen=True, slots=True)
class Reply:
    """status: HTTP status code. content: the whole body."""

    status: int
    headers: httpx.Headers
    content: bytes

    def json(self) -> Any:
        """The body as strict JSON. Raises BadJSON."""
        return loads(self.content)

    def retry_after_s(self) -> float | None:
        """Retry-After in seconds; None where it is missing, or a date."""
        value = self.headers.get("retry-after", "").strip()
        return float(value) if value.replace(".", "", 1).isdecimal() else None


class HttpClient:
    """One server. `key` goes along as a bearer token; `max_bytes` bounds every reply."""

    def __init__(
        self,
        url: str,
        *,
        max_bytes: int,
        key: str = "",
        connect_s: float = CONNECT_S,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.url = url
        self._max_bytes = max_bytes
        self._client = httpx.AsyncClient(
            base_url=url,
            follow_redirects=False,
            trust_env=False,
            transport=transport,
            timeout=httpx.Timeout(None, connect=connect_s),
            limits=httpx.Limits(max_connections=64, max_keepalive_connections=32),
        )

        self._client.headers["accept-encoding"] = "gzip"
        self.authorize(key)

    def authorize(self, key: str) -> None:
        """Send this key from now on."""
        if key:
            self._client.headers["authorization"] = f"Bearer {key}"

    async def exchange(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        *,
        timeout_s: float | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """Send one request and read the whole reply.

        timeout_s bounds all of it, since a server may send a byte at a time; None leaves that to the caller. A body is
        sent as JSON. Raises TimeoutError, httpx.TransportError and UnreadableReply.
        """
        every = {**({} if body is None else {"content-type": "application/json"}), **(headers or {})}
        async with (
            asyncio.timeout(timeout_s),
            self._client.stream(method, path, content=body, headers=every) as reply,
        ):
            return Reply(reply.status_code, reply.headers, await self._content(reply))

    async def _content(self, reply: httpx.Response) -> bytes:
        content = bytearray()
        try:
            inflater = Inflater(reply.headers.get("content-encoding", ""))
            async for chunk in cast(
                httpx.AsyncByteStream, reply.stream
            ):  # as it came; aiter_bytes inflates without end
                content += await inflater.feed(chunk, self._max_bytes - len(content) + 1)
                if len(content) > self._max_bytes:
                    raise UnreadableReply(f"more than {self._max_bytes} bytes")
            inflater.finish()
        except UnknownEncoding as error:
            raise UnreadableReply(f"content-encoding {str(error)[:40]!r} is not read") from None
        except zlib.error:
            raise UnreadableReply("its body is not valid gzip") from None
        except BROKEN as error:
            raise BrokenReply(str(error)) from None
        return bytes(content)

    @property
    def is_closed(self) -> bool:
        return self._client.is_closed

    async def aclose(self) -> None:
        await self._client.aclose()
