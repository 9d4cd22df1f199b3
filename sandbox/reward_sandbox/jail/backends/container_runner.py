"""The inside of a disposable container: jobs come in as lines of JSON, what came of them goes out the same way.

    python -m reward_sandbox.jail.backends.container_runner USER

USER and the number after it are those that runs have: the kernel counts the processes of a user together, whatever container
they are in, so each container at work needs two of its own.

The container is the outer wall; inside, each run still has its own user, limits and filter, and Landlock where there is any.
"""

from __future__ import annotations

import asyncio
import os
import sys

from reward_sandbox.jail.backends.fork_server import ForkServerJail
from reward_sandbox.jail.host.jobs import carry_out
from reward_sandbox.jail.host.wire import Job
from reward_sandbox.jail.spec import CannotJail, Tier


async def best(user: int) -> ForkServerJail:
    """A jail of two places, for pairs. Raises CannotJail."""
    why = ""
    tiers: tuple[Tier, ...] = ("C", "X")
    for tier in tiers:
        jail = ForkServerJail(2, tier=tier, user_of=lambda index: user + index)
        try:
            await jail.start()
        except CannotJail as error:
            why = str(error)
            continue
        return jail
    raise CannotJail(why)


async def serve(user: int) -> None:
    # Nothing but answers may go out through what was our standard output.
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    jail = await best(user)
    try:
        while line := await asyncio.to_thread(sys.stdin.buffer.readline):
            done = await carry_out(jail, Job.model_validate_json(line))
            out.write(done.model_dump_json().encode() + b"\n")
            out.flush()
    finally:
        await jail.aclose()


def main() -> None:
    asyncio.run(serve(int(sys.argv[1])))


if __name__ == "__main__":
    main()
