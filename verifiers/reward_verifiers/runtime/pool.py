"""Killable workers: pre-forked processes whose deadlines are enforced from outside, by SIGKILL.

A job is a function and an argument that give `count` results, one after another. What hangs, crashes or eats memory costs
its own item the result; the job goes on behind it in another worker. No signals, threads or timeouts are used inside the
work: they fail in threads, in C code and under an event loop, and then every reward is silently wrong.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import pickle
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import orjson

from reward_verifiers.contract import FailureKind
from reward_verifiers.runtime import processes
from reward_verifiers.runtime.fork_server import IDLE, JOB, MAX_RESULT_BYTES, RESULTS
from reward_verifiers.runtime.processes import ForkServer, ForkServerFailed, WarmUpFailed, Worker

log = logging.getLogger(__name__)

# Before another fork server is started: longer for each one in a row that did not live for STEADY_S.
_RESTART_S = (0.05, 0.2, 1.0, 5.0)
_STEADY_S = 60.0
# So many fork servers in a row that could not start, and jobs are not kept waiting any more.
_FAILED_STARTS = 3
# So many workers in a row that die before they touch a job, and the job is given up.
_BARREN = 3
# Errors whose frames are in the log already: a bug may be met by every completion.
_logged: set[str] = set()
_MAX_LOGGED = 1000


@dataclass(frozen=True, slots=True)
class TaskFailure:
    """Why an item has no result. `cpu_s`: CPU seconds that its worker burnt on it; 0 when unknown."""

    kind: FailureKind
    message: str
    cpu_s: float = 0.0


class WorkerPool:
    """`size` workers, each replaced when it dies, is killed, has done `recycle_after` items or grew by `growth_bytes`.

    warm_up: "module:qualname" of a function called once with `warm_up_args` in the process that all workers are forked from.
    memory_bytes: address space that a worker may take beyond what it is born with (RLIMIT_AS).
    """

    def __init__(
        self,
        *,
        size: int,
        warm_up: str | None = None,
        warm_up_args: tuple[Any, ...] = (),
        memory_bytes: int = 1 << 30,
        recycle_after: int = 10_000,
        growth_bytes: int = 256 << 20,
    ) -> None:
        self._size = size
        self._warm_up = (warm_up, warm_up_args, memory_bytes)
        self._recycle_after = recycle_after
        self._growth_bytes = growth_bytes
        self._fork_server: ForkServer | None = None
        # Idle workers; or, as long as there is none and none will come soon, why. Whoever takes that puts it back.
        self._free: asyncio.Queue[Worker | TaskFailure] = asyncio.Queue()
        self._workers: set[Worker] = set()
        self._births: set[asyncio.Task[None]] = set()
        self._fork_server_lock = asyncio.Lock()
        self._is_started = self._closed = False
        self._launches = self._early_ends = self._failed_starts = 0
        self._launched_at = 0.0
        self.trouble = ""
        """Why there is no worker, or fewer than there should be; empty when all is well."""
        self._all_gone = asyncio.Event()
        self.queued = self.restarts = self.fork_server_restarts = 0
        """Jobs that wait for a worker; workers and fork servers that were replaced."""

    @property
    def alive(self) -> int:
        """Workers that live."""
        return len(self._workers)

    @property
    def busy(self) -> int:
        """Workers at work."""
        return max(len(self._workers) - self._free.qsize(), 0) if not self._closed else 0

    async def start(self) -> None:
        """Start the fork server and its workers; a second call does nothing. Raises WarmUpFailed.

        A fork server that dies, now or later, is started again until one lives; `trouble` says why there are no workers.
        """
        async with self._fork_server_lock:
            if self._is_started:
                return
            await self._launch()
            self._is_started = True
        born = await asyncio.gather(*(self._fork() for _ in range(self._size)))
        for _ in range(born.count(False)):
            self._bear()

    async def aclose(self) -> None:
        """Kill and reap everything."""
        self._closed = True
        for birth in list(self._births):
            birth.cancel()
        await asyncio.gather(*self._births, return_exceptions=True)
        for idle in self._take_idle():
            self._let_go(idle)
        self._free.put_nowait(TaskFailure(FailureKind.CANCELLED, "the service stops"))
        for busy in self._workers:
            busy.kill()  # whoever has it at work lets go of it
        if self._workers:
            await self._all_gone.wait()
        if self._fork_server is not None:
            await self._fork_server.close()
            self._fork_server = None

    async def ready(self) -> bool:
        """Whether there are workers to take a job."""
        return not self._closed and bool(self._workers)

    async def run(
        self, function: str, argument: Any, count: int, *, item_timeout_s: float, deadline: float | None = None
    ) -> list[Any]:
        """`count` outcomes in order: what the function gave (as JSON carries it), or a TaskFailure.

        function: "module:qualname"; called in a worker as `function(argument, start)`, it gives the results of the items
            from `start` on, one by one. After a failed item it is called again with the next one as `start`.
        item_timeout_s: wall-clock seconds that one item may take in its worker.
        deadline: in `loop.time()`; what is not done by then is DEADLINE_EXCEEDED, waiting for a worker included.

        Raises what pickling the argument raises. Cancelling it kills the worker that is at it.
        """
        payload = pickle.dumps((function, argument), protocol=pickle.HIGHEST_PROTOCOL)
        outcomes: list[Any] = []
        # Items that killed their worker while finished ones before them had not been sent yet: those are run again first.
        culprits: dict[int, TaskFailure] = {}
        barren = 0
        while len(outcomes) < count:
            if len(outcomes) in culprits:
                outcomes.append(culprits.pop(len(outcomes)))
                continue
            try:
                async with asyncio.timeout_at(deadline):
                    worker = await self._take()
            except TimeoutError:
                why = f": {self.trouble}" if self.trouble else ""
                late = TaskFailure(FailureKind.DEADLINE_EXCEEDED, f"the deadline passed before a worker was free{why}")
                return outcomes + [late] * (count - len(outcomes))
            if isinstance(worker, TaskFailure):
                self._free.put_nowait(worker)
                return outcomes + [worker] * (count - len(outcomes))
            before = len(outcomes)
            attempt = _Attempt(worker, payload, min(culprits, default=count), item_timeout_s, deadline)
            try:
                failure = await attempt.run(outcomes)
            except BaseException:
                self._replace(worker)
                raise
            worker.items += len(outcomes) - before
            item, _, _ = worker.progress()
            if failure is None and not self._is_worn(worker):
                self._free.put_nowait(worker)
                continue
            self._replace(worker)
            if failure is None:
                continue
            if failure.kind is FailureKind.DEADLINE_EXCEEDED:
                return outcomes + [failure] * (count - len(outcomes))
            barren = barren + 1 if item == IDLE and len(outcomes) == before else 0
            if item >= len(outcomes):
                culprits[item] = failure
            elif barren == _BARREN:
                outcomes.append(failure)
        return outcomes

    async def _take(self) -> Worker | TaskFailure:
        """The next free worker, or why there will be none."""
        self.queued += 1
        try:
            while isinstance(worker := await self._free.get(), Worker) and self._closed:
                self._let_go(worker)
            return worker
        finally:
            self.queued -= 1

    def _take_idle(self) -> list[Worker]:
        """All that wait for a job, out of the queue."""
        taken = [self._free.get_nowait() for _ in range(self._free.qsize())]
        return [one for one in taken if isinstance(one, Worker)]

    def _is_worn(self, worker: Worker) -> bool:
        return worker.items >= self._recycle_after or worker.resident() - worker.born_with > self._growth_bytes

    def _let_go(self, worker: Worker) -> None:
        self._workers.discard(worker)
        worker.close()
        if self._closed and not self._workers:
            self._all_gone.set()

    def _replace(self, worker: Worker) -> None:
        self._let_go(worker)
        if not self._closed:
            self.restarts += 1
            self._bear()

    def _bear(self) -> None:
        birth = asyncio.create_task(self._birth())
        self._births.add(birth)
        birth.add_done_callback(self._births.discard)

    async def _birth(self) -> None:
        """One more worker, in a new fork server if the old one is gone."""
        while not await self._fork():
            await self._renew()

    async def _fork(self) -> bool:
        """One more worker. False when there is no fork server, or it could not."""
        if self._fork_server is None:
            return False
        try:
            worker = await self._fork_server.fork()
        except OSError as error:
            self._say("worker not forked", str(error))
            return False
        self._workers.add(worker)
        if self._failed_starts:  # nobody needs to be sent away any more
            for idle in self._take_idle():
                self._free.put_nowait(idle)
        self._failed_starts, self.trouble = 0, ""
        self._free.put_nowait(worker)
        return True

    async def _renew(self) -> None:
        """Another fork server for one that is gone, after a pause. Callers at the same time share one."""
        seen = self._launches
        async with self._fork_server_lock:
            if self._launches != seen:
                return
            await asyncio.sleep(self._pause_s())
            if (gone := self._fork_server) is not None:
                if gone.is_alive():
                    return
                self._fork_server = None
                await gone.close()
            with contextlib.suppress(WarmUpFailed):
                await self._launch()

    def _pause_s(self) -> float:
        is_early = time.monotonic() - self._launched_at < _STEADY_S
        self._early_ends = self._early_ends + 1 if is_early else 0
        return _RESTART_S[min(self._early_ends, len(_RESTART_S) - 1)]

    async def _launch(self) -> None:
        """Start a fork server, or say the trouble. Raises WarmUpFailed."""
        self._launches += 1
        self._launched_at = time.monotonic()
        try:
            self._fork_server = await ForkServer.start(*self._warm_up)
        except (OSError, ForkServerFailed) as error:
            self._failed_starts += 1
            self._say("fork server not started", str(error))
            if self._failed_starts >= _FAILED_STARTS and not self._workers:
                self._take_idle()
                self._free.put_nowait(TaskFailure(FailureKind.WORKER_CRASHED, f"there is no worker: {self.trouble}"))
            if isinstance(error, WarmUpFailed):
                raise
        else:
            self._fork_server.watch(self._follow_fork_server)
            self.fork_server_restarts += self._launches > 1

    def _follow_fork_server(self) -> None:
        """The fork server ended by itself, and its workers with it: those at work are replaced by whoever has them."""
        if self._closed or self._fork_server is None:
            return
        self._say("fork server ended", self._fork_server.end())
        for worker in self._take_idle():
            self._replace(worker)

    def _say(self, event: str, cause: str) -> None:
        self.trouble = cause
        log.error(event, extra={"cause": cause})


@dataclass(slots=True)
class _Attempt:
    """One job in one worker, until its items up to `stop` are done, or one of them costs the worker its life."""

    worker: Worker
    payload: bytes
    stop: int
    item_timeout_s: float
    deadline: float | None
    _begun: float = field(default_factory=time.monotonic)
    _header: tuple[int, int] | None = None
    _done: bool = False

    async def run(self, outcomes: list[Any]) -> TaskFailure | None:
        """Append outcomes as they come. A failure means that the worker is dead; `worker.progress()` tells at which item."""
        try:
            self.worker.writer.write(JOB.pack(len(self.payload), len(outcomes), self.stop))
            self.worker.writer.write(self.payload)
            failure = await self._watched(self.worker.writer.drain)
            while failure is None and not self._done:
                failure = await self._watched(lambda: self._read(outcomes))
        except (ConnectionError, asyncio.IncompleteReadError):
            failure = TaskFailure(FailureKind.WORKER_CRASHED, "the worker process died")
        if failure is not None:
            await self._bury(outcomes)
        return failure

    async def _read(self, outcomes: list[Any]) -> None:
        """One message of the worker. May be cancelled and called again without losing anything."""
        reader = self.worker.reader
        if self._header is None:
            self._header = RESULTS.unpack(await reader.readexactly(RESULTS.size))
        size, first = self._header
        if size == 0:
            self._done = len(outcomes) == self.stop
            if not self._done:
                raise ConnectionError("the worker ended the job too early")
            return
        if size > 2 * MAX_RESULT_BYTES or first != len(outcomes):
            raise ConnectionError("the worker sent what was not asked for")
        outcome_rows = orjson.loads(await reader.readexactly(size))
        self._header = None
        for is_result, *rest in outcome_rows:
            outcomes.append(rest[0] if is_result else _failure_of(*rest))

    async def _watched(self, step: Callable[[], Awaitable[None]]) -> TaskFailure | None:
        """Do a step; the failure when the item at work, or the whole job, is out of time first."""
        while (left_s := self._time_left()) > 0:
            try:
                async with asyncio.timeout(min(left_s, self.item_timeout_s)):  # meanwhile an item may have begun
                    await step()
            except TimeoutError:
                continue
            return None
        return self._out_of_time()

    def _time_left(self) -> float:
        """Seconds until the next limit: the item's own, or the job's deadline."""
        item, since, _ = self.worker.progress()
        limit_s = processes.ANSWER_S if item == IDLE else self.item_timeout_s
        left_s = limit_s - (time.monotonic() - max(since, self._begun))
        if self.deadline is None:
            return left_s
        return min(left_s, self.deadline - asyncio.get_running_loop().time())

    def _out_of_time(self) -> TaskFailure:
        if self.deadline is not None and self.deadline <= asyncio.get_running_loop().time():
            return TaskFailure(FailureKind.DEADLINE_EXCEEDED, "the deadline passed while it was at work")
        item, _, cpu_before = self.worker.progress()
        if item == IDLE:
            return TaskFailure(FailureKind.WORKER_CRASHED, "the worker did not begin the work")
        burnt = max(self.worker.cpu_s() - cpu_before, 0.0)
        return TaskFailure(FailureKind.TIMEOUT, f"gave up after {self.item_timeout_s:g} s", burnt)

    async def _bury(self, outcomes: list[Any]) -> None:
        """Kill the worker, and take what it had already sent."""
        self.worker.kill()
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while not self._done:
                await self._read(outcomes)


def _failure_of(kind: str, message: str, trace: str) -> TaskFailure:
    """The failure of an item; the frames of an error go to the log, once for a place in the code."""
    if trace and message not in _logged and len(_logged) < _MAX_LOGGED:
        _logged.add(message)
        log.error(message, extra={"traceback": trace})
    return TaskFailure(FailureKind(kind), message)
