"""The zygote backend: slots, each a fork server in its own namespaces, each running one program at a time.

await jail.start();  outcome = await jail.run(Run(PYTHON, {"solution.py": File(b"print(1)")}))
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from reward_sandbox.jail.cgroups import Group, NoCgroups
from reward_sandbox.jail.spec import PYTHON, Channel, Ending, Limits, Outcome, Run, Tier

_HERE = str(Path(__file__).parent)
_BOOT = f"import sys; sys.path.insert(0, {_HERE!r}); import zygote; zygote.main()"
_FIRST_UID = 61_000
_RECYCLE_AFTER = 2_000
_OWN_PROCESSES = 2  # the zygote and the run's init
_OWN_MEMORY = 48 << 20  # what the zygote and init hold in the slot's group
_GRACE_S = 10.0
_ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/box", "TMPDIR": "/tmp", "LANG": "C.UTF-8"}

# A fork has one thread, whatever its parent had: preloaded libraries must not start any.
_ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


class CannotJail(RuntimeError):
    """No jail of the tier that is demanded can be made here; the message says why."""


class ZygoteJail:
    """Runs programs in `slots` warm fork servers.

    tier: the one to use; by default the best that can be made, A for root, else B. python: the interpreter that is kept
    warm. folders: absolute folders that the jail sees besides the system's. binds: a name at its root → a folder of ours.
    preload: modules imported once. path: more folders of modules for Python programs.
    """

    def __init__(
        self,
        slots: int = 1,
        *,
        tier: Tier | None = None,
        python: str = sys.executable,
        folders: Sequence[str] = (),
        binds: Mapping[str, str] | None = None,
        preload: Sequence[str] = (),
        path: Sequence[str] = (),
    ) -> None:
        self._count, self._wanted = slots, tier
        self._setup = {
            "python": python,
            "folders": list(folders),
            "binds": dict(binds or {}),
            "preload": list(preload),
            "path": list(path),
        }
        self._free: asyncio.Queue[_Slot] = asyncio.Queue()
        self._slots: list[_Slot] = []
        self._pairing = asyncio.Lock()
        self.tier: Tier = "X"

    async def start(self) -> None:
        """Start the slots. Raises CannotJail."""
        possible: tuple[Tier, ...] = ("A", "B") if os.geteuid() == 0 else ("B",)
        why = []
        for tier in (self._wanted,) if self._wanted else possible:
            slots = [_Slot(index, tier, self._setup) for index in range(self._count)]
            try:
                for slot in slots:
                    await slot.start()
            except CannotJail as error:
                why.append(str(error))
                for slot in slots:
                    await slot.aclose()
                continue
            self.tier, self._slots = tier, slots
            for slot in slots:
                self._free.put_nowait(slot)
            return
        raise CannotJail("; ".join(why))

    async def aclose(self) -> None:
        """End every slot and what runs in it; nothing is left behind."""
        for slot in self._slots:
            await slot.aclose()
        self._slots.clear()

    async def run(self, run: Run) -> Outcome:
        """Run a program to its end or to its limits. A system error is tried once more, best in another slot."""
        outcome = await self._once(run)
        return await self._once(run) if outcome.ending == "system_error" else outcome

    async def run_pair(self, first: Run, second: Run, *, as_standard: bool = False) -> tuple[Outcome, Outcome]:
        """Two programs at once, each with the other at the end of its channel. Raises CannotJail with a single slot.

        as_standard: the channel is their standard input and output, of which nothing is captured then.
        """
        if self._count < 2:
            raise CannotJail("two programs at once need two slots")
        # One pair at a time gathers its slots: two that held one each would wait for ever.
        slots: list[_Slot] = []
        channels: list[Channel] = []
        tasks: list[asyncio.Task[Outcome]] = []
        try:
            async with self._pairing:
                for _ in range(2):
                    slots.append(await self._free.get())  # noqa: PERF401  # kept one by one, to be given back when cancelled
            there, back = os.pipe(), os.pipe()
            channels += (
                Channel(there[0], back[1], as_standard=as_standard),
                Channel(back[0], there[1], as_standard=as_standard),
            )
            runs = replace(first, channel=channels[0]), replace(second, channel=channels[1])
            tasks += [asyncio.create_task(slot.run(run)) for slot, run in zip(slots, runs, strict=True)]
            one, two = await asyncio.gather(*tasks)
            return one, two
        finally:
            for channel in channels:
                channel.close()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            for slot in slots:
                self._free.put_nowait(slot)

    async def _once(self, run: Run) -> Outcome:
        slot = await self._free.get()
        try:
            return await slot.run(run)
        finally:
            self._free.put_nowait(slot)


class _Slot:
    def __init__(self, index: int, tier: Tier, setup: dict[str, Any]) -> None:
        self._name = f"touchstone-{os.getpid()}-{index}"
        self._tier: Tier = tier
        self._setup = {**setup, "tier": tier, "uid": _FIRST_UID + index}
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._group: Group | None = None
        self._scratch = ""
        self._runs = 0

    async def start(self) -> None:
        if self._tier == "A" and self._group is None:
            try:
                self._group = Group(self._name)
            except NoCgroups as error:
                raise CannotJail(f"tier A: {error}") from error
        self._scratch = tempfile.mkdtemp(prefix="touchstone-jail-")
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setblocking(False)
        setup = json.dumps({**self._setup, "scratch": self._scratch})
        self._process = subprocess.Popen(  # noqa: ASYNC220, S603  # milliseconds, and our own program
            [self._setup["python"], "-I", "-S", "-c", _BOOT, str(theirs.fileno()), setup],
            pass_fds=(theirs.fileno(),),
            stdin=subprocess.DEVNULL,
            env=_ONE_THREAD,
        )
        theirs.close()
        self._control, self._runs = ours, 0
        if self._group:
            self._group.join(self._process.pid)
        try:
            async with asyncio.timeout(30):
                said = json.loads(await asyncio.get_running_loop().sock_recv(ours, 65536) or b"{}")
        except TimeoutError:
            said = {}
        if not said.get("ready"):
            await self.aclose()
            raise CannotJail(f"tier {self._tier}: {said.get('why', 'the zygote does not start')}")

    async def aclose(self) -> None:
        """End the zygote; with it its children end, since they are tied to it."""
        if self._control:
            self._control.close()
        if self._process:
            self._process.kill()
            await asyncio.to_thread(self._process.wait)
        if self._group:
            self._group.remove()
        shutil.rmtree(self._scratch, ignore_errors=True)
        self._process = self._control = self._group = None

    async def run(self, run: Run) -> Outcome:
        try:
            if self._process is None:
                await self.start()
            outcome = await self._run(run)
        except (OSError, CannotJail, NoCgroups) as error:
            outcome = Outcome("system_error", self._tier, error=f"{type(error).__name__}: {error}")
        except BaseException:
            await asyncio.shield(self.aclose())  # cancelled in mid-run: the slot is made anew for the next
            raise
        self._runs += 1
        if outcome.ending == "system_error" or self._runs >= _RECYCLE_AFTER:
            await self.aclose()
        return outcome

    async def _run(self, run: Run) -> Outcome:
        limits, loop, control = run.limits, asyncio.get_running_loop(), self._control
        if control is None:
            raise CannotJail("the slot has no zygote")
        if self._group:
            self._group.begin((limits.memory_mb << 20) + _OWN_MEMORY, limits.processes + _OWN_PROCESSES)
        stop = _Stop(control)
        bound = limits.output_kb << 10
        with contextlib.ExitStack() as stack:
            captures = [_Capture(loop, bound, stop), _Capture(loop, bound, stop)]
            if run.artefact:
                captures.append(_Capture(loop, run.artefact_mb << 20, stop))
            for capture in captures:
                stack.callback(capture.close)
            given = [_sealed(b"".join(file.content for file in run.files.values())), _sealed(run.stdin)]
            ends = [capture.write_end for capture in captures]
            sent = [*given, *ends]
            if run.channel and run.channel.as_standard:
                sent[1:3] = run.channel.ends
            elif run.channel:
                sent += run.channel.ends
            try:
                socket.send_fds(control, [json.dumps(self._message(run)).encode()], sent)
            finally:
                for fd in given:
                    os.close(fd)
                for capture in captures:
                    capture.sent()
                if run.channel:
                    run.channel.close()
            begun = time.monotonic()
            alarm = loop.call_later(limits.wall_s, stop, "time")
            try:
                async with asyncio.timeout(limits.wall_s + _GRACE_S):
                    reply = await loop.sock_recv(control, 65536)
            except TimeoutError:
                return Outcome("system_error", self._tier, error="the zygote does not answer")
            finally:
                alarm.cancel()
            wall_ms = (time.monotonic() - begun) * 1000
            texts = [capture.rest() for capture in captures]
        return self._judged(run, json.loads(reply or b"{}"), stop.reason, texts, wall_ms)

    def _message(self, run: Run) -> dict[str, Any]:
        limits = run.limits
        message: dict[str, Any] = {
            # Which descriptor of the program each that is sent becomes, but for the files.
            "targets": [
                0,
                1,
                2,
                *((3,) if run.artefact else ()),
                *((4, 5) if run.channel and not run.channel.as_standard else ()),
            ],
            "files": [[name, len(f.content), 0o500 if f.executable else 0o400] for name, f in run.files.items()],
            "env": {**_ENVIRONMENT, **run.env},
            "limits": {
                "file_bytes": limits.file_mb << 20,
                "files": limits.files,
                "cpu_s": max(1, round(limits.cpu_s + 0.499)),
                "open_files": limits.open_files,
                # The kernel counts a user's processes everywhere, so the group's own count is taken where there is one.
                "processes": None if self._group else limits.processes + _OWN_PROCESSES,
                "stack_bytes": None,
                "address_bytes": None if self._group or run.reserves else (limits.memory_mb << 20) + _OWN_MEMORY,
            },
        }
        if run.argv[:1] == PYTHON:
            return message | {"python": ["/box/solution.py", *run.argv[1:]]}
        return message | {"argv": list(run.argv)}

    def _judged(self, run: Run, said: dict[str, Any], reason: str, texts: list[bytes], wall_ms: float) -> Outcome:
        out_of_memory, cpu_ms, peak_kb = False, said.get("cpu_ms", 0.0), said.get("peak_kb", 0)
        if self._group:
            # The group's own peak counts the system's pages too, so it is for runs that left no word of their own.
            out_of_memory, cpu_ms, group_peak_kb = self._group.end()
            peak_kb = peak_kb or group_peak_kb
        code = said.get("exit")
        stdout, stderr, *rest = texts
        outcome = Outcome(
            _ending(run.limits, code, reason, out_of_memory, cpu_ms, stderr, self._group is None),
            self._tier,
            code,
            stdout,
            stderr,
            rest[0] if rest else b"",
            cpu_ms,
            wall_ms,
            peak_kb,
        )
        if outcome.ending == "system_error":
            why = said.get("failed") or stderr.decode("utf-8", "replace")[:200] or "the run could not be set up"
            return Outcome("system_error", self._tier, error=why)
        return outcome


def _ending(
    limits: Limits,
    code: int | None,
    reason: str,
    out_of_memory: bool,
    cpu_ms: float,
    stderr: bytes,
    by_address_space: bool,
) -> Ending:
    """Which limit ended the run, if any did."""
    if reason == "output":
        return "output_limit"
    if out_of_memory:
        return "memory_limit"
    if reason == "time" or cpu_ms > limits.cpu_s * 1000 or code == -signal.SIGXCPU:
        return "time_limit"
    if code == 0:
        return "ok"
    if code == -signal.SIGXFSZ:
        return "output_limit"
    if code is None:
        return "system_error"
    # Without a group the address space is the limit, and a program is told of it by its allocator.
    if by_address_space and any(word in stderr[-300:] for word in (b"MemoryError", b"bad_alloc", b"out of memory")):
        return "memory_limit"
    return "runtime_error"


class _Stop:
    """Asks the zygote to kill its run, once, and remembers why."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self.reason = ""

    def __call__(self, reason: str) -> None:
        if not self.reason:
            self.reason = reason
            with contextlib.suppress(OSError):
                self._control.send(b"kill")


class _Capture:
    """Reads one stream of a run, up to a bound; more than that ends the run."""

    def __init__(self, loop: asyncio.AbstractEventLoop, bound: int, stop: Callable[[str], None]) -> None:
        self._read_end, self.write_end = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        fcntl.fcntl(self.write_end, fcntl.F_SETFL, 0)  # the program's end blocks, as it expects
        self._loop, self._left, self._stop = loop, bound, stop
        self._pieces: list[bytes] = []
        self._watched = True
        loop.add_reader(self._read_end, self._read)

    def sent(self) -> None:
        """The program has its end: ours of it is closed, so that the stream can end."""
        os.close(self.write_end)
        self.write_end = -1

    def rest(self) -> bytes:
        """Everything, once the run is over: what is still in the pipe is read."""
        while self._watched and self._read():
            pass
        return b"".join(self._pieces)

    def close(self) -> None:
        self._unwatch()
        os.close(self._read_end)
        if self.write_end >= 0:
            os.close(self.write_end)

    def _read(self) -> bool:
        """Read what there is; False when there is no more now, or ever."""
        try:
            piece = os.read(self._read_end, 65536)
        except BlockingIOError:
            return False
        if not piece:
            self._unwatch()
            return False
        self._pieces.append(piece[: self._left])
        self._left -= len(piece)
        if self._left < 0:
            self._stop("output")
            self._unwatch()
        return True

    def _unwatch(self) -> None:
        if self._watched:
            self._watched = False
            self._loop.remove_reader(self._read_end)


def _sealed(content: bytes) -> int:
    """A descriptor that reads `content`, and that nobody can change: it may be shared between runs."""
    fd = os.memfd_create("box", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    view = memoryview(content)
    while view:
        view = view[os.write(fd, view) :]
    os.lseek(fd, 0, os.SEEK_SET)
    fcntl.fcntl(fd, 1033, 0x1 | 0x2 | 0x4 | 0x8)  # F_ADD_SEALS: seal, shrink, grow, write
    return fd
