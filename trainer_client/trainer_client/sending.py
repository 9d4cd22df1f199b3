"""Requests go to the gateway: so many at a time, many bodies in one when they have to queue, until their deadline.

    PendingRequest ──▶ Sender.send ──▶ HTTP request (one body, or many as lines) ──▶ its future; at the deadline, nulls

Everything here runs on the background loop.
"""

from __future__ import annotations

import asyncio
import gzip
import itertools
import json
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from functools import partial
from typing import Any

import httpx

from trainer_client.client_metrics import ClientMetrics, log
from trainer_client.errors import BadGroup
from trainer_client.pending_request import PendingRequest
from trainer_client.retry import may_pass, pause, retry_after
from trainer_client.wire import BadReply, problem_text, read_reply, text_of

# A request takes no further bodies beyond this: 2 MB of JSON hold an event loop for milliseconds, 18 MB for a tenth of 1 s.
BATCH_BYTES = 2 << 20
BATCH_BODIES = 64
GZIP_BYTES = 256 << 10
# Kept back from the gateway's share of the deadline, for the way there and back.
WAY_BACK = 0.05
WAY_BACK_S = 1.0
# Statuses for which one body of many may be to blame: then each half is sent by itself.
BLAMES_ONE = frozenset({400, 404, 413, 422, 500})
CUT_OFF = (httpx.ReadError, httpx.RemoteProtocolError)
JSON = "application/json"
NDJSON = "application/x-ndjson"

Batch = list[PendingRequest]


class Sender:
    """At most `connections` HTTP requests at a time: more would only wait in the pool of connections.

    on_version: called with the domain and the version of every reply. proxy: what stands before the gateway.
    """

    def __init__(
        self,
        http: httpx.AsyncClient,
        connections: int,
        metrics: ClientMetrics,
        on_version: Callable[[str, str | None], None],
        proxy: str | None,
    ) -> None:
        self._way = f" through proxy {proxy}" if proxy else ""
        self._http = http
        self._free = connections
        self._metrics = metrics
        self._on_version = on_version
        self._waiting: deque[PendingRequest] = deque()
        self._batches: dict[asyncio.Task[None], Batch] = {}

    def send(self, pending: PendingRequest) -> None:
        self._waiting.append(pending)
        self._pump()

    def pending(self) -> Iterator[PendingRequest]:
        """All that wait or are on their way."""
        return itertools.chain(list(self._waiting), *list(self._batches.values()))

    def _pump(self) -> None:
        while self._free and (batch := self._next_batch()):
            self._free -= 1
            task = asyncio.ensure_future(self._carry(batch))
            self._batches[task] = batch
            task.add_done_callback(self._returned)
            for pending in batch:
                pending.on_leave = partial(self._left, task)

    def _returned(self, task: asyncio.Task[None]) -> None:
        del self._batches[task]
        self._free += 1
        self._pump()

    def _left(self, task: asyncio.Task[None]) -> None:
        """One of the batch is settled: the HTTP request ends when nobody wants its reply."""
        if not any(pending.is_open for pending in self._batches.get(task, ())):
            task.cancel()

    def _next_batch(self) -> Batch:
        """The oldest, as many as fit one HTTP request."""
        batch: Batch = []
        size = 0
        while self._waiting and len(batch) < BATCH_BODIES:
            size += len(self._waiting[0].body.json)
            if batch and size > BATCH_BYTES:
                break
            pending = self._waiting.popleft()
            if pending.is_open:
                batch.append(pending)
        return batch

    async def _carry(self, batch: Batch) -> None:
        """Try until all of the batch are settled."""
        with self._metrics.working():
            try:
                for number in itertools.count():
                    wait_s = await self._exchange(batch)
                    batch = [pending for pending in batch if pending.is_open]
                    if not batch:
                        return
                    self._metrics.retried()
                    await asyncio.sleep(pause(number, wait_s))
            except Exception as error:
                log.exception("the client failed; its requests get no verdict")
                _blame(batch, "verifier_error", f"the client failed ({type(error).__name__})")
                for pending in batch:
                    pending.expire()

    async def _exchange(self, batch: Batch) -> float | None:
        """One try; returns the seconds of a Retry-After. Those that are still open hold the obstacle."""
        _blame(batch, "deadline_exceeded", "the gateway did not answer in time")
        try:
            status, headers, content = await self._post(batch)
        except CUT_OFF as error:
            if len(batch) > 1:
                return await self._halves(batch)
            _blame(batch, "verifier_unreachable", f"the gateway broke off ({type(error).__name__})")
            return None
        except httpx.RequestError as error:
            _blame(batch, "verifier_unreachable", f"the gateway cannot be reached{self._way} ({type(error).__name__})")
            return None
        except BadReply as error:
            _blame(batch, "verifier_error", f"the gateway answered outside the contract: {error}")
            return None
        if status in BLAMES_ONE and len(batch) > 1:
            return await self._halves(batch)
        if may_pass(status):
            kind = "verifier_error" if status == httpx.codes.INTERNAL_SERVER_ERROR else "overloaded"
            _blame(batch, kind, f"the gateway answered {status}")
            return retry_after(headers)
        if status != httpx.codes.OK:
            for pending in batch:
                pending.refuse(BadGroup(problem_text(status, content), status))
        return None

    async def _halves(self, batch: Batch) -> float | None:
        batch = [pending for pending in batch if pending.is_open]
        middle = len(batch) // 2
        waits = [await self._exchange(half) for half in (batch[:middle], batch[middle:]) if half]
        return max((wait for wait in waits if wait is not None), default=None)

    async def _post(self, batch: Batch) -> tuple[int, httpx.Headers, bytes]:
        """Status, headers and body; a good reply is read into the batch. Raises RequestError, BadReply."""
        content, headers = await _pack(batch)
        async with self._http.stream("POST", "/score", content=content, headers=headers) as reply:
            if reply.status_code != httpx.codes.OK:
                return reply.status_code, reply.headers, await reply.aread()
            if len(batch) == 1:
                self._read(_parse(await reply.aread()), batch[0])
            else:
                await self._read_lines(reply, batch)
            return reply.status_code, reply.headers, b""

    def _read(self, document: Any, pending: PendingRequest) -> None:
        if isinstance(document, dict) and isinstance(document.get("problem"), dict):
            problem = document["problem"]
            pending.refuse(BadGroup(text_of(problem), int(problem.get("status", 422))))
            return
        scored = read_reply(document, pending.body.count)
        self._on_version(pending.body.domain, scored.version)
        pending.reply(scored)

    async def _read_lines(self, reply: httpx.Response, batch: Batch) -> None:
        """Each line settles its request as it comes. Raises BadReply."""
        missing = set(range(len(batch)))
        async for line in _lines(reply):
            document = _parse(line)
            index = document.get("index") if isinstance(document, dict) else None
            if index not in missing:
                raise BadReply("a line without the index of a group of the request")
            self._read(document, batch[index])
            missing.discard(index)
        if missing:
            raise BadReply(f"{len(missing)} of {len(batch)} groups were not answered")


def _blame(batch: Sequence[PendingRequest], kind: str, message: str) -> None:
    for pending in batch:
        pending.trouble = (kind, message)


async def _pack(batch: Sequence[PendingRequest]) -> tuple[bytes, dict[str, str]]:
    """Body and headers of the HTTP request, with the time that each has left now."""
    now = asyncio.get_running_loop().time()
    bodies = []
    for pending in batch:
        left_s = pending.deadline - now
        bodies.append(pending.body.until(left_s - min(WAY_BACK * left_s, WAY_BACK_S)))
    headers = {"content-type": JSON, "idempotency-key": ", ".join(pending.body.key for pending in batch)}
    content = bodies[0]
    if len(batch) > 1:
        content, headers["accept"] = b'{"groups":[%s]}' % b",".join(bodies), NDJSON
    if len(content) > GZIP_BYTES:
        content, headers["content-encoding"] = await asyncio.to_thread(gzip.compress, content, 1), "gzip"
    return content, headers


async def _lines(reply: httpx.Response) -> AsyncIterator[bytes]:
    """Lines by line feed alone: httpx's own also end at U+2028, which may stand in a JSON string."""
    rest: list[bytes] = []
    async for chunk in reply.aiter_bytes():
        first, *more = chunk.split(b"\n")
        rest.append(first)
        for part in more:
            yield b"".join(rest)
            rest = [part]


def _parse(text: bytes) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadReply(f"no JSON ({type(error).__name__})") from None
