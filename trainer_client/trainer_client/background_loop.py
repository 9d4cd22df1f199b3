"""The background loop of a client: an event loop in a thread of its own, with the connections, for callers of any thread
or loop.

    send_group ──▶ Sender                       a long group goes in parts, unless its domain needs them together
    send_sample ─▶ Sender, or held by its PendingGroup until the siblings are there, where the domain needs them
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import httpx

from trainer_client.address import is_loopback, proxy_of
from trainer_client.client_metrics import ClientMetrics
from trainer_client.domains import Domain, Domains
from trainer_client.errors import BadGroup
from trainer_client.pending_group import PendingGroup
from trainer_client.pending_request import PendingRequest
from trainer_client.results import ScoredGroup, no_verdict
from trainer_client.sending import BATCH_BYTES, Sender
from trainer_client.wire import RolloutGroup, RolloutSample, split, write, write_samples

T = TypeVar("T")

CONNECT_S = 5.0
# What `stop` gives the requests to end; a program must end whatever they do.
END_S = 5.0
# Bodies of `score_many` that exist at a time, and the size from which one is worth counting.
MANY_BYTES = 128 << 20
LARGE = 1024


@dataclass(frozen=True)
class ClientSettings:
    """What makes a client; all that a pickled one takes along."""

    url: str
    key: str | None
    run: str | None
    deadline_s: float
    connections: int
    strict: bool
    stop_at: float
    transport: httpx.AsyncBaseTransport | None


class BackgroundLoop:
    """Runs from the moment it is created until `stop`. `call` and `run` may be used by any thread."""

    def __init__(self, settings: ClientSettings, metrics: ClientMetrics) -> None:
        self._http = httpx.AsyncClient(
            base_url=settings.url,
            headers={"authorization": f"Bearer {settings.key}"} if settings.key else {},
            timeout=httpx.Timeout(None, connect=CONNECT_S),
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=settings.connections),
            transport=settings.transport,
            trust_env=not is_loopback(settings.url),
        )
        self._metrics = metrics
        self._domains = Domains(self._http)
        proxy = None if settings.transport else proxy_of(settings.url)
        self._sender = Sender(self._http, settings.connections, metrics, self._domains.note_version, proxy)
        self._holding: set[PendingGroup] = set()
        # Requests that wait for what their domain needs, or for their parts.
        self._routing: dict[asyncio.Task[None], PendingRequest] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="trainer_client", daemon=True)
        self._thread.start()

    def call(self, method: Callable[..., None], *arguments: Any) -> None:
        """Call one of the methods below on the loop."""
        self._loop.call_soon_threadsafe(method, self, *arguments)

    def run(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Run one of the coroutines below on the loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def stop(self) -> None:
        """End the loop; what is still out becomes a failure `cancelled`.

        A Ctrl-C may have left a future's lock taken for ever, and the loop with it: it is waited for in vain only so long.
        """
        if not self._thread.is_alive():
            return
        self._loop.call_soon_threadsafe(self._loop.stop)
        if self._thread is not threading.current_thread():
            self._thread.join(2 * END_S)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()
        self._loop.run_until_complete(self._end())
        self._loop.close()

    async def _end(self) -> None:
        for pending in self._pending():
            pending.cancel("the client was closed")
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=END_S)
        await self._http.aclose()
        await self._loop.shutdown_asyncgens()
        await self._loop.shutdown_default_executor()

    def _pending(self) -> Iterator[PendingRequest]:
        """All requests that are not settled."""
        for group in list(self._holding):
            yield from [pending for _, pending in group.held.values()]
        yield from list(self._routing.values())
        yield from self._sender.pending()

    # --- on the loop --------------------------------------------------------------------------------------------------

    def send_group(self, group: RolloutGroup, pending: PendingRequest) -> None:
        pending.start(self._loop)
        if len(pending.body.json) > BATCH_BYTES and pending.body.count > 1 and group.indices is None:
            pending.on_leave = self._route(self._send_long(group, pending), pending).cancel
        else:
            self._sender.send(pending)

    def send_sample(self, sample: RolloutSample, index: int, pending: PendingRequest, group: PendingGroup) -> None:
        """Sent at once, or with its siblings where the domain looks at the whole group."""
        pending.start(self._loop)
        domain = self._domains.peek(sample.domain)
        if group.size == 1:
            self._sender.send(pending)
        elif domain is None:
            self._route(self._send_later(sample, index, pending, group), pending)
        else:
            self._place(sample, index, pending, group, needs_siblings=domain.needs_siblings)

    def leave_out(self, sample: RolloutSample, index: int, pending: PendingRequest, group: PendingGroup) -> None:
        """It is not sent; siblings that wait for the whole group no longer wait for it."""
        pending.settle(
            ScoredGroup([no_verdict(sample.failure or "cancelled", "its episode failed before it was scored")])
        )
        group.left_out.add(index)
        self._arrived(group, pending.deadline_s)

    async def score_many(self, groups: Sequence[tuple[RolloutGroup, float]]) -> list[ScoredGroup]:
        """Score them all, in order, with their deadlines in seconds; bodies are written as there is room."""
        begun = self._loop.time()
        futures: list[asyncio.Future[ScoredGroup]] = []
        large: dict[asyncio.Future[ScoredGroup], int] = {}
        try:
            for group, deadline_s in groups:
                body = write(group)
                while large and sum(large.values()) + len(body.json) > MANY_BYTES:
                    done, _ = await asyncio.wait(large, return_when=asyncio.FIRST_COMPLETED)
                    for future in done:
                        del large[future]
                future = self._loop.create_future()
                futures.append(future)
                self.send_group(
                    group, PendingRequest(body, begun + deadline_s - self._loop.time(), future, self._metrics)
                )
                if len(body.json) > MANY_BYTES // LARGE:
                    large[future] = len(body.json)
                    await asyncio.sleep(0)  # a long body was written: now the requests have their turn
            return list(await asyncio.gather(*futures))
        finally:
            for future in futures:
                future.cancel()

    async def domain(self, name: str, deadline_s: float) -> Domain:
        """What the gateway serves under this name. Raises BadGroup, TimeoutError."""
        return await self._domains.get(name, self._loop.time() + deadline_s)

    async def finish(self, within_s: float) -> None:
        """Nothing that is out now takes longer than this; samples that still wait for siblings wait no more."""
        held = [pending for group in self._holding for _, pending in group.held.values()]
        for group in self._holding:
            group.held.clear()
        self._holding.clear()
        for pending in held:
            pending.cancel("its siblings were not submitted")
        for pending in self._pending():
            pending.hurry(self._loop.time() + within_s)

    # --- long groups, and samples that need their siblings ------------------------------------------------------------

    def _route(self, work: Coroutine[Any, Any, None], pending: PendingRequest) -> asyncio.Task[None]:
        """Let a task decide how the request is sent."""
        pending.trouble = ("verifier_unreachable", "the gateway did not say what its domain needs")
        task = asyncio.ensure_future(work)
        self._routing[task] = pending
        task.add_done_callback(self._routing.pop)
        return task

    async def _send_long(self, group: RolloutGroup, pending: PendingRequest) -> None:
        """In parts, each with the deadline of the whole, unless the domain needs them together."""
        try:
            if (await self._domains.get(group.domain, pending.deadline)).needs_siblings:
                self._sender.send(pending)
                return
            pending.settle(await self._send_parts(split(group, BATCH_BYTES), pending))
        except BadGroup as error:
            pending.refuse(error)
        except TimeoutError:
            pending.expire()

    async def _send_parts(self, parts: Sequence[RolloutGroup], whole: PendingRequest) -> ScoredGroup:
        whole.stop_timer()  # the parts' own timers settle it
        futures = [self._loop.create_future() for _ in parts]
        try:
            for part, future in zip(parts, futures, strict=True):
                pending = PendingRequest(write(part), whole.deadline - self._loop.time(), future, is_strict=True)
                pending.start(self._loop)
                self._sender.send(pending)
            return ScoredGroup(sample for scored in await asyncio.gather(*futures) for sample in scored)
        finally:
            for future in futures:
                future.cancel()

    async def _send_later(
        self, sample: RolloutSample, index: int, pending: PendingRequest, group: PendingGroup
    ) -> None:
        """After the gateway has said what the domain needs."""
        needs_siblings = False
        try:
            needs_siblings = (await self._domains.get(sample.domain, pending.deadline)).needs_siblings
        except BadGroup as error:
            pending.refuse(error)
        except TimeoutError:
            pending.expire()
        self._place(sample, index, pending, group, needs_siblings=needs_siblings)

    def _place(
        self, sample: RolloutSample, index: int, pending: PendingRequest, group: PendingGroup, *, needs_siblings: bool
    ) -> None:
        """Send the sample, or hold it; the group's last sample sends those that are held."""
        if not needs_siblings:
            self._sender.send(pending)
        elif pending.is_open:
            pending.stop_timer()
            group.held[index] = (sample, pending)
            self._holding.add(group)
        self._arrived(group, pending.deadline_s)

    def _arrived(self, group: PendingGroup, deadline_s: float) -> None:
        """One more of its samples is here, to be scored or not."""
        group.arrived += 1
        if group.arrived == group.size and group.held:
            self._send_held(group, deadline_s)

    def _send_held(self, group: PendingGroup, deadline_s: float) -> None:
        """The samples that waited for each other, as one request."""
        self._holding.discard(group)
        members = [pending for _, (_, pending) in sorted(group.held.items())]
        body = write_samples(group.samples())
        whole = PendingRequest(body, deadline_s, self._loop.create_future(), is_strict=True)
        whole.future.add_done_callback(partial(_share, members))
        whole.start(self._loop)
        self._sender.send(whole)


def _share(members: Sequence[PendingRequest], whole: Any) -> None:
    """Settle each member with its sample of the whole group."""
    if whole.cancelled():
        return
    error = whole.exception()
    for position, member in enumerate(members):
        if error is None:
            member.settle(ScoredGroup([whole.result()[position]]))
        else:
            member.refuse(error)
