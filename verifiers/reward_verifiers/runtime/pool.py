"""Killable workers: pre-forked processes whose deadlines are enforced from outside, by SIGKILL.

A job is a function and an argument that give `count` results, one after another. What hangs, crashes or eats memory costs
its own item the result; the job goes on behind it in another worker. No signals, threads or timeouts are used inside the
work: they fail in threads, in C code and under an event loop, and then every reward is silently wrong.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import mmap
import os
import pickle
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import orjson

from reward_verifiers.contract import FailureKind
from reward_verifiers.runtime.fork_server import IDLE, JOB, MAX_RESULT_BYTES, PROGRESS, RESULTS

log = logging.getLogger(__name__)

_TICKS = os.sysconf("SC_CLK_TCK")
_RESTART_S = (0.05, 0.2, 1.0)
_RESTART_AT_MOST_S = 5.0
# So many workers in a row that die before they touch a job, and the job is given up.
_BARREN = 3
# A fork takes milliseconds, and so does a worker's first look at its job; what takes this long does not answer any more.
_ANSWER_S = 5.0
# Errors whose frames are in the log already: a bug may be met by every completion.
_logged: set[str] = set()
_MAX_LOGGED = 1000


@dataclass(frozen=True, slots=True)
class TaskFailure:
    """Why an item has no result. `cpu_s`: CPU seconds that its worker burnt on it; 0 when unknown."""

    kind: FailureKind
    message: str
    cpu_s: float = 0.0


class ForkServerFailed(RuntimeError):
    """The process that forks workers could not start: `warm_up` raised, and said why on standard error."""


class _Worker:
    """One worker process as the pool sees it."""

    def __init__(self, pid: int, pidfd: int, page: mmap.mmap) -> None:
        self.pid = pid
        self.items = 0
        self._pidfd = pidfd
        self._page = page
        self.born_with = self.resident()
        self.reader: asyncio.StreamReader
        self.writer: asyncio.StreamWriter

    async def connect(self, connection: socket.socket) -> None:
        self.reader, self.writer = await asyncio.open_unix_connection(sock=connection, limit=1 << 20)

    def progress(self) -> tuple[int, float, float]:
        """(item at work or IDLE, when it began, CPU seconds of the process then)."""
        item, since, cpu = PROGRESS.unpack_from(self._page)
        return item, since, cpu

    def cpu_s(self) -> float:
        """CPU seconds of the process so far; 0 when it is gone."""
        try:
            with open(f"/proc/{self.pid}/stat", "rb") as stat:
                fields = stat.read().rpartition(b")")[2].split()
        except OSError:
            return 0.0
        return (int(fields[11]) + int(fields[12])) / _TICKS

    def resident(self) -> int:
        """Bytes of memory in use; 0 when it is gone."""
        try:
            with open(f"/proc/{self.pid}/statm", "rb") as statm:
                return int(statm.read().split()[1]) * resource.getpagesize()
        except OSError:
            return 0

    def kill(self) -> None:
        if self._pidfd < 0:
            return
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)

    def close(self) -> None:
        """Kill it and let go of it; a second call does nothing. Its fork server reaps it."""
        if self._pidfd < 0:
            return
        self.writer.close()
        self.drop()

    def drop(self) -> None:
        """Kill it before its connection is there, or behind it."""
        self.kill()
        os.close(self._pidfd)
        self._page.close()
        self._pidfd = -1


class _ForkServer:
    """The process that forks workers."""

    def __init__(self, process: subprocess.Popen[bytes], control: socket.socket) -> None:
        self._process = process
        self._control = control
        self._lock = asyncio.Lock()

    @classmethod
    async def start(cls, warm_up: str | None, arguments: tuple[Any, ...], memory_bytes: int) -> _ForkServer:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        command = [sys.executable, "-m", "reward_verifiers.runtime.fork_server", str(theirs.fileno())]
        process = subprocess.Popen(  # noqa: S603, ASYNC220  # returns at once; what it does is waited for below
            command, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, start_new_session=True
        )
        theirs.close()
        ours.setblocking(False)
        fork_server = cls(process, ours)
        ours.send(pickle.dumps((warm_up, arguments, memory_bytes)))
        message, _ = await fork_server._receive()
        if message != b"ready":
            await fork_server.close()
            raise ForkServerFailed(f"the workers' warm-up failed (exit status {process.returncode})")
        return fork_server

    async def fork(self) -> _Worker:
        """A new worker. Raises OSError when the fork server is gone."""
        ours, theirs = socket.socketpair()
        page_fd = os.memfd_create("progress")
        try:
            os.ftruncate(page_fd, PROGRESS.size)
            page = mmap.mmap(page_fd, PROGRESS.size)
            PROGRESS.pack_into(page, 0, IDLE, time.monotonic(), 0.0)
            async with self._lock:
                socket.send_fds(self._control, [b"fork"], [theirs.fileno(), page_fd])
                message, fds = await self._answer()
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
            os.close(page_fd)
        if not fds:
            ours.close()
            raise ConnectionError("the fork server is gone")
        worker = _Worker(int(message), fds[0], page)
        try:
            await worker.connect(ours)
        except BaseException:  # the pool closes meanwhile
            ours.close()
            worker.drop()
            raise
        return worker

    async def _answer(self) -> tuple[bytes, list[int]]:
        """The next message, in bounded time: a fork server that does not answer is killed, and its workers with it."""
        try:
            async with asyncio.timeout(_ANSWER_S):
                return await self._receive()
        except TimeoutError:
            log.error("fork server killed: it does not answer")
            self._process.kill()
            raise ConnectionError("the fork server does not answer") from None

    async def _receive(self) -> tuple[bytes, list[int]]:
        """The next message; empty when the fork server is gone."""
        while True:
            try:
                message, fds, _, _ = socket.recv_fds(self._control, 64, 1)
            except BlockingIOError:
                await self._readable()
            except ConnectionError:
                return b"", []
            else:
                return message, fds

    async def _readable(self) -> None:
        loop, event = asyncio.get_running_loop(), asyncio.Event()
        loop.add_reader(self._control, event.set)
        try:
            await event.wait()
        finally:
            loop.remove_reader(self._control)

    async def close(self) -> None:
        """Let it kill and reap its workers, and reap it."""
        self._control.close()
        await asyncio.to_thread(self._reap)

    def _reap(self) -> None:
        try:
            self._process.wait(_ANSWER_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


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
        self._fork_server: _ForkServer | None = None
        self._free: asyncio.Queue[_Worker | None] = asyncio.Queue()
        self._workers: set[_Worker] = set()
        self._births: set[asyncio.Task[None]] = set()
        self._fork_server_lock = asyncio.Lock()
        self._closed = False
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
        return len(self._workers) - self._free.qsize() if not self._closed else 0

    async def start(self) -> None:
        """Start the fork server and its workers; a second call does nothing. Raises ForkServerFailed."""
        async with self._fork_server_lock:
            if self._fork_server is not None:
                return
            self._fork_server = await _ForkServer.start(*self._warm_up)
        await asyncio.gather(*(self._birth() for _ in range(self._size)))

    async def aclose(self) -> None:
        """Kill and reap everything."""
        self._closed = True
        for birth in list(self._births):
            birth.cancel()
        await asyncio.gather(*self._births, return_exceptions=True)
        while not self._free.empty():
            if (idle := self._free.get_nowait()) is not None:
                self._let_go(idle)
        self._free.put_nowait(None)
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
                late = TaskFailure(FailureKind.DEADLINE_EXCEEDED, "the deadline passed before a worker was free")
                return outcomes + [late] * (count - len(outcomes))
            if worker is None:
                self._free.put_nowait(None)
                return outcomes + [TaskFailure(FailureKind.CANCELLED, "the service stops")] * (count - len(outcomes))
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

    async def _take(self) -> _Worker | None:
        """The next free worker; None when the pool is closed."""
        self.queued += 1
        try:
            while (worker := await self._free.get()) is not None and self._closed:
                self._let_go(worker)
            return worker
        finally:
            self.queued -= 1

    def _is_worn(self, worker: _Worker) -> bool:
        return worker.items >= self._recycle_after or worker.resident() - worker.born_with > self._growth_bytes

    def _let_go(self, worker: _Worker) -> None:
        self._workers.discard(worker)
        worker.close()
        if self._closed and not self._workers:
            self._all_gone.set()

    def _replace(self, worker: _Worker) -> None:
        self._let_go(worker)
        if not self._closed:
            self.restarts += 1
            birth = asyncio.create_task(self._birth())
            self._births.add(birth)
            birth.add_done_callback(self._births.discard)

    async def _birth(self) -> None:
        """One more worker, in a new fork server if the old one is gone."""
        for pause in itertools.chain(_RESTART_S, itertools.repeat(_RESTART_AT_MOST_S)):
            fork_server = self._fork_server
            try:
                if fork_server is None:
                    raise ConnectionError("the fork server could not be started again")
                worker = await fork_server.fork()
            except OSError as error:
                log.error("worker not forked", extra={"cause": str(error)})
                await asyncio.sleep(pause)
                await self._renew(fork_server)
            else:
                self._workers.add(worker)
                self._free.put_nowait(worker)
                return

    async def _renew(self, gone: _ForkServer | None) -> None:
        async with self._fork_server_lock:
            if self._fork_server is not gone:
                return
            if gone is not None:
                await gone.close()
            self._fork_server = None
            try:
                self._fork_server = await _ForkServer.start(*self._warm_up)
                self.fork_server_restarts += 1
            except (OSError, ForkServerFailed) as error:
                log.error("fork server not started", extra={"cause": str(error)})


@dataclass(slots=True)
class _Attempt:
    """One job in one worker, until its items up to `stop` are done, or one of them costs the worker its life."""

    worker: _Worker
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
        limit_s = _ANSWER_S if item == IDLE else self.item_timeout_s
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
