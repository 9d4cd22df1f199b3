"""The hard shell around every service: pure ASGI layers, outermost first.

    RequestId     a name for each request, in the log and in the reply
    BearerKeys    401 without a key, where keys are set
    Inflight      429 when the bodies in memory take too much room
    BoundedBody   413, 408, 415: a body's size, its time to arrive, its encoding
    StrictRoute   400, 415: strict JSON only

Nothing here buffers beyond its bound, and nothing waits longer than its deadline.
"""

from __future__ import annotations

import asyncio
import contextvars
import hashlib
import hmac
import logging
import re
import secrets
import zlib
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, TypeVar

from fastapi import FastAPI, Request
from fastapi.responses import Response, StreamingResponse
from fastapi.routing import APIRoute
from pythonjsonlogger.json import JsonFormatter
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from reward_verifiers.service.admission import Admission, Room
from reward_verifiers.service.problems import HTTPProblem, overloaded
from reward_verifiers.service.strict_json import loads
from reward_verifiers.verifier import Overloaded

OPEN_PATHS = frozenset({"/healthz", "/readyz"})
CLIENT_LEFT = 499
_REQUEST_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_T = TypeVar("_T")

request_id: contextvars.ContextVar[str] = contextvars.ContextVar("request_id", default="-")


@dataclass(frozen=True, slots=True)
class Limits:
    """What a service lets in. Bytes are counted after decompression."""

    max_body_bytes: int = 64 << 20
    max_inflight_bytes: int = 128 << 20
    body_timeout_s: float = 30.0
    score_keys: frozenset[str] = frozenset()
    admin_keys: frozenset[str] = frozenset()


def harden(app: FastAPI, limits: Limits) -> None:
    """Put the shell around an app; the last added is the outermost."""
    app.state.keys = Keys(limits.score_keys, limits.admin_keys)
    app.add_middleware(BoundedBody, max_bytes=limits.max_body_bytes, timeout_s=limits.body_timeout_s)
    app.add_middleware(Inflight, admission=Admission(limits.max_inflight_bytes))
    app.add_middleware(BearerKeys, keys=app.state.keys)
    app.add_middleware(RequestId)


async def _refuse(problem: HTTPProblem, scope: Scope, receive: Receive, send: Send) -> None:
    await problem.response()(scope, receive, send)


# --- request id and log -----------------------------------------------------------------------------------------------


class RequestId:
    """Takes the client's X-Request-Id when it is harmless, else makes one."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get("x-request-id", "")
        name = given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(8)
        request_id.set(name)

        async def send_named(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["x-request-id"] = name
                headers["x-content-type-options"] = "nosniff"
                headers.setdefault("cache-control", "no-store")
            await send(message)

        await self._app(scope, receive, send_named)


class _WithRequestId(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = request_id.get()
        return True


def setup_logging(level: str) -> None:
    """JSON lines on standard error, each with its request's id. Bodies are never logged."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter("{asctime}{levelname}{name}{message}{request_id}", style="{"))
    handler.addFilter(_WithRequestId())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    logging.getLogger("httpx").setLevel(logging.WARNING)


# --- keys -------------------------------------------------------------------------------------------------------------


class Keys:
    """Bearer keys, compared as digests in constant time."""

    def __init__(self, score: frozenset[str], admin: frozenset[str]) -> None:
        self._score = [_digest(key) for key in score]
        self._admin = [_digest(key) for key in admin]

    @property
    def has_admin(self) -> bool:
        return bool(self._admin)

    def may_score(self, given: str | None) -> bool:
        """Without score keys anyone may: then only a loopback address is bound, unless the operator said otherwise."""
        return not self._score or self._among(given, self._score + self._admin)

    def may_administer(self, given: str | None) -> bool:
        return self._among(given, self._admin)

    @staticmethod
    def _among(given: str | None, known: list[bytes]) -> bool:
        digest = _digest(given or "")
        matches = [hmac.compare_digest(digest, key) for key in known]  # all of them, so that time tells nothing
        return given is not None and any(matches)


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest()


def bearer(headers: Headers) -> str | None:
    scheme, _, key = headers.get("authorization", "").partition(" ")
    return key.strip() if scheme.lower() == "bearer" else None


_UNAUTHORIZED = HTTPProblem(401, detail="Send `Authorization: Bearer KEY`.", headers={"www-authenticate": "Bearer"})


class BearerKeys:
    """401 without a key, on every path but the open ones."""

    def __init__(self, app: ASGIApp, keys: Keys) -> None:
        self._app = app
        self._keys = keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        guarded = scope["type"] == "http" and scope["path"] not in OPEN_PATHS
        if guarded and not self._keys.may_score(bearer(Headers(scope=scope))):
            await _refuse(_UNAUTHORIZED, scope, receive, send)
            return
        await self._app(scope, receive, send)


async def require_admin(request: Request) -> None:
    """A route's dependency. Raises HTTPProblem unless the request has an admin key."""
    keys: Keys = request.app.state.keys
    if not keys.has_admin:
        raise HTTPProblem(403, detail="No admin key is configured; set TOUCHSTONE_ADMIN_KEYS to permit changes.")
    given = bearer(request.headers)
    if given is None:
        raise _UNAUTHORIZED
    if not keys.may_administer(given):
        raise HTTPProblem(403, detail="This needs an admin key.")


# --- bodies -----------------------------------------------------------------------------------------------------------


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
            await _refuse(overloaded(error), scope, receive, send)


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
            await _refuse(problem, scope, receive, send)
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


class _StrictRequest(Request):
    nul = False

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
                await (
                    request.json()
                )  # here, so that what is wrong with it is told as it is, not as the framework sees it
            return await handle(request)

        return strict


def _demand_json(content_type: str) -> None:
    media, _, parameters = content_type.partition(";")
    charset = parameters.replace(" ", "").lower()
    if media.strip().lower() != "application/json" or charset not in ("", "charset=utf-8", 'charset="utf-8"'):
        raise HTTPProblem(415, detail="Content-Type must be application/json in UTF-8.")


# --- clients that leave -----------------------------------------------------------------------------------------------


async def run_or_cancel(request: Request, work: Coroutine[Any, Any, _T]) -> _T:
    """The result of `work`, which is cancelled when the client goes away. Call it once the body is read."""
    task = asyncio.ensure_future(work)
    gone = asyncio.ensure_future(_disconnected(request))
    try:
        await asyncio.wait([task, gone], return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise HTTPProblem(CLIENT_LEFT, "The client left")
        return task.result()
    finally:
        for one in (task, gone):
            one.cancel()
        await asyncio.gather(task, gone, return_exceptions=True)


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


# --- streams ----------------------------------------------------------------------------------------------------------


NDJSON = "application/x-ndjson"


async def as_done(work: Iterable[Coroutine[Any, Any, bytes]]) -> AsyncIterator[bytes]:
    """Each result as soon as it is there; what is left is cancelled when nobody reads on."""
    tasks = [asyncio.ensure_future(one) for one in work]
    try:
        for done in asyncio.as_completed(tasks):
            yield await done
    finally:
        for task in tasks:
            task.cancel()


class HeldStream(StreamingResponse):
    """Lines of JSON, whose admission is held until the last of them is sent or the client has left."""

    def __init__(self, lines: AsyncIterator[bytes], held: ExitStack) -> None:
        super().__init__(lines, media_type=NDJSON)
        self._held = held

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._held:
            await super().__call__(scope, receive, send)
