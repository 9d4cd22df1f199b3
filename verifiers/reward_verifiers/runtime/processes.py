"""The pool's side of its processes: the fork server, and the workers that it forks."""

from __future__ import annotations

import asyncio
import contextlib
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
from collections.abc import Callable
from typing import Any

from reward_verifiers.runtime.fork_server import FAILED, IDLE, PROGRESS, READY

log = logging.getLogger(__name__)

_TICKS = os.sysconf("SC_CLK_TCK")
ANSWER_S = 5.0
"""A fork takes milliseconds, and so does a worker's first look at its job; what takes this long does not answer any more."""
START_S = 300.0
"""A warm-up takes seconds. This is for a machine however busy."""


class ForkServerFailed(RuntimeError):
    """The process that forks workers could not start."""


class WarmUpFailed(ForkServerFailed):
    """`warm_up` raised, and said why on standard error."""


class Worker:
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


class ForkServer:
    """The process that forks workers."""

    def __init__(self, process: subprocess.Popen[bytes], control: socket.socket) -> None:
        self._process = process
        self._control = control
        self._lock = asyncio.Lock()
        self._pidfd = os.pidfd_open(process.pid)
        self._answers = True

    @classmethod
    async def start(cls, warm_up: str | None, arguments: tuple[Any, ...], memory_bytes: int) -> ForkServer:
        """Raises ForkServerFailed or OSError."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        command = [sys.executable, "-m", "reward_verifiers.runtime.fork_server", str(theirs.fileno())]
        process = subprocess.Popen(  # noqa: S603, ASYNC220  # returns at once; what it does is waited for below
            command, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, start_new_session=True
        )
        theirs.close()
        ours.setblocking(False)
        fork_server = cls(process, ours)
        try:
            await fork_server._warm_up(pickle.dumps((warm_up, arguments, memory_bytes)))
        except BaseException:
            process.kill()
            await fork_server.close()
            raise
        return fork_server

    async def _warm_up(self, order: bytes) -> None:
        try:
            async with asyncio.timeout(START_S):
                self._control.send(order)
                message, _ = await self._receive()
        except TimeoutError:
            raise ForkServerFailed(f"the fork server was not ready within {START_S:g} s") from None
        if message == READY:
            return
        await asyncio.to_thread(self._reap)
        if message == FAILED:
            raise WarmUpFailed(f"the workers' warm-up failed (exit status {self._process.returncode})")
        raise ForkServerFailed(self.end())

    def is_alive(self) -> bool:
        """Whether it runs, and answered when it was last asked."""
        return self._answers and self._process.poll() is None

    def end(self) -> str:
        """How it ended."""
        status = self._process.poll()
        if status is None:
            return "the fork server does not answer"
        if status >= 0:
            return f"the fork server ended with exit status {status}"
        return f"the fork server was killed by {signal.Signals(-status).name}"

    def watch(self, on_end: Callable[[], None]) -> None:
        """Call `on_end` when it ends before it is closed."""
        loop = asyncio.get_running_loop()

        def ended() -> None:
            loop.remove_reader(self._pidfd)
            on_end()

        loop.add_reader(self._pidfd, ended)

    async def fork(self) -> Worker:
        """A new worker. Raises OSError: ConnectionError when the fork server is gone."""
        with contextlib.ExitStack() as held, contextlib.ExitStack() as undo:
            page_fd = os.memfd_create("progress")
            held.callback(os.close, page_fd)
            ours, theirs = socket.socketpair()
            held.enter_context(theirs)
            undo.enter_context(ours)
            os.ftruncate(page_fd, PROGRESS.size)
            page = mmap.mmap(page_fd, PROGRESS.size)
            PROGRESS.pack_into(page, 0, IDLE, time.monotonic(), 0.0)
            async with self._lock:
                socket.send_fds(self._control, [b"fork"], [theirs.fileno(), page_fd])
                message, fds = await self._answer()
            if not fds:
                self._answers = False
                raise ConnectionError("the fork server is gone")
            worker = Worker(int(message), fds[0], page)
            undo.callback(worker.drop)
            await worker.connect(ours)  # which fails when the pool closes meanwhile
            undo.pop_all()
            return worker

    async def _answer(self) -> tuple[bytes, list[int]]:
        """The next message, in bounded time: a fork server that does not answer is killed, and its workers with it."""
        try:
            async with asyncio.timeout(ANSWER_S):
                return await self._receive()
        except TimeoutError:
            log.error("fork server killed: it does not answer")
            self._answers = False
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
        if self._pidfd < 0:
            return
        asyncio.get_running_loop().remove_reader(self._pidfd)
        os.close(self._pidfd)
        self._pidfd = -1
        self._control.close()
        await asyncio.to_thread(self._reap)

    def _reap(self) -> None:
        try:
            self._process.wait(ANSWER_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
