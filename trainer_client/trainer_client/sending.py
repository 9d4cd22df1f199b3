"""Parcels go to the gateway: at most so many requests at a time, many parcels in one when they have to queue, tried again
until their deadline.

    PendingRequest ──▶ Sender.deliver ──▶ HTTP request (one, or many as lines) ──▶ ScoredGroup; at the deadline, nulls

Everything here runs on the engine's event loop. A parcel has one absolute deadline: its timer settles it whatever the
request that carries it does.
"""

from __future__ import annotations

import asyncio
import gzip
import itertools
import json
from collections import deque
from collections.abc import AsyncIterator, Sequence
from typing import Any

import httpx

from trainer_client.client_metrics import ClientMetrics, log
from trainer_client.errors import BadGroup
from trainer_client.results import ScoredGroup, mended, without_verdict
from trainer_client.retry import passes, pause, retry_after
from trainer_client.wire import BadReply, Body, read_reply, told

# A request takes no further parcels beyond this: 2 MB of JSON hold an event loop for milliseconds, 18 MB for a tenth of 1 s.
BATCH_BYTES = 2 << 20
BATCH_PARCELS = 64
GZIP_BYTES = 256 << 10
# Kept back from the gateway's share of the deadline, for the way there and back.
WAY_BACK = 0.05
WAY_BACK_S = 1.0
# Failures of one sample that pass, as the same answers for a whole request do.
PASSING = frozenset({"overloaded", "verifier_unreachable"})
# What one parcel of many may be to blame for: then each half is sent by itself.
BLAMES_ONE = frozenset({400, 404, 413, 422, 500})
CUT_OFF = (httpx.ReadError, httpx.RemoteProtocolError)
JSON = "application/json"
NDJSON = "application/x-ndjson"


class PendingRequest:
    """A body on its way, and the future of its scores. `trouble` is what stood in the way last: (kind, message)."""

    def __init__(self, body: Body, deadline: float) -> None:
        loop = asyncio.get_running_loop()
        self.body = body
        self.deadline = deadline
        self.trouble = ("deadline_exceeded", "it waited in the client for a free connection")
        self.future: asyncio.Future[ScoredGroup] = loop.create_future()
        self._best: ScoredGroup | None = None
        self._timer = loop.call_at(deadline, self.expire)

    @property
    def is_open(self) -> bool:
        return not self.future.done()

    def answered(self, group: ScoredGroup) -> None:
        """The gateway's verdicts; a sample whose failure may pass keeps the parcel open for another try."""
        self._best = mended(self._best, group) if self._best else group
        passing = [failure for failure in self._best.failures if failure and failure["kind"] in PASSING]
        if not passing:
            self.settle(self._best)

    def hurry(self, deadline: float) -> None:
        """An earlier deadline than it had."""
        if deadline < self.deadline and self.is_open:
            self._timer.cancel()
            self.deadline = deadline
            self._timer = asyncio.get_running_loop().call_at(deadline, self.expire)

    def expire(self) -> None:
        """No time is left: what verdicts there are, and the cause for the others."""
        self.settle(self._best or without_verdict(self.body.count, *self.trouble))

    def settle(self, group: ScoredGroup) -> None:
        self._timer.cancel()
        if self.is_open:
            self.future.set_result(group)

    def refuse(self, error: BadGroup) -> None:
        self._timer.cancel()
        if self.is_open:
            self.future.set_exception(error)


class Sender:
    """`deliver` parcels with at most `connections` requests at a time: more would only wait in the pool of connections."""

    def __init__(self, http: httpx.AsyncClient, connections: int, meter: ClientMetrics) -> None:
        self._http = http
        self._free = connections
        self._meter = meter
        self._open: set[PendingRequest] = set()
        self._waiting: deque[PendingRequest] = deque()
        self._requests: set[asyncio.Task[None]] = set()

    async def deliver(self, parcel: PendingRequest) -> ScoredGroup:
        """The scores, at the parcel's deadline at the latest. Raises BadGroup when the gateway refuses it."""
        self._open.add(parcel)
        self._waiting.append(parcel)
        self._pump()
        try:
            return await parcel.future
        finally:
            parcel.future.cancel()  # a caller that leaves takes its parcel along
            self._open.discard(parcel)

    def hurry(self, deadline: float) -> None:
        """No parcel, waiting or on its way, may take longer than until then."""
        for parcel in list(self._open):
            parcel.hurry(deadline)

    def _pump(self) -> None:
        while self._free and (batch := self._next()):
            self._free -= 1
            task = asyncio.ensure_future(self._carry(batch))
            self._requests.add(task)
            task.add_done_callback(self._returned)

    def _returned(self, task: asyncio.Task[None]) -> None:
        self._requests.discard(task)
        self._free += 1
        self._pump()

    def _next(self) -> list[PendingRequest]:
        """The oldest parcels, as many as fit one request."""
        batch: list[PendingRequest] = []
        size = 0
        while self._waiting and len(batch) < BATCH_PARCELS:
            size += len(self._waiting[0].body.json)
            if batch and size > BATCH_BYTES:
                break
            parcel = self._waiting.popleft()
            if parcel.is_open:
                batch.append(parcel)
        return batch

    async def _carry(self, batch: list[PendingRequest]) -> None:
        """Until every parcel of the batch is settled: the last one's deadline ends the request, whatever it waits for."""
        tries = asyncio.ensure_future(self._tries(batch))
        settled = asyncio.ensure_future(asyncio.wait([parcel.future for parcel in batch]))
        try:
            with self._meter.working():
                await asyncio.wait([tries, settled], return_when=asyncio.FIRST_COMPLETED)
        finally:
            tries.cancel()
            settled.cancel()
            [ended, _] = await asyncio.gather(tries, settled, return_exceptions=True)
        if isinstance(ended, Exception):
            log.error("the client failed; its parcels get no verdict", exc_info=ended)
            for parcel in batch:
                parcel.trouble = ("verifier_error", f"the client failed ({type(ended).__name__})")
                parcel.expire()

    async def _tries(self, batch: Sequence[PendingRequest]) -> None:
        for number in itertools.count():
            told = await self._try(batch)
            batch = [parcel for parcel in batch if parcel.is_open]
            if not batch:
                return
            self._meter.retried()
            await asyncio.sleep(pause(number, told))

    async def _try(self, parcels: Sequence[PendingRequest]) -> float | None:
        """One try; returns the seconds of a Retry-After. What stood in the way is in the parcels that are still open."""
        _blame(parcels, "deadline_exceeded", "the gateway did not answer in time")
        try:
            return await self._exchange(parcels)
        except httpx.RequestError as error:
            _blame(parcels, "verifier_unreachable", f"the gateway cannot be reached ({type(error).__name__})")
        except BadReply as error:
            _blame(parcels, "verifier_error", f"the gateway answered outside the contract: {error}")
        return None

    async def _exchange(self, parcels: Sequence[PendingRequest]) -> float | None:
        try:
            status, headers, answer = await self._post(parcels)
        except CUT_OFF as error:
            if len(parcels) > 1:
                return await self._halves(parcels)
            _blame(parcels, "verifier_unreachable", f"the gateway broke off ({type(error).__name__})")
            return None
        if status == httpx.codes.OK:
            return None
        if status in BLAMES_ONE and len(parcels) > 1:
            return await self._halves(parcels)
        if passes(status):
            kind = "verifier_error" if status == httpx.codes.INTERNAL_SERVER_ERROR else "overloaded"
            _blame(parcels, kind, f"the gateway answered {status}")
            return retry_after(headers)
        for parcel in parcels:
            parcel.refuse(BadGroup(told(status, answer), status))
        return None

    async def _halves(self, parcels: Sequence[PendingRequest]) -> float | None:
        parcels = [parcel for parcel in parcels if parcel.is_open]
        middle = len(parcels) // 2
        waits = [await self._exchange(half) for half in (parcels[:middle], parcels[middle:]) if half]
        return max((wait for wait in waits if wait is not None), default=None)

    async def _post(self, parcels: Sequence[PendingRequest]) -> tuple[int, httpx.Headers, bytes]:
        """Status, headers and what was answered; a good reply is read into the parcels. Raises RequestError, BadReply."""
        content, headers = await _packed(parcels)
        async with self._http.stream("POST", "/score", content=content, headers=headers) as reply:
            if reply.status_code != httpx.codes.OK:
                return reply.status_code, reply.headers, await reply.aread()
            await (_read_one(reply, parcels[0]) if len(parcels) == 1 else _read_lines(reply, parcels))
            return reply.status_code, reply.headers, b""


def _blame(parcels: Sequence[PendingRequest], kind: str, message: str) -> None:
    for parcel in parcels:
        parcel.trouble = (kind, message)


async def _packed(parcels: Sequence[PendingRequest]) -> tuple[bytes, dict[str, str]]:
    """The request's body and headers, with the time that each parcel has left now."""
    now = asyncio.get_running_loop().time()
    bodies = []
    for parcel in parcels:
        left = parcel.deadline - now
        bodies.append(parcel.body.until(left - min(WAY_BACK * left, WAY_BACK_S)))
    headers = {"content-type": JSON, "idempotency-key": ", ".join(parcel.body.key for parcel in parcels)}
    content = bodies[0]
    if len(parcels) > 1:
        content, headers["accept"] = b'{"groups":[%s]}' % b",".join(bodies), NDJSON
    if len(content) > GZIP_BYTES:
        content, headers["content-encoding"] = await asyncio.to_thread(gzip.compress, content, 1), "gzip"
    return content, headers


async def _read_one(reply: httpx.Response, parcel: PendingRequest) -> None:
    parcel.answered(read_reply(_json(await reply.aread()), parcel.body.count))


async def _read_lines(reply: httpx.Response, parcels: Sequence[PendingRequest]) -> None:
    """Each group's line settles its parcel as it comes. Raises BadReply."""
    missing = set(range(len(parcels)))
    async for line in _lines(reply):
        document = _json(line)
        index = document.get("index") if isinstance(document, dict) else None
        if index not in missing:
            raise BadReply("a line without the index of a group that was asked for")
        parcels[index].answered(read_reply(document, parcels[index].body.count))
        missing.discard(index)
    if missing:
        raise BadReply(f"{len(missing)} of {len(parcels)} groups were not answered")


async def _lines(reply: httpx.Response) -> AsyncIterator[bytes]:
    """Lines by line feed alone: httpx's own also end at U+2028, which may stand in a JSON string."""
    rest: list[bytes] = []
    async for chunk in reply.aiter_bytes():
        first, *more = chunk.split(b"\n")
        rest.append(first)
        for part in more:
            yield b"".join(rest)
            rest = [part]


def _json(text: bytes) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadReply(f"no JSON ({type(error).__name__})") from None
