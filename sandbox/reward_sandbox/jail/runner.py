"""The inside of a disposable container: jobs come in as lines of JSON, what came of them goes out the same way.

    python -m reward_sandbox.jail.runner [TIER]

The container is the outer wall; inside, each run still has its own user, limits and filter, and Landlock where there is any.
"""

from __future__ import annotations

import asyncio
import os
import sys

from reward_sandbox.jail.elsewhere import carry_out
from reward_sandbox.jail.spec import CannotJail, Tier
from reward_sandbox.jail.wire import Job
from reward_sandbox.jail.zygotes import ZygoteJail


async def best(tiers: tuple[Tier, ...]) -> ZygoteJail:
    """A jail of two places, for pairs. Raises CannotJail."""
    why = ""
    for tier in tiers:
        jail = ZygoteJail(2, tier=tier)
        try:
            await jail.start()
        except CannotJail as error:
            why = str(error)
            continue
        return jail
    raise CannotJail(why)


async def serve(wanted: Tier | None) -> None:
    # Nothing but answers may go out through what was our standard output.
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    jail = await best((wanted,) if wanted else ("C", "X"))
    try:
        while line := await asyncio.to_thread(sys.stdin.buffer.readline):
            done = await carry_out(jail, Job.model_validate_json(line))
            out.write(done.model_dump_json().encode() + b"\n")
            out.flush()
    finally:
        await jail.aclose()


def main() -> None:
    wanted = sys.argv[1] if len(sys.argv) > 1 else None
    asyncio.run(serve(wanted))  # type: ignore[arg-type]  # a wrong one is refused when the jail starts


if __name__ == "__main__":
    main()
