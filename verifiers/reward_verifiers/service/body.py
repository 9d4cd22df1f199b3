"""Request bodies: bounded in memory, in size and in the time that they take to arrive."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Callable

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from reward_verifiers.service.admission import Admission, Room
from reward_verifiers.service.problems import HTTPProblem, overloaded
from reward_verifiers.verifier import Overloaded


class Inflight:
    """429 when the bodies in memory, with this one, would take more than their room."""

    def __init__(self, app: ASGIApp, admission: Admission) -> None:
        self._app = app
        self._admission = admission

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in ("GET", "HEAD"):
            await self._app(scope, receive, send)
            return
        length = Headers(scope=scope).get("content-length", "")
        try:
            with self._admission.enter(int(length) if length.isdecimal() and len(length) < 16 else 0) as room:
                scope["touchstone.room"] = room
                scope["touchstone.begun"] = asyncio.get_running_loop().time()  # the body's time to arrive counts too
                await self._app(scope, receive, send)
        except Overloaded as error:
            await overloaded(error).response()(scope, receive, send)


class BoundedBody:
    """Hands the app a body of bounded size that arrived in bounded time, inflated when it came as gzip."""

    def __init__(self, app: ASGIApp, max_bytes: int, timeout_s: float) -> None:
        self._app = app
        self._max_bytes = max_bytes
        self._timeout_s = timeout_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in ("GET", "HEAD"):
            await self._app(scope, receive, send)
            return
        try:
            body = await self._read(Headers(scope=scope), receive, scope.get("touchstone.room"))
        except HTTPProblem as problem:
            await problem.response()(scope, receive, send)
            return
        if body is None:
            return
        waiting: list[bytes] = [body]

        async def replay() -> Message:
            if waiting:
                return {"type": "http.request", "body": waiting.pop(), "more_body": False}
            return await receive()

        await self._app(scope, replay, send)

    async def _read(self, headers: Headers, receive: Receive, room: Room | None) -> bytes | None:
        """The body; None when the client left. Raises HTTPProblem or Overloaded."""
        length = headers.get("content-length", "0")
        if not length.isdecimal() or len(length) > 15 or int(length) > self._max_bytes:
            raise self._too_large()
        inflate = _inflater(headers.get("content-encoding", "identity"))
        body, counted = bytearray(), room.units if room else 0
        try:
            async with asyncio.timeout(self._timeout_s):
                more = True
                while more:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        return None
                    body += inflate(message.get("body", b""), self._max_bytes - len(body) + 1)
                    more = message.get("more_body", False)
                    if len(body) > self._max_bytes:
                        raise self._too_large()
                    if room and len(body) > counted:
                        room.grow(len(body) - counted)
                        counted = len(body)
        except TimeoutError:
            told = f"The body did not arrive within {self._timeout_s:g} s."
            raise HTTPProblem(408, detail=told, headers={"connection": "close"}) from None
        except zlib.error:
            raise HTTPProblem(400, detail="The body is not valid gzip.") from None
        return bytes(body)

    def _too_large(self) -> HTTPProblem:
        told = f"A body may have {self._max_bytes} bytes after decompression; send fewer groups at a time."
        return HTTPProblem(413, detail=told, headers={"connection": "close"})


def _inflater(encoding: str) -> Callable[[bytes, int], bytes]:
    """(chunk, most bytes wanted) → bytes. Raises HTTPProblem for an encoding that is not read here."""
    match encoding.strip().lower():
        case "identity" | "":
            return lambda chunk, _: chunk
        case "gzip":
            return zlib.decompressobj(wbits=16 + zlib.MAX_WBITS).decompress
    raise HTTPProblem(415, detail="Content-Encoding must be gzip, or absent.")
