"""The fork server backend: slots, each a fork server in its own namespaces, each running one program at a time.

await jail.start();  outcome = await jail.run(Run(PYTHON, {"solution.py": File(b"print(1)")}))
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from reward_sandbox.jail.host.capture import Capture, sealed
from reward_sandbox.jail.host.cgroups import CgroupLimits, NoCgroups, look_s, watched_cpu
from reward_sandbox.jail.host.ending import ending
from reward_sandbox.jail.host.leftovers import OwnFolder
from reward_sandbox.jail.host.slots import Slot, SlotJail, can_choose_user, stack_bytes, user_of
from reward_sandbox.jail.inside.waiting import Times, times, used_ms
from reward_sandbox.jail.spec import ENVIRONMENT, PYTHON, CannotJail, Outcome, Run, Tier

_INSIDE = str(Path(__file__).parents[1] / "inside")
_BOOT = f"import sys; sys.path.insert(0, {_INSIDE!r}); import fork_server; fork_server."
_RECYCLE_AFTER = 2_000
_OWN_PROCESSES = 2  # the fork server and the run's init
_OWN_MEMORY = 48 << 20  # what the fork server and init hold in the slot's group
_GRACE_S = 10.0

# A fork has one thread, whatever its parent had: preloaded libraries must not start any.
_ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
# A program that depends on the order of a set does so in every slot alike.
_ENVIRONMENT = {**_ONE_THREAD, "PYTHONHASHSEED": "0"}


class ForkServerJail(SlotJail):
    """Runs programs in `slots` warm fork servers.

    tier: the one to use; by default the best that can be made, and at least `at_least`; X only when it is named. python:
    the interpreter that is kept warm. folders: absolute folders that the jail sees besides the system's. binds: a name at
    its root → a folder of ours. preload: modules imported once. path: more folders of modules for Python programs. user_of:
    a slot's number → its user's, where that can be chosen.
    """

    def __init__(
        self,
        slots: int = 1,
        *,
        tier: Tier | None = None,
        at_least: Tier = "C",
        python: str = sys.executable,
        folders: Sequence[str] = (),
        binds: Mapping[str, str] | None = None,
        preload: Sequence[str] = (),
        path: Sequence[str] = (),
        user_of: Callable[[int], int] = user_of,
    ) -> None:
        self._user_of = user_of if can_choose_user() else lambda index: os.geteuid()
        possible: tuple[Tier, ...] = ("A", "B", "C") if can_choose_user() else ("B", "C")
        super().__init__(slots, possible, tier, "X" if tier == "X" else at_least)
        self._setup = {
            "python": python,
            "folders": list(folders),
            "binds": dict(binds or {}),
            "preload": list(preload),
            "path": list(path),
        }

    def make(self, index: int, tier: Tier) -> Slot:
        return ForkServerSlot(index, tier, {**self._setup, "uid": self._user_of(index)})


class SlotProcess(Protocol):
    """The process of a slot."""

    @property
    def pid(self) -> int: ...

    def kill(self) -> None: ...

    def wait(self, timeout: float | None = None) -> Any:
        """Raises subprocess.TimeoutExpired."""


def started(entry: str, control: socket.socket, setup: dict[str, Any]) -> subprocess.Popen[bytes]:
    """The program of jail/inside/fork_server.py, at one of its entries; `control` is its end of the socket."""
    return subprocess.Popen(  # noqa: S603  # our own program
        [setup["python"], "-s", "-S", "-P", "-c", f"{_BOOT}{entry}()", str(control.fileno()), json.dumps(setup)],
        pass_fds=(control.fileno(),),
        stdin=subprocess.DEVNULL,
        env=_ENVIRONMENT,
        start_new_session=True,  # Ctrl-C in a terminal is for the service, which then ends its jails
    )


class ForkServerSlot:
    """One place of a jail, with a fork server of its own."""

    def __init__(self, index: int, tier: Tier, setup: dict[str, Any]) -> None:
        self._name = f"touchstone-{os.getpid()}-{index}"
        self._tier: Tier = tier
        self._setup = {**setup, "tier": tier}
        self._is_bare = tier in ("C", "X")
        self._process: SlotProcess | None = None
        self._control: socket.socket | None = None
        self._cgroup: CgroupLimits | None = None
        self._folder: OwnFolder | None = None
        self._scratch = ""
        self._runs = 0

    async def start(self) -> None:
        if self._tier == "A" and self._cgroup is None:
            try:
                self._cgroup = CgroupLimits(self._name)
            except NoCgroups as error:
                raise CannotJail(str(error)) from error
        self._folder = OwnFolder()
        self._scratch = self._folder.path
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setblocking(False)
        self._control, self._runs = ours, 0
        try:
            self._process = await self.spawn(theirs, {**self._setup, "scratch": self._scratch})
        finally:
            theirs.close()
        if self._cgroup:
            self._cgroup.join(self._process.pid)
        try:
            async with asyncio.timeout(30):
                reply = json.loads(await asyncio.get_running_loop().sock_recv(ours, 65536) or b"{}")
        except TimeoutError:
            reply = {}
        if not reply.get("ready"):
            await self.aclose()
            raise CannotJail(reply.get("why", "the fork server does not start"))

    def times(self) -> Times:
        """What its programs have used of a processor and waited for one since it started."""
        if self._process is None:
            return Times(0.0, {})
        proc = os.open("/proc", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            return times(proc, self._process.pid)
        finally:
            os.close(proc)

    def used_ms(self) -> float:
        """Processor milliseconds of the program that runs in it."""
        if self._process is None:
            return 0.0
        if self._cgroup:
            return self._cgroup.used_ms()
        proc = os.open("/proc", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            return used_ms(proc, self._process.pid)
        finally:
            os.close(proc)

    async def spawn(self, control: socket.socket, setup: dict[str, Any]) -> SlotProcess:
        """Start the slot's process. Raises CannotJail."""
        return started("main", control, setup)  # milliseconds

    async def aclose(self) -> None:
        """End the fork server; with it its children end, since they are tied to it."""
        if self._control:
            self._control.close()
        if self._process:
            if self._is_bare:  # it ends its run first, and that cannot be left to the kernel
                with contextlib.suppress(subprocess.TimeoutExpired):
                    await asyncio.to_thread(self._process.wait, _GRACE_S)
            self._process.kill()
            await asyncio.to_thread(self._process.wait)
        if self._cgroup:
            self._cgroup.remove()
        if self._folder:
            self._folder.remove()
        self._process = self._control = self._cgroup = None

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
            raise CannotJail("the slot has no fork server")
        if self._cgroup:
            self._cgroup.begin((limits.memory_mb << 20) + _OWN_MEMORY, limits.processes + _OWN_PROCESSES)
        stop = _Stop(control)
        if run.channel:
            run.channel.exceeded = partial(stop, "output")
        bound = limits.output_kb << 10
        with contextlib.ExitStack() as stack:
            captures = [Capture(bound, partial(stop, "output")), Capture(bound, partial(stop, "output"))]
            if run.artefact:
                captures.append(Capture(run.artefact_mb << 20, partial(stop, "output")))
            for capture in captures:
                stack.callback(capture.close)
            inputs = [sealed(b"".join(file.content for file in run.files.values())), sealed(run.stdin)]
            ends = [capture.write_end for capture in captures]
            sent = [*inputs, *ends]
            if run.channel and run.channel.as_standard:
                sent[1:3] = list(run.channel.ends)
            elif run.channel:
                sent += run.channel.ends
            try:
                socket.send_fds(control, [json.dumps(self._message(run)).encode()], sent)
            finally:
                for fd in inputs:
                    os.close(fd)
                for capture in captures:
                    capture.sent()
                if run.channel:
                    run.channel.close()
            begun = time.monotonic()
            alarm = loop.call_later(limits.wall_s, stop, "time")
            stack.enter_context(watched_cpu(self._cgroup, limits.cpu_s, partial(stop, "cpu")))
            try:
                async with asyncio.timeout(limits.wall_s + _GRACE_S):
                    reply = await loop.sock_recv(control, 65536)
            except TimeoutError:
                return Outcome("system_error", self._tier, error="the fork server does not answer")
            finally:
                alarm.cancel()
            wall_ms = (time.monotonic() - begun) * 1000
            texts = [capture.rest() for capture in captures]
        return self._judged(run, json.loads(reply or b"{}"), stop.reason, texts, wall_ms)

    def _message(self, run: Run) -> dict[str, Any]:
        limits = run.limits
        # Without a group memory is limited in each process.
        memory = None if self._cgroup else ((limits.memory_mb + run.stacks_mb) << 20) + _OWN_MEMORY
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
            "names_streams": any(b"/dev/" in file.content for file in run.files.values()),
            "env": {name: self._placed(value) for name, value in {**ENVIRONMENT, **run.env}.items()},
            "limits": {
                "file_bytes": run.box_bytes,
                "files": limits.files + len(run.files),
                "cpu_s": max(1, round(limits.cpu_s + 0.499)),
                "cpu_ms": limits.cpu_s * 1000,
                "look_s": look_s(limits.cpu_s),
                "open_files": limits.open_files,
                # The kernel counts a user's processes everywhere, so the group's own count is taken where there is one.
                "processes": None if self._cgroup else limits.processes + _OWN_PROCESSES,
                "stack_bytes": stack_bytes(run, in_a_group=self._cgroup is not None),
                "address_bytes": None if run.stacks_mb else memory,
                "data_bytes": memory if run.stacks_mb else None,
            },
        }
        if run.argv[:1] == PYTHON:
            return message | {"python": [self._placed("/box/solution.py"), *run.argv[1:]]}
        return message | {"argv": [self._placed(word) for word in run.argv]}

    def _placed(self, word: str) -> str:
        """Without a root of its own a run's places have other names."""
        if not self._is_bare:
            return word
        places = {"/box": f"{self._scratch}/box", **self._setup["binds"]}
        return re.sub("|".join(map(re.escape, places)), lambda match: places[match[0]], word)

    def _judged(self, run: Run, reply: dict[str, Any], reason: str, texts: list[bytes], wall_ms: float) -> Outcome:
        out_of_memory, cpu_ms, peak_kb = False, reply.get("cpu_ms", 0.0), reply.get("peak_kb", 0)
        if self._cgroup:
            # The group's own peak counts the system's pages too, so it is for runs that left no word of their own.
            out_of_memory, cpu_ms, group_peak_kb = self._cgroup.end()
            peak_kb = peak_kb or group_peak_kb
        code = reply.get("exit")
        reason = "output" if reply.get("over") else reason or ("cpu" if reply.get("over_cpu") else "")
        stdout, stderr, *rest = texts
        outcome = Outcome(
            ending(run.limits, code, reason, out_of_memory, cpu_ms, stderr),
            self._tier,
            code,
            stdout,
            stderr,
            rest[0] if rest else b"",
            cpu_ms,
            wall_ms,
            peak_kb,
            reply.get("waited_ms", 0.0) if reason == "time" else 0.0,
        )
        if outcome.ending == "system_error":
            why = reply.get("failed") or stderr.decode("utf-8", "replace")[:200] or "the run could not be set up"
            return Outcome("system_error", self._tier, error=why)
        return outcome


class _Stop:
    """Asks the fork server to kill its run, once, and remembers why."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self.reason = ""

    def __call__(self, reason: str) -> None:
        if not self.reason:
            self.reason = reason
            with contextlib.suppress(OSError):
                self._control.send(b"kill")
