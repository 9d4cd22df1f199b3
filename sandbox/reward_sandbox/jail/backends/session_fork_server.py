"""Slots that are forked from one warm interpreter: a place for each of a thousand sessions, made when it is wanted.

server = SessionForkServer(tier="A");  await server.start();  slot = server.slot();  await slot.run(…);  await slot.aclose()
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import select
import signal
import socket
import subprocess
import threading
from collections.abc import Mapping, Sequence
from typing import Any

from reward_sandbox.jail.backends.fork_server import ForkServerSlot, SlotProcess, started
from reward_sandbox.jail.host.slots import can_choose_user
from reward_sandbox.jail.spec import CannotJail, Tier

_START_S = 30.0
_FIRST_INDEX = 100_000
"""Slots of jails are numbered from 0, and the names of control groups hold the number."""
_FIRST_USER, _USERS = 60_100, 5_000
"""Users of these slots: apart from those of jails, and within the range that a container's root may have."""


class SessionForkServer:
    """Makes slots of one tier. python, path, preload as of ForkServerJail."""

    def __init__(
        self,
        tier: Tier,
        python: str,
        *,
        path: Sequence[str] = (),
        preload: Sequence[str] = (),
        binds: Mapping[str, str] | None = None,
    ) -> None:
        self.tier: Tier = tier
        self._setup: dict[str, Any] = {
            "tier": tier,
            "python": python,
            "path": list(path),
            "preload": list(preload),
            "folders": [],
            "binds": dict(binds or {}),
        }
        self._chooses = can_choose_user()
        self._numbers = itertools.count()
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._asking = asyncio.Lock()
        self._is_closed = False

    async def start(self) -> None:
        """Raises CannotJail."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setblocking(False)
        self._control = ours
        try:
            self._process = started("fork_slots", theirs, self._setup)
        finally:
            theirs.close()
        try:
            async with asyncio.timeout(_START_S):
                reply = json.loads(await asyncio.get_running_loop().sock_recv(ours, 65536) or b"{}")
        except TimeoutError:
            reply = {}
        if not reply.get("ready"):
            await self._end()
            raise CannotJail(reply.get("why", "the fork server of sessions does not start"))

    async def aclose(self) -> None:
        """End it; with it its slots end. It does not start again."""
        self._is_closed = True
        await self._end()

    async def _end(self) -> None:
        if self._control:
            self._control.close()
        if self._process:
            self._process.kill()
            await asyncio.to_thread(self._process.wait)
        self._process = self._control = None

    def slot(self) -> ForkServerSlot:
        """A new slot, started at its first run."""
        number = next(self._numbers)
        user = _FIRST_USER + (os.getpid() * 64 + number) % _USERS if self._chooses else os.geteuid()
        return _SessionSlot(self, _FIRST_INDEX + number, {**self._setup, "uid": user, "preload": []})

    async def fork(self, control: socket.socket, setup: dict[str, Any]) -> SlotProcess:
        """A new slot's process. Raises CannotJail."""
        async with self._asking:
            if self._control is None or self._process is None or self._process.poll() is not None:
                await self._end()
                if self._is_closed:
                    raise CannotJail("the fork server of sessions is closed")
                await self.start()
            assert self._control is not None  # noqa: S101
            loop = asyncio.get_running_loop()
            # One at a time, so the answer is to this question.
            try:
                socket.send_fds(self._control, [json.dumps(setup).encode()], [control.fileno()])
                async with asyncio.timeout(_START_S):
                    await _readable(loop, self._control)
                message, fds, _, _ = socket.recv_fds(self._control, 65536, 1)
            except BaseException as error:
                # A late answer would be taken for that of the next.
                await asyncio.shield(self._end())
                if isinstance(error, OSError | TimeoutError):
                    raise CannotJail(f"the fork server of sessions does not answer: {type(error).__name__}") from error
                raise
        if not message or not fds:
            raise CannotJail("the fork server of sessions has ended")
        return _Forked(json.loads(message)["pid"], fds[0])


class _SessionSlot(ForkServerSlot):
    def __init__(self, server: SessionForkServer, index: int, setup: dict[str, Any]) -> None:
        super().__init__(index, server.tier, setup)
        self._server = server

    async def spawn(self, control: socket.socket, setup: dict[str, Any]) -> SlotProcess:
        return await self._server.fork(control, setup)


class _Forked:
    """A process that is a child of the fork server, by its pidfd."""

    def __init__(self, pid: int, pidfd: int) -> None:
        self.pid = pid
        self._pidfd = pidfd
        self._closing = threading.Lock()

    def kill(self) -> None:
        with self._closing, contextlib.suppress(ProcessLookupError):
            if self._pidfd >= 0:
                signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)

    def wait(self, timeout: float | None = None) -> None:
        """Raises subprocess.TimeoutExpired. A slot may be closed from two sides: whoever is second finds it over."""
        with self._closing:
            if self._pidfd < 0:
                return
            pidfd = os.dup(self._pidfd)
        try:
            poll = select.poll()
            poll.register(pidfd, select.POLLIN)
            if not poll.poll(None if timeout is None else timeout * 1000):
                raise subprocess.TimeoutExpired("slot", timeout or 0)
        finally:
            os.close(pidfd)
        with self._closing:
            if self._pidfd >= 0:
                os.close(self._pidfd)
                self._pidfd = -1


async def _readable(loop: asyncio.AbstractEventLoop, sock: socket.socket) -> None:
    ready = loop.create_future()
    loop.add_reader(sock.fileno(), lambda: None if ready.done() else ready.set_result(None))
    try:
        await ready
    finally:
        loop.remove_reader(sock.fileno())
