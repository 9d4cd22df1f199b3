"""Does a jail hold? Asked of a real run in it before it takes any other."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from reward_sandbox.jail.spec import PYTHON, CannotJail, File, Limits, Outcome, Run

_PROBE = """
import os, socket
open("own", "w").write("x")
TRIES = {
    "a socket": lambda: socket.socket(),
    "a file in /usr": lambda: os.open("/usr/touchstone-probe", os.O_CREAT | os.O_WRONLY),
    "the users' passwords": lambda: os.open("/etc/shadow", os.O_RDONLY),
    "other processes": lambda: os.listdir("/proc/1"),
}
for name, attempt in TRIES.items():
    try:
        attempt()
    except OSError:
        continue
    print(name)
print("probed")
"""


async def held(run: Callable[[Run], Awaitable[Outcome]]) -> None:
    """Raises CannotJail, naming what the jail lets through."""
    limits = Limits(wall_s=20, cpu_s=10)
    outcome = await run(Run(PYTHON, {"solution.py": File(_PROBE.encode())}, limits=limits))
    *through, last = outcome.stdout.decode("utf-8", "replace").splitlines() or [""]
    if outcome.ending != "ok" or last != "probed":
        why = outcome.error or outcome.stderr.decode("utf-8", "replace")[-200:] or outcome.ending
        raise CannotJail(f"the probe did not end well: {why}")
    if through:
        raise CannotJail(f"the jail lets through {', '.join(through)}")
