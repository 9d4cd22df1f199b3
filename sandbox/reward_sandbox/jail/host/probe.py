"""Does a jail hold, and does it work? Asked of real runs in it before it takes any other."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from reward_sandbox.jail.spec import PYTHON, CannotJail, File, Limits, Outcome, Run

_LIMITS = Limits(wall_s=20, cpu_s=10)

_PROBE = """
import os, socket
open("own", "w").write("x")
TRIES = {
    "a socket": lambda: socket.socket(),
    "a file in /usr": lambda: os.open("/usr/touchstone-probe", os.O_CREAT | os.O_WRONLY),
    "the users' passwords": lambda: os.open("/etc/shadow", os.O_RDONLY),
    "other processes": lambda: os.listdir("/proc/1"),
    "other processes' memory": lambda: os.open("/proc/1/mem", os.O_RDONLY),
}
for name, attempt in TRIES.items():
    try:
        attempt()
    except OSError:
        continue
    print(name)
print("probed")
"""


async def held(run: Callable[[Run], Awaitable[Outcome]], *, but: Sequence[str] = ()) -> None:
    """Raises CannotJail, naming what the jail lets through, `but` for what it may."""
    outcome = await run(Run(PYTHON, {"solution.py": File(_PROBE.encode())}, limits=_LIMITS))
    *seen, last = outcome.stdout.decode("utf-8", "replace").splitlines() or [""]
    if outcome.ending != "ok" or last != "probed":
        why = outcome.error or outcome.stderr.decode("utf-8", "replace")[-200:] or outcome.ending
        raise CannotJail(f"the probe did not end well: {why}")
    through = [name for name in seen if name not in but]
    if through:
        raise CannotJail(f"the jail lets through {', '.join(through)}")


async def works(run: Callable[[Run], Awaitable[Outcome]]) -> None:
    """Raises CannotJail when no program laid into its box can be executed, or none can write to /dev/null: each would look
    like a failure of its own.
    """
    program = File(b"#!/bin/sh\necho works >/dev/null && echo works\n", executable=True)
    outcome = await run(Run(("/box/program",), {"program": program}, limits=_LIMITS))
    if outcome.stdout != b"works\n":
        why = outcome.error or outcome.stderr.decode("utf-8", "replace")[-200:] or outcome.ending
        raise CannotJail(f"no program can be executed in its box (is the folder for temporary files noexec?): {why}")
