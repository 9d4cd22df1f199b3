"""How long the machine has kept a run waiting. Stands alone."""

from __future__ import annotations

import contextlib
import os


def waited_ms(proc: int, init: int) -> float:
    """The longest that a thread below the process `init` has been ready without a processor: the second number of
    /proc/PID/schedstat, in milliseconds; 0 where the kernel does not tell. proc: a descriptor of /proc.
    """
    longest, parents = 0, [str(init)]
    for _ in range(64):
        if not parents:
            break
        parent = parents.pop()
        with contextlib.suppress(OSError, ValueError, IndexError):
            tasks = os.open(f"{parent}/task", os.O_RDONLY | os.O_DIRECTORY, dir_fd=proc)
            for task in os.listdir(tasks)[:64]:
                parents += _read(f"{task}/children", tasks).split()
                longest = max(longest, int(_read(f"{task}/schedstat", tasks).split()[1]))
            os.close(tasks)
    return longest / 1e6


def _read(path: str, folder: int) -> str:
    with open(os.open(path, os.O_RDONLY, dir_fd=folder), encoding="ascii") as file:
        return file.read()
