"""The engine of a client: an event loop in a thread of its own, with the connections, for callers of any thread or loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, TypeVar

import httpx

from trainer_client.client_metrics import ClientMetrics
from trainer_client.domains import Domain, Domains
from trainer_client.errors import BadGroup
from trainer_client.pending_group import PendingGroup
from trainer_client.results import ScoredGroup, gathered, without_verdict
from trainer_client.sending import BATCH_BYTES, PendingRequest, Sender
from trainer_client.wire import Body, RolloutGroup, RolloutSample, group_of, split, write

T = TypeVar("T")

CONNECT_S = 5.0
# What `stop` gives the requests to end; a program must end whatever they do.
END_S = 5.0
# Bodies of `score_many` that exist at a time.
MANY_BYTES = 128 << 20


@dataclass(frozen=True)
class Settings:
    """What makes a client; all that a pickled one takes along."""

    url: str
    key: str | None
    run: str | None
    deadline_s: float
    connections: int
    strict: bool
    stop_at: float
    transport: httpx.AsyncBaseTransport | None


class Engine:
    """Runs from the moment it is made until `stop`."""

    def __init__(self, settings: Settings, meter: ClientMetrics) -> None:
        self._http = httpx.AsyncClient(
            base_url=settings.url,
            headers={"authorization": f"Bearer {settings.key}"} if settings.key else {},
            timeout=httpx.Timeout(None, connect=CONNECT_S),
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=settings.connections),
            transport=settings.transport,
        )
        self._meter = meter
        self._sender = Sender(self._http, settings.connections, meter)
        self._domains = Domains(self._http)
        self._holding: set[PendingGroup] = set()
        self._is_stopping = False
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="trainer_client", daemon=True)
        self._thread.start()

    def start(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Run one of the coroutines below, from any thread."""
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def stop(self) -> None:
        """End the loop; what is still out becomes a failure `cancelled`."""
        if not self._thread.is_alive():
            return
        self._loop.call_soon_threadsafe(self._loop.stop)
        if self._thread is not threading.current_thread():
            self._thread.join()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()
        self._is_stopping = True
        self._loop.run_until_complete(self._end())
        self._loop.close()

    async def _end(self) -> None:
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=END_S)
        await self._http.aclose()
        await self._loop.shutdown_asyncgens()
        await self._loop.shutdown_default_executor()

    # --- work, on the loop --------------------------------------------------------------------------------------------

    async def score(self, group: RolloutGroup, body: Body, deadline_s: float) -> ScoredGroup:
        """Raises BadGroup when the gateway refuses the group."""
        self._meter.arrived()
        return await self._counted(body, self._group(group, body, self._loop.time() + deadline_s))

    async def submitted(self, group: RolloutGroup, body: Body, deadline_s: float) -> ScoredGroup:
        """As `score`; one group's refusal is a failure among others. Raises BadGroup when the program is at fault."""
        self._meter.arrived()
        return await self._counted(body, _lenient(body, self._group(group, body, self._loop.time() + deadline_s)))

    async def score_many(self, groups: Sequence[tuple[RolloutGroup, float]]) -> list[ScoredGroup]:
        """All of them, in order, with their deadlines in seconds; bodies are written as there is room."""
        self._meter.arrived()
        begun = self._loop.time()
        tasks: list[asyncio.Task[ScoredGroup]] = []
        sizes: dict[asyncio.Task[ScoredGroup], int] = {}
        try:
            for group, deadline_s in groups:
                body = write(group)
                while sizes and sum(sizes.values()) + len(body.json) > MANY_BYTES:
                    done, _ = await asyncio.wait(sizes, return_when=asyncio.FIRST_COMPLETED)
                    for task in done:
                        del sizes[task]
                work = _lenient(body, self._group(group, body, begun + deadline_s))
                tasks.append(asyncio.ensure_future(self._counted(body, work)))
                if len(body.json) > MANY_BYTES // 1024:
                    sizes[tasks[-1]] = len(body.json)
                    await asyncio.sleep(0)  # a long body was written: now the requests have their turn
            return list(await asyncio.gather(*tasks))
        finally:
            for task in tasks:
                task.cancel()

    async def sample(
        self, sample: RolloutSample, index: int, body: Body, gathering: PendingGroup, deadline_s: float
    ) -> ScoredGroup:
        """A group of one. Sent at once, or with its siblings where the domain looks at the whole group."""
        self._meter.arrived()
        return await self._counted(body, _lenient(body, self._sample(sample, index, body, gathering, deadline_s)))

    async def domain(self, name: str, deadline_s: float) -> Domain:
        """What the gateway serves under this name. Raises BadGroup, TimeoutError."""
        return await self._domains.known(name, self._loop.time() + deadline_s)

    async def finish(self, within_s: float) -> None:
        """Nothing that is out now takes longer than this; samples that still wait for siblings wait no more."""
        self._sender.hurry(self._loop.time() + within_s)
        for gathering in self._holding:
            for _, own in gathering.held.values():
                if not own.done():
                    own.set_result(without_verdict(1, "cancelled", "its siblings were not submitted"))
            gathering.held.clear()
        self._holding.clear()

    async def _counted(self, body: Body, work: Coroutine[Any, Any, ScoredGroup]) -> ScoredGroup:
        try:
            group = await work
        except TimeoutError:
            group = without_verdict(body.count, "verifier_unreachable", "the gateway did not say what its domain needs")
        except asyncio.CancelledError:
            if not self._is_stopping:
                raise
            group = without_verdict(body.count, "cancelled", "the client was closed")
        self._meter.scored(group)
        return group

    async def _group(self, group: RolloutGroup, body: Body, deadline: float) -> ScoredGroup:
        is_long = len(body.json) > BATCH_BYTES and body.count > 1 and group.indices is None
        if not is_long or await self._domains.needs_siblings(group.domain, deadline):
            return await self._deliver(body, deadline)
        bodies = [write(part) for part in split(group, BATCH_BYTES)]
        parts = await asyncio.gather(*(self._deliver(part, deadline) for part in bodies))
        return gathered([part.sample(index) for part in parts for index in range(len(part))])

    async def _sample(
        self, sample: RolloutSample, index: int, body: Body, gathering: PendingGroup, deadline_s: float
    ) -> ScoredGroup:
        deadline = self._loop.time() + deadline_s
        own: asyncio.Future[ScoredGroup] = self._loop.create_future()
        try:
            is_held = gathering.size > 1 and await self._domains.needs_siblings(sample.domain, deadline)
            if is_held:
                gathering.held[index] = (sample, own)
                self._holding.add(gathering)
        finally:
            gathering.arrived += 1
            if gathering.arrived == gathering.size and gathering.held:
                self._holding.discard(gathering)
                gathering.sending = asyncio.ensure_future(self._send_held(gathering, self._loop.time() + deadline_s))
        return await (own if is_held else self._deliver(body, deadline))

    async def _send_held(self, gathering: PendingGroup, deadline: float) -> None:
        """The samples that waited for each other, as one request."""
        indices = sorted(gathering.held)
        waiting = [gathering.held[index][1] for index in indices]
        try:
            body = write(group_of({index: sample for index, (sample, _) in gathering.held.items()}))
            group = await self._deliver(body, deadline)
        except Exception as error:
            for own in waiting:
                if not own.done():
                    own.set_exception(error)
            return
        for position, own in enumerate(waiting):
            if not own.done():
                own.set_result(gathered([group.sample(position)]))

    async def _deliver(self, body: Body, deadline: float) -> ScoredGroup:
        group = await self._sender.deliver(PendingRequest(body, deadline))
        self._domains.seen(body.domain, group.version)
        return group


async def _lenient(body: Body, work: Coroutine[Any, Any, ScoredGroup]) -> ScoredGroup:
    """A group that the gateway refuses is one without a verdict; a program that is at fault is told."""
    try:
        return await work
    except BadGroup as error:
        if error.is_setup:
            raise
        return without_verdict(body.count, "refused", str(error))
