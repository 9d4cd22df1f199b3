"""The control group of one slot: memory, processes and processor time of everything that runs in it. Versions 1 and 2.

The slot's fork server lives in the group, so every child is born there: joining costs milliseconds, being born
there nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

_MOUNT = Path("/sys/fs/cgroup")
_LOOK_S = 0.1
_LOOKS = 60
_CONTROLLERS = ("memory", "pids", "cpuacct")


class NoCgroups(OSError):
    """Groups cannot be made here; the message says why."""


class CgroupLimits:
    """Limits and counters of a slot. Raises NoCgroups when it cannot be made."""

    def __init__(self, name: str) -> None:
        self._unified = (_MOUNT / "cgroup.controllers").exists()
        own = _own_groups(self._unified)
        try:
            self._paths = {controller: _new_group(self._unified, controller, own, name) for controller in _CONTROLLERS}
            self._memory, self._pids, self._cpu = (self._paths[controller] for controller in _CONTROLLERS)
            if self._unified:
                (self._memory / "memory.max").read_text()
            else:
                (self._memory / "memory.limit_in_bytes").read_text()
        except OSError as error:
            raise NoCgroups(f"no control groups: {error.strerror or error}") from error
        self._limits: tuple[int, int] | None = None
        self._killed = 0
        self._cpu_ns = 0

    def files_to_join(self) -> list[str]:
        """Where a process writes its number to be, with all its children to come, in the group."""
        return [str(path / "cgroup.procs") for path in set(self._paths.values())]

    def join(self, pid: int) -> None:
        for file in self.files_to_join():
            Path(file).write_text(str(pid))

    def kill(self) -> None:
        """Everything in the group, until nothing is left that could fork."""
        while pids := (self._pids / "cgroup.procs").read_text().split():
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(int(pid), signal.SIGKILL)

    def begin(self, memory_bytes: int, processes: int) -> None:
        """Set the limits and note the counters before a run."""
        if self._limits != (memory_bytes, processes):
            self._set_memory(memory_bytes)
            (self._pids / "pids.max").write_text(str(processes))
            self._limits = memory_bytes, processes
        with contextlib.suppress(OSError):  # kernels before 6.12 cannot reset the peak of version 2
            (self._memory / ("memory.peak" if self._unified else "memory.max_usage_in_bytes")).write_text("0")
        self._killed, self._cpu_ns = self._kills(), self._processor_ns()

    def used_ms(self) -> float:
        """Processor milliseconds since `begin`."""
        return (self._processor_ns() - self._cpu_ns) / 1e6

    def end(self) -> tuple[bool, float, int]:
        """(whether memory ran out, processor milliseconds, peak KiB) since `begin`."""
        peak = (self._memory / ("memory.peak" if self._unified else "memory.max_usage_in_bytes")).read_text()
        return self._kills() > self._killed, self.used_ms(), int(peak) // 1024

    def remove(self) -> None:
        """Delete the group; its processes must be gone."""
        for path in set(self._paths.values()):
            with contextlib.suppress(OSError):
                path.rmdir()

    def _set_memory(self, memory_bytes: int) -> None:
        if self._unified:
            (self._memory / "memory.max").write_text(str(memory_bytes))
            with contextlib.suppress(OSError):
                (self._memory / "memory.swap.max").write_text("0")
            return
        both = self._memory / "memory.memsw.limit_in_bytes"
        names = ["memory.limit_in_bytes", *(["memory.memsw.limit_in_bytes"] if both.exists() else [])]
        # The sum with swap is never below memory alone, so the order depends on the direction. A group that another
        # service has left behind has limits of its own, so they are read.
        growing = memory_bytes > int((self._memory / names[0]).read_text())
        for name in reversed(names) if growing else names:
            (self._memory / name).write_text(str(memory_bytes))

    def _kills(self) -> int:
        page = (self._memory / ("memory.events" if self._unified else "memory.oom_control")).read_text()
        return sum(int(line.split()[1]) for line in page.splitlines() if line.startswith("oom_kill "))

    def _processor_ns(self) -> int:
        if not self._unified:
            return int((self._cpu / "cpuacct.usage").read_text())
        for line in (self._cpu / "cpu.stat").read_text().splitlines():
            if line.startswith("usage_usec "):
                return int(line.split()[1]) * 1000
        return 0


def look_s(cpu_s: float) -> float:
    """How often a run's processor time is looked at, in seconds: a thousand sessions with a minute each need it seldom."""
    return max(_LOOK_S, cpu_s / _LOOKS)


@contextlib.contextmanager
def watched_cpu(group: CgroupLimits | None, cpu_s: float, stop: Callable[[], None]) -> Iterator[None]:
    """Stop a run when all its processes together have used their time: the kernel limits each of them alone."""
    loop = asyncio.get_running_loop()
    handle: asyncio.TimerHandle | None = None

    def look() -> None:
        nonlocal handle
        if group is not None and group.used_ms() > cpu_s * 1000:
            stop()
            return
        handle = loop.call_later(look_s(cpu_s), look)

    if group is not None:
        handle = loop.call_later(look_s(cpu_s), look)
    try:
        yield
    finally:
        if handle:
            handle.cancel()


def _own_groups(unified: bool) -> dict[str, str]:
    """Controller → the group that this process is in."""
    groups = {}
    for line in Path("/proc/self/cgroup").read_text("ascii").splitlines():
        _, controllers, path = line.split(":", 2)
        for controller in controllers.split(",") if controllers else _CONTROLLERS if unified else ():
            groups[controller] = path
    return groups


def _new_group(unified: bool, controller: str, own: dict[str, str], name: str) -> Path:
    if unified:
        # The leaf rule: processes and subgroups do not mix, so the groups stand at the top that is ours.
        top = _MOUNT / own.get("memory", "/").strip("/")
        with contextlib.suppress(OSError):
            (top / "cgroup.subtree_control").write_text("+memory +pids +cpu")
        path = top / name
    else:
        base = _MOUNT / controller / own.get(controller, "/").strip("/")
        path = (base if base.is_dir() else _MOUNT / controller) / name
    path.mkdir(exist_ok=True)
    if not os.access(path / "cgroup.procs", os.W_OK):
        raise NoCgroups(f"{path} cannot be written to")
    return path
