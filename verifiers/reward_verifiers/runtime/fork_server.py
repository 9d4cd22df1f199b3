"""The process from which workers are forked, and what a worker does.

Runs as `python -m reward_verifiers.runtime.fork_server FD`.

    pool ──"fork" + socket + progress page──▶ fork server ──fork──▶ worker ◀──jobs, results──▶ pool
         ◀──pid + pidfd────────────────────

The fork server has the heavy imports done (`warm_up`), so a fork is a worker that is ready; it never sees a job. A pidfd is
opened before the child can be reaped, so a kill cannot hit another process. When the pool's end of the socket closes, the
fork server kills and reaps its children and goes; when the fork server dies, the kernel kills them.

Jobs arrive as a `JOB` header (length of what follows, first item, end of the items) and a pickle of (function, argument).
Results leave as a `RESULTS` header (length, first item) and that many bytes of JSON: a list with [true, result] or
[false, kind, message] an item. A header of length 0 ends the job.
"""

from __future__ import annotations

import contextlib
import ctypes
import mmap
import os
import pickle
import pkgutil
import random
import resource
import select
import signal
import socket
import struct
import sys
import sysconfig
import time
import traceback
from collections.abc import Iterator
from typing import Any

import orjson

from reward_verifiers import collector
from reward_verifiers.address_space import mapped_bytes

JOB = struct.Struct("<QQQ")
RESULTS = struct.Struct("<QQ")
# Progress of a worker: the item at work (-1: none), when it began (CLOCK_MONOTONIC), CPU seconds burnt until then.
ITEM, TIMES = struct.Struct("<q"), struct.Struct("<dd")
PROGRESS = struct.Struct("<qdd")
IDLE = -1
MAX_RESULT_BYTES = 64 << 20
FLUSH_S = 0.005
FLUSH_BYTES = 1 << 20
_STANDARD, _PACKAGES = sysconfig.get_path("stdlib"), sysconfig.get_path("purelib")
REAP_S = 0.5
_PR_SET_PDEATHSIG = 1
READY, FAILED = b"ready", b"failed"
"""What the fork server says first: it is warm, or its warm-up raised."""


# --- the fork server ------------------------------------------------------------------------------------------------------


def main(fd: int) -> None:
    control = socket.socket(fileno=fd)
    warm_up, arguments, memory_bytes = pickle.loads(control.recv(1 << 20))  # noqa: S301  # from our own parent
    try:
        if warm_up is not None:
            pkgutil.resolve_name(warm_up)(*arguments)
    except MemoryError:  # another time there may be enough
        raise
    except Exception:
        control.send(FAILED)
        raise
    collector.settle()
    control.send(READY)
    children: set[int] = set()
    try:
        with contextlib.suppress(ConnectionError):  # the pool has gone
            _serve(control, memory_bytes, children)
    finally:
        for pid in children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for pid in children:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, 0)


def _serve(control: socket.socket, memory_bytes: int, children: set[int]) -> None:
    while True:
        readable, _, _ = select.select([control], [], [], REAP_S)
        _reap(children)
        if not readable:
            continue
        message, fds, _, _ = socket.recv_fds(control, 16, 2)
        if not message:
            return
        pid = os.fork()
        if pid == 0:
            _become_worker(control, fds, memory_bytes)
        children.add(pid)
        pidfd = os.pidfd_open(pid)
        socket.send_fds(control, [b"%d" % pid], [pidfd])
        for fd in (*fds, pidfd):
            os.close(fd)


def _reap(children: set[int]) -> None:
    while children:
        pid, _ = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            return
        children.discard(pid)


# --- a worker ---------------------------------------------------------------------------------------------------------


def _become_worker(control: socket.socket, fds: list[int], memory_bytes: int) -> None:
    """Never returns: the fork server's stack must not unwind in a child."""
    try:
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        os.setsid()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
        nowhere = os.open(os.devnull, os.O_RDWR)
        for standard in (0, 1, 2):
            os.dup2(nowhere, standard)
        os.close(nowhere)
        control.close()
        limit = mapped_bytes() + memory_bytes
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        random.seed()
        job_fd, page_fd = fds
        page = mmap.mmap(page_fd, PROGRESS.size)
        os.close(page_fd)
        _Worker(socket.socket(fileno=job_fd), page).run()
    finally:
        os._exit(0)


class _Worker:
    def __init__(self, connection: socket.socket, page: mmap.mmap) -> None:
        self._connection = connection
        self._page = page
        self._mark(IDLE)

    def run(self) -> None:
        while header := self._receive(JOB.size):
            size, start, count = JOB.unpack(header)
            self._mark(start)
            done = self._job(self._receive(size), start, count)
            self._mark(IDLE)
            if not done:
                return
            self._connection.sendall(RESULTS.pack(0, count))

    def _receive(self, size: int) -> bytearray:
        """Exactly `size` bytes; none when the pool is gone."""
        received = bytearray(size)
        view = memoryview(received)
        while view:
            got = self._connection.recv_into(view)
            if not got:
                return bytearray()
            view = view[got:]
        return received

    def _mark(self, item: int) -> None:
        # The times first: a reader in between sees the old item with a fresh clock, never a new one with a stale clock.
        # Not by pack_into, which zeroes what it is about to write: the reader would see an item begun at time 0.
        self._page[ITEM.size : PROGRESS.size] = TIMES.pack(time.monotonic(), time.process_time())
        self._page[: ITEM.size] = ITEM.pack(item)

    def _job(self, payload: bytearray, start: int, count: int) -> bool:
        """Send the outcome of every item. False when this process must not go on: memory ran out in it."""
        try:
            name, argument = pickle.loads(payload)  # noqa: S301  # from our own parent
            function = pkgutil.resolve_name(name)
        except MemoryError:
            self._send(start, [_failure("memory_limit", "the input does not fit the worker's memory")])
            return False
        except Exception as error:
            failure = _failure("verifier_error", f"the work cannot be loaded ({type(error).__name__})")
            self._send(start, [failure] * (count - start))
            return True
        del payload
        waiting: list[bytes] = []
        first, waiting_bytes, flushed = start, 0, time.monotonic()
        for item, outcome, out_of_memory in _outcomes(function, argument, start, count):
            waiting.append(outcome)
            waiting_bytes += len(outcome)
            if out_of_memory:
                self._send(first, waiting)
                return False
            if time.monotonic() - flushed > FLUSH_S or waiting_bytes > FLUSH_BYTES or item + 1 == count:
                self._mark(IDLE)
                self._send(first, waiting)
                waiting, first, waiting_bytes, flushed = [], item + 1, 0, time.monotonic()
            self._mark(item + 1)
        return True

    def _send(self, first: int, outcomes: list[bytes]) -> None:
        body = b"[%s]" % b",".join(outcomes)
        self._connection.sendall(RESULTS.pack(len(body), first) + body)


def _outcomes(function: Any, argument: Any, start: int, count: int) -> Iterator[tuple[int, bytes, bool]]:
    """(item, outcome as JSON, whether memory ran out) for each item from `start` on.

    An error costs its item the result; the function is called again for the items behind it.
    """
    results: Iterator[Any] | None = None
    for item in range(start, count):
        try:
            if results is None:
                results = iter(function(argument, item))
            outcome = orjson.dumps([True, next(results)])
            if len(outcome) > MAX_RESULT_BYTES:
                outcome = _failure("verifier_error", "the result is too large")
        except MemoryError:
            results = None
            yield item, _failure("memory_limit", "the work does not fit the worker's memory"), True
            return
        except StopIteration:
            results, outcome = None, _failure("verifier_error", "the verifier ended without a result")
        except Exception as error:
            results, outcome = None, _failure_of(error)
        yield item, outcome, False


def _failure(kind: str, message: str, trace: str = "") -> bytes:
    return orjson.dumps([False, kind, message, trace])


def _failure_of(error: Exception) -> bytes:
    """Type, file and line for the trainer, the frames for our log. Neither has the error's own words: they may hold text
    of the completion."""
    frames = traceback.extract_tb(error.__traceback__)[1:]  # without this file's
    own = [frame for frame in frames if not _is_standard(frame.filename)] or frames
    place = f" at {os.path.basename(own[-1].filename)}:{own[-1].lineno}" if own else ""
    trace = "".join(traceback.format_list(frames))
    return _failure("verifier_error", f"the verifier raised {type(error).__name__}{place}", trace)


def _is_standard(filename: str) -> bool:
    """Whether the file is of the standard library."""
    return filename.startswith(_STANDARD) and not filename.startswith(_PACKAGES)


if __name__ == "__main__":
    main(int(sys.argv[1]))
