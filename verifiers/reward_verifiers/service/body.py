"""Request bodies: bounded in memory, in size and in the time that they take to arrive."""

from __future__ import annotations

import asyncio
import zlib
from contextvars import ContextVar

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from reward_verifiers.service.admission import Admission, Room
from reward_verifiers.service.inflation import Inflater, UnknownEncoding
from reward_verifiers.service.problems import HTTPProblem, overloaded
from reward_verifiers.verifier import Overloaded

_arrival: ContextVar[float] = ContextVar("arrival")


def arrival_time() -> float:
    """When the first byte of this request's body was awaited, in the event loop's time; now, outside of a request."""
    return _arrival.get(None) or asyncio.get_running_loop().time()


class BoundedBody:
    """Hands the app a body of bounded size that arrived in bounded time, inflated when it came as gzip.

    Replies 429 when the bodies in memory, with this one, would take more than their room. A body takes room as it comes:
    one that is only announced takes none.
    """

    def __init__(self, app: ASGIApp, admission: Admission, max_bytes: int, timeout_s: float) -> None:
        self._app = app
        self._admission = admission
        self._max_bytes = max_bytes
        self._timeout_s = timeout_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in ("GET", "HEAD"):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        length = headers.get("content-length", "0")
        _arrival.set(asyncio.get_running_loop().time())
        try:
            with self._admission.enter(0) as room:
                body = await self._read(headers, length, receive, room)
                if body is not None:
                    await self._app(scope, _replay(body, receive), send)
        except HTTPProblem as problem:
            await problem.response()(scope, receive, send)
        except Overloaded as error:
            await overloaded(error).response()(scope, receive, send)

    async def _read(self, headers: Headers, length: str, receive: Receive, room: Room) -> bytes | None:
        """The body; None when the client left. Raises HTTPProblem or Overloaded."""
        if not length.isdecimal() or len(length) > 15 or int(length) > self._max_bytes:
            raise self._too_large()
        self._admission.check(int(length))
        chunks: list[bytes] = []
        size = 0
        try:
            inflater = Inflater(headers.get("content-encoding", ""))
            async with asyncio.timeout(self._timeout_s):
                more = True
                while more:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        return None
                    chunks.append(await inflater.feed(message.get("body", b""), self._max_bytes - size + 1))
                    size += len(chunks[-1])
                    more = message.get("more_body", False)
                    if size > self._max_bytes:
                        raise self._too_large()
                    if size > room.units:
                        room.grow(size - room.units)
            inflater.finish()
        except TimeoutError:
            detail = f"The body did not arrive within {self._timeout_s:g} s."
            raise HTTPProblem(408, detail=detail, headers={"connection": "close"}) from None
        except UnknownEncoding:
            raise HTTPProblem(415, detail="Content-Encoding must be gzip, or absent.") from None
        except zlib.error:
            raise HTTPProblem(400, detail="The body is not valid gzip.") from None
        return b"".join(chunks)  # one chunk alone is not copied

    def _too_large(self) -> HTTPProblem:
        detail = f"A body may have {self._max_bytes} bytes after decompression; send fewer groups at a time."
        return HTTPProblem(413, detail=detail, headers={"connection": "close"})


def _replay(body: bytes, receive: Receive) -> Receive:
    """The body as one message, then what the client does next."""
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def next_message() -> Message:
        return waiting.pop() if waiting else await receive()

    return next_message
