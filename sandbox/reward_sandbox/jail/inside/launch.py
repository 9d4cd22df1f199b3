"""Starts bwrap, as another user, within limits and the slot's control group. Stands alone.

    python -I -S launch.py SETUP        groups, user, limits, descriptors (ours → theirs), argv

Nothing runs before the process is in its group and is no longer root, so that whatever follows is counted and powerless.
It stays to take in what bwrap leaves: a dead process that nobody has waited for counts against its user's limit.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import sys

sys.path.insert(0, os.path.dirname(__file__))
import kernel
import root

_HIGH = 900
_LAST = 4096


def main() -> None:
    setup = json.loads(sys.argv[1])
    for path in setup["groups"]:
        with open(path, "w", encoding="ascii") as file:
            file.write(str(os.getpid()))
    # Away from the low numbers first, so that none is written over before it is moved.
    moved = [(os.dup2(ours, _HIGH + place), theirs) for place, (ours, theirs) in enumerate(setup["descriptors"])]
    os.closerange(0, _HIGH)
    for high, theirs in moved:
        os.dup2(high, theirs)
    os.closerange(_HIGH, _LAST)
    if setup["uid"] is not None:
        with contextlib.suppress(OSError):  # without the privilege; then it works where no parent is closed
            root.open_up(setup["folders"], setup["scratch"])
        os.setgroups([])
        os.setresgid(*[setup["uid"]] * 3)
        os.setresuid(*[setup["uid"]] * 3)
    os.umask(0o077)
    kernel.prctl(kernel.PR_SET_CHILD_SUBREAPER, 1)
    pid = os.fork()
    if pid:
        os.closerange(0, _LAST)
        with contextlib.suppress(ChildProcessError):
            while True:
                os.wait()
        os._exit(0)
    for name, value in setup["limits"].items():
        resource.setrlimit(getattr(resource, name), (value, value + 1 if name == "RLIMIT_CPU" else value))
    os.execve(setup["argv"][0], setup["argv"], {})


main()
