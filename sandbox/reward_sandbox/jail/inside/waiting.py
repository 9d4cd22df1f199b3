"""How long the machine has kept a run waiting. Stands alone."""

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


def _read(path: str, folder: int) -> str:
    with open(os.open(path, os.O_RDONLY, dir_fd=folder), encoding="ascii") as file:
        return file.read()
