"""How long the machine has kept a run waiting, and what it has used of a processor. Stands alone."""

from __future__ import annotations

import contextlib
import os
from typing import NamedTuple


class Times(NamedTuple):
    """Of the processes below one, in milliseconds. used: by all of them, ended ones too. threads: by name, of each that
    lives, what it has used of a processor and how long it was ready without one.
    """

    used: float
    threads: dict[str, tuple[float, float]]


def times(proc: int, init: int) -> Times:
    """From /proc/PID/schedstat; no threads where the kernel does not tell. proc: a descriptor of /proc."""
    threads: dict[str, tuple[float, float]] = {}
    parents = [str(init)]
    for _ in range(256):
        if not parents:
            break
        parent = parents.pop()
        with contextlib.suppress(OSError, ValueError, IndexError):
            tasks = os.open(f"{parent}/task", os.O_RDONLY | os.O_DIRECTORY, dir_fd=proc)
            for task in os.listdir(tasks)[:64]:
                parents += _read(f"{task}/children", tasks).split()
                used, waited = _read(f"{task}/schedstat", tasks).split()[:2]
                threads[task] = int(used) / 1e6, int(waited) / 1e6
            os.close(tasks)
    return Times(max(sum(used for used, _ in threads.values()), used_ms(proc, init)), threads)


def waited_ms(now: Times, before: Times | None = None) -> float:
    """The longest that a thread has been ready without a processor since `before`, less what the others used of it
    meanwhile, whether they live or have ended: a run that keeps itself waiting has no machine to blame.
    """
    since = before or Times(0.0, {})
    longest = 0.0
    for name, (used, waited) in now.threads.items():
        used_before, waited_before = since.threads.get(name, (0.0, 0.0))
        others = (now.used - since.used) - (used - used_before)
        longest = max(longest, waited - waited_before - max(0.0, others))
    return longest


def used_ms(proc: int, init: int) -> float:
    """Processor milliseconds of the process `init`, of all below it, and of those among them that have ended and been
    waited for. From /proc/PID/stat.
    """
    ticks, parents = 0, [str(init)]
    for _ in range(1024):
        if not parents:
            break
        parent = parents.pop()
        with contextlib.suppress(OSError, ValueError, IndexError):
            tasks = os.open(f"{parent}/task", os.O_RDONLY | os.O_DIRECTORY, dir_fd=proc)
            for task in os.listdir(tasks):
                parents += _read(f"{task}/children", tasks).split()
            os.close(tasks)
            # Behind the name, which may hold anything: utime, stime, cutime and cstime.
            fields = _read(f"{parent}/stat", proc).rpartition(")")[2].split()
            ticks += sum(map(int, fields[11:15]))
    return ticks * 1000 / os.sysconf("SC_CLK_TCK")


def _read(path: str, folder: int) -> str:
    with open(os.open(path, os.O_RDONLY, dir_fd=folder), encoding="ascii", errors="replace") as file:
        return file.read()
