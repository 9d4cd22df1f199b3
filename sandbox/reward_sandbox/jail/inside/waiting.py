"""How long the machine has kept a run waiting, and what it has used of a processor. Stands alone."""

from __future__ import annotations

import contextlib
import os


def waited_ms(proc: int, init: int) -> float:
    """The longest that a thread below the process `init` has been ready without a processor, less what the run's other
    threads used of it meanwhile: a run that keeps itself waiting has no machine to blame. In milliseconds, from
    /proc/PID/schedstat; 0 where the kernel does not tell. proc: a descriptor of /proc.
    """
    threads: list[tuple[int, int]] = []  # (time on a processor, time waiting for one) of each
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
                threads.append((int(used), int(waited)))
            os.close(tasks)
    total = sum(used for used, _ in threads)
    return max((max(0, waited - (total - used)) for used, waited in threads), default=0) / 1e6


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
