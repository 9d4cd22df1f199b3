"""RewardClient and AsyncRewardClient: completions go to the gateway, rewards come back as small typed objects.

    RewardClient ─┬─▶ wire.write ─▶ BackgroundLoop (in its own thread) ─▶ Sender ─▶ POST /score ─▶ wire.read_reply
    Async…       ─┘

Both share one background loop, which starts on first use, once a process. So any thread and any event loop may use a client;
it may be copied into a forked process, and pickled.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import os
import threading
import weakref
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator, Sequence
from dataclasses import replace
from types import TracebackType
from typing import Any, TypeVar, overload

import httpx

from trainer_client.address import gateway_root
from trainer_client.background_loop import BackgroundLoop, ClientSettings
from trainer_client.client_metrics import ClientMetrics
from trainer_client.domains import Domain
from trainer_client.errors import BadGroup, NoVerdict
from trainer_client.future import RewardFuture
from trainer_client.pending_group import PendingGroups
from trainer_client.pending_request import PendingRequest
from trainer_client.results import ScoredGroup, ScoredSample
from trainer_client.wire import Body, Reference, RolloutGroup, RolloutSample, Text, write, write_samples

T = TypeVar("T")
Item = TypeVar("Item", RolloutGroup, RolloutSample)

_clients: weakref.WeakSet[_Client] = weakref.WeakSet()
# Loops of the parent process. Their threads are not here; kept, so that nothing of theirs is ever closed in the child.
_left_behind: list[BackgroundLoop] = []


class _Client:
    """What both clients share: the settings, the background loop of this process, and submitting."""

    def __init__(
        self,
        url: str,
        *,
        key: str | None = None,
        run: str | None = None,
        deadline_s: float = 60.0,
        connections: int = 32,
        strict: bool = False,
        stop_at: float = 0.5,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        url = gateway_root(url)
        if not deadline_s > 0:
            raise ValueError("deadline_s: give a positive number of seconds")
        if connections < 1:
            raise ValueError("connections: give at least 1")
        if not 0 < stop_at <= 1:
            raise ValueError("stop_at: give a share above 0, up to 1")
        self._settings = ClientSettings(url, key, run, deadline_s, connections, strict, stop_at, transport)
        self._begin()

    def _begin(self) -> None:
        self._lock = threading.Lock()
        self._background: BackgroundLoop | None = None
        self._finalizer: Callable[[], Any] | None = None
        self._is_closed = False
        self._metrics = ClientMetrics(self._settings.stop_at)
        self._groups = PendingGroups()
        _clients.add(self)

    def _running(self) -> BackgroundLoop:
        """The loop, started where it is not. Hold the lock: what is handed to it then is there before it is stopped."""
        if self._is_closed:
            raise RuntimeError("the client is closed")
        if self._background is None:
            self._background = BackgroundLoop(self._settings, self._metrics)
            self._finalizer = weakref.finalize(self, self._background.stop)
        return self._background

    def _forked(self) -> None:
        """In the child of a fork: the background loop's thread is not here, and its connections are the parent's."""
        was_closed = self._is_closed
        if self._background is not None:
            _left_behind.append(self._background)
        self._begin()
        self._is_closed = was_closed

    def __getstate__(self) -> ClientSettings:
        return self._settings

    def __setstate__(self, settings: ClientSettings) -> None:
        self._settings = settings
        self._begin()

    def _close(self) -> None:
        self._groups.end()
        with self._lock:
            self._is_closed = True
            finalizer, self._finalizer = self._finalizer, None
        if finalizer is not None:
            finalizer()

    # --- submitting, the same for both --------------------------------------------------------------------------------

    @overload
    def submit(self, item: RolloutSample) -> RewardFuture[ScoredSample]: ...

    @overload
    def submit(self, item: RolloutGroup) -> RewardFuture[ScoredGroup]: ...

    def submit(self, item: RolloutSample | RolloutGroup) -> RewardFuture[ScoredSample] | RewardFuture[ScoredGroup]:
        """Send a completion as soon as it is finished, or a whole group; returns at once.

        Samples of one `group_id` come back together by `group(group_id)`. Raises BadGroup for what cannot be sent; its
        result raises BadGroup when the gateway knows neither this key nor this domain. What one group holds and the
        gateway refuses is a failure `refused` of that group.
        """
        if isinstance(item, RolloutGroup):
            future = self._send_group(item)
            return RewardFuture(future, self._checked, self._metrics, item.id)
        sample = self._of_this_run(item)
        group, index = self._groups.place(sample)
        try:
            future, pending = self._pending(write_samples({index: sample}), sample)
            send = BackgroundLoop.leave_out if sample.failure else BackgroundLoop.send_sample
            with self._lock:
                self._running().call(send, sample, index, pending, group)
        except (BadGroup, RuntimeError):
            self._groups.release(sample, group, index)
            raise
        group.join(index, future)
        return RewardFuture(future, lambda scored: self._checked(scored)[0], self._metrics, sample.group_id, index)

    def group(self, group_id: str) -> RewardFuture[ScoredGroup]:
        """The future of a group whose samples you submit one by one. Call it once for each group.

        Raises KeyError when there is none of this id.
        """
        return RewardFuture(self._groups.take(group_id).future, self._checked, self._metrics, group_id)

    def step_metrics(self) -> dict[str, float]:
        """The figures since the last call, which are also logged: call it once a step, where training goes on.

        reward/exposed_s     how long training stood still for rewards: from the last completion to the last reward, or how
                             long this thread has waited in this client, if that is more
        reward/hidden_frac   1 − exposed_s / the time in which the gateway had work of ours: 1 when all of it was hidden
        reward/latency_s/p50, reward/latency_s/p99   of a request, tries and waits included
        reward/failed_frac   share of samples without a verdict; failures/<kind> how many of which kind
        reward/retries       requests that were sent again
        """
        return self._metrics.step()

    def _send_group(self, group: RolloutGroup, *, is_strict: bool = False) -> concurrent.futures.Future[ScoredGroup]:
        """is_strict: BadGroup for whatever the gateway refuses."""
        group = self._of_this_run(group)
        future, pending = self._pending(write(group), group, is_strict=is_strict)
        with self._lock:
            self._running().call(BackgroundLoop.send_group, group, pending)
        return future

    def _pending(
        self, body: Body, item: RolloutGroup | RolloutSample, *, is_strict: bool = False
    ) -> tuple[concurrent.futures.Future[ScoredGroup], PendingRequest]:
        self._metrics.arrived()
        future: concurrent.futures.Future[ScoredGroup] = concurrent.futures.Future()
        return future, PendingRequest(body, self._deadline_s(item), future, self._metrics, is_strict=is_strict)

    def _score_many(self, groups: Iterable[RolloutGroup]) -> concurrent.futures.Future[list[ScoredGroup]]:
        self._metrics.arrived()
        pairs = [(group, self._deadline_s(group)) for group in map(self._of_this_run, groups)]
        return self._run(lambda loop: loop.score_many(pairs))

    def _domain(self, name: str) -> concurrent.futures.Future[Domain]:
        return self._run(lambda loop: loop.domain(name, self._settings.deadline_s))

    def _finish(self, within_s: float) -> concurrent.futures.Future[None]:
        self._groups.end()
        return self._run(lambda loop: loop.finish(within_s))

    def _run(self, work: Callable[[BackgroundLoop], Coroutine[Any, Any, T]]) -> concurrent.futures.Future[T]:
        with self._lock:
            background = self._running()
            return background.run(work(background))

    def _of_this_run(self, item: Item) -> Item:
        return item if item.run is not None or self._settings.run is None else replace(item, run=self._settings.run)

    def _deadline_s(self, item: RolloutGroup | RolloutSample) -> float:
        return self._settings.deadline_s if item.deadline_s is None else item.deadline_s

    def _checked(self, scored: ScoredGroup) -> ScoredGroup:
        """Raises TooManyFailures, and NoVerdict when strict."""
        self._metrics.check()
        if self._settings.strict and scored.version is None:
            failure = next((sample.failure for sample in scored if sample.failure), None)
            raise NoVerdict(f"{failure['kind']}: {failure['message']}" if failure else "no gateway scored it")
        return scored


def _group(
    domain: str | RolloutGroup, completions: Sequence[Text] | None, reference: Reference | None, fields: dict[str, Any]
) -> RolloutGroup:
    if isinstance(domain, RolloutGroup):
        if completions is not None or reference is not None or fields:
            raise TypeError("give a RolloutGroup, or a domain with completions and a reference")
        return domain
    if completions is None or reference is None:
        raise TypeError("give completions and a reference")
    return RolloutGroup(domain, completions, reference, **fields)


class RewardClient(_Client):
    """The rewards of a gateway, for programs that wait. Use it as a context manager, or call `close`.

    url: the gateway's. key: a bearer key, where it wants one. run: the training run, for groups that do not name one.
    deadline_s: seconds from the call until an answer is of no more use; tries, waits and the gateway's own work all end
        by then.
    connections: requests at a time; what is submitted meanwhile goes out together.
    strict: raise NoVerdict when the gateway gives no answer, where else the group is one of None.
    stop_at: raise TooManyFailures when a larger share of the last 1,024 samples has no verdict; 1 never stops.
    transport: httpx's, to test without a network.

    Raises ValueError when one of these cannot be.
    """

    @overload
    def score(self, domain: RolloutGroup) -> ScoredGroup: ...

    @overload
    def score(
        self, domain: str, completions: Sequence[Text], *, reference: Reference, **fields: Any
    ) -> ScoredGroup: ...

    def score(
        self,
        domain: str | RolloutGroup,
        completions: Sequence[Text] | None = None,
        *,
        reference: Reference | None = None,
        **fields: Any,
    ) -> ScoredGroup:
        """The rewards of one group; `fields` are the other fields of RolloutGroup (prompt, prefix, tokens, truncated, …).

        A gateway that cannot answer gives a group of None with the cause. Raises BadGroup when the request is at fault,
        TooManyFailures, and NoVerdict when strict.
        """
        future = self._send_group(_group(domain, completions, reference, fields), is_strict=True)
        return self._checked(self._waited(future))

    def score_many(self, groups: Iterable[RolloutGroup]) -> list[ScoredGroup]:
        """The rewards of many groups, in order, within the deadline from now. A group that the gateway refuses for what it
        holds is one of None with the cause `refused`. Raises as `score`."""
        scored = self._waited(self._score_many(groups))
        return [self._checked(one) for one in scored]

    def domain(self, name: str) -> Domain:
        """The domain of this name as the gateway serves it; fetched once, and again after it changed.

        Raises BadGroup when there is none, TimeoutError when the gateway does not answer before the deadline.
        """
        return self._waited(self._domain(name))

    def as_completed(
        self, futures: Iterable[RewardFuture[T]], timeout: float | None = None
    ) -> Iterator[RewardFuture[T]]:
        """The futures, each as soon as its result is there. Raises TimeoutError when not all are after `timeout` seconds."""
        rewards = {reward._future: reward for reward in futures}
        done = concurrent.futures.as_completed(rewards, timeout)
        while True:
            with self._metrics.waiting():
                future = next(done, None)
            if future is None:
                return
            yield rewards[future]

    def finish(self, within_s: float) -> None:
        """Generation has ended: whatever is still out has so many seconds. Then it is None with its cause.

        Groups that lack samples end: those are `cancelled`, as are siblings that waited for them in the client.
        """
        self._waited(self._finish(within_s))

    def close(self) -> None:
        """End the connections; what is still out is a failure `cancelled`."""
        self._close()

    def __enter__(self) -> RewardClient:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _waited(self, future: concurrent.futures.Future[T]) -> T:
        with self._metrics.waiting():
            try:
                return future.result()
            except BaseException:
                future.cancel()  # Ctrl-C: nobody wants it any more
                raise


class AsyncRewardClient(_Client):
    """RewardClient for programs that await. Use it as an async context manager, or call `aclose`."""

    @overload
    async def score(self, domain: RolloutGroup) -> ScoredGroup: ...

    @overload
    async def score(
        self, domain: str, completions: Sequence[Text], *, reference: Reference, **fields: Any
    ) -> ScoredGroup: ...

    async def score(
        self,
        domain: str | RolloutGroup,
        completions: Sequence[Text] | None = None,
        *,
        reference: Reference | None = None,
        **fields: Any,
    ) -> ScoredGroup:
        """As RewardClient.score. A task that is cancelled takes its request back."""
        future = self._send_group(_group(domain, completions, reference, fields), is_strict=True)
        return self._checked(await asyncio.wrap_future(future))

    async def score_many(self, groups: Iterable[RolloutGroup]) -> list[ScoredGroup]:
        """As RewardClient.score_many."""
        scored = await asyncio.wrap_future(self._score_many(groups))
        return [self._checked(one) for one in scored]

    async def domain(self, name: str) -> Domain:
        """As RewardClient.domain."""
        return await asyncio.wrap_future(self._domain(name))

    async def as_completed(self, futures: Iterable[RewardFuture[T]]) -> AsyncIterator[RewardFuture[T]]:
        """The futures, each as soon as its result is there."""
        loop = asyncio.get_running_loop()
        ready: asyncio.Queue[RewardFuture[T]] = asyncio.Queue()
        count = 0
        for count, reward in enumerate(futures, 1):  # noqa: B007
            reward._future.add_done_callback(_into(ready, reward, loop))
        for _ in range(count):
            yield await ready.get()

    async def finish(self, within_s: float) -> None:
        """As RewardClient.finish."""
        await asyncio.wrap_future(self._finish(within_s))

    async def aclose(self) -> None:
        """As RewardClient.close."""
        await asyncio.to_thread(self._close)

    async def __aenter__(self) -> AsyncRewardClient:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()


def _into(
    ready: asyncio.Queue[RewardFuture[T]], reward: RewardFuture[T], loop: asyncio.AbstractEventLoop
) -> Callable[[concurrent.futures.Future[ScoredGroup]], None]:
    def put(_: concurrent.futures.Future[ScoredGroup]) -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(ready.put_nowait, reward)

    return put


def _after_fork() -> None:
    for client in list(_clients):
        client._forked()


os.register_at_fork(after_in_child=_after_fork)
