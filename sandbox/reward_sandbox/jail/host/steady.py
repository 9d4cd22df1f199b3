"""A jail that does not blame a program for a busy machine or for its neighbours, and that counts what it ends."""

from __future__ import annotations

import contextlib
import signal
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace

from reward_sandbox.jail.host.slots import TALK
from reward_sandbox.jail.spec import Jail, Limits, Outcome, Run, Runs, Tier

CONTENDED = 0.2
"""The share of its limit that a program must have waited for a processor for its time to be measured again."""
LONGER = 10
"""What the clock's limit is multiplied by then, so that the limit of processor time is the one that is reached."""
MORE_S = 12.0
"""But no more than so many seconds are added."""
LONGEST_S = 600.0
"""But no further than Limits allows, which a remote jail would refuse."""
_ENDED = ("time_limit", "memory_limit", "output_limit", "system_error")


class SteadyRuns:
    """Runs of another. One that the clock stopped while the machine kept it waiting is measured a second time, with more
    of the clock: it is in time when it ends within its first limit, and out of time when it uses up its processor time.
    Between the two nobody knows, and that is a system error.

    Where a run's memory is not limited in sum (all tiers but A) the kernel may have ended one for what its neighbour took,
    so one that was killed, and not by us, runs again too.
    """

    def __init__(self, runs: Runs, ends: Counter[str]) -> None:
        self._runs = runs
        self.ends = ends
        """How many runs were ended by each limit, or by a failure of ours."""

    @property
    def tier(self) -> Tier:
        return self._runs.tier

    async def run(self, run: Run) -> Outcome:
        outcome = await self._runs.run(run)
        if _was_kept_waiting(outcome, run):
            outcome = _settled(await self._runs.run(_longer(run)), run)
        elif _was_killed(outcome):
            outcome = await self._runs.run(run)
        self._count(outcome)
        return outcome

    async def run_pair(
        self, first: Run, second: Run, *, as_standard: bool = False, bound: int = TALK
    ) -> tuple[Outcome, Outcome]:
        one, two = await self._runs.run_pair(first, second, as_standard=as_standard, bound=bound)
        if _was_kept_waiting(one, first) or _was_kept_waiting(two, second):
            again = _longer(first), _longer(second)
            one, two = await self._runs.run_pair(*again, as_standard=as_standard, bound=bound)
            # Where one of them is out of time the other may well be late: it was waiting for it.
            if not (_is_out_of_time(one, first) or _is_out_of_time(two, second)):
                one, two = _settled(one, first), _settled(two, second)
        elif _was_killed(one) or _was_killed(two):
            one, two = await self._runs.run_pair(first, second, as_standard=as_standard, bound=bound)
        self._count(one)
        self._count(two)
        return one, two

    def _count(self, outcome: Outcome) -> None:
        if outcome.ending in _ENDED:
            self.ends[outcome.ending] += 1


class SteadyJail(SteadyRuns):
    """As SteadyRuns, of a whole backend."""

    def __init__(self, jail: Jail) -> None:
        super().__init__(jail, Counter())
        self._jail = jail

    async def start(self) -> None:
        await self._jail.start()

    async def aclose(self) -> None:
        await self._jail.aclose()

    @contextlib.asynccontextmanager
    async def submission(self, limits: Limits) -> AsyncIterator[SteadyRuns]:
        async with self._jail.submission(limits) as runs:
            yield SteadyRuns(runs, self.ends)


def _was_kept_waiting(outcome: Outcome, run: Run) -> bool:
    """A program that used its processor time up has no machine to blame, even if its own processes kept it waiting."""
    return (
        outcome.ending == "time_limit"
        and outcome.cpu_ms < 1000 * run.limits.cpu_s
        and outcome.waited_ms >= CONTENDED * 1000 * run.limits.wall_s
    )


def _is_out_of_time(outcome: Outcome, run: Run) -> bool:
    return outcome.ending == "time_limit" and not _was_kept_waiting(outcome, run)


def _was_killed(outcome: Outcome) -> bool:
    is_killed = outcome.ending == "runtime_error" and outcome.exit_code == -signal.SIGKILL
    return is_killed and outcome.tier != "A"


def _longer(run: Run) -> Run:
    wall_s = max(run.limits.wall_s, min(LONGER * run.limits.wall_s, run.limits.wall_s + MORE_S, LONGEST_S))
    return replace(run, limits=run.limits.model_copy(update={"wall_s": wall_s}))


def _settled(outcome: Outcome, run: Run) -> Outcome:
    """The verdict on the second measurement."""
    is_late = outcome.wall_ms > 1000 * run.limits.wall_s and outcome.ending == "ok"
    if not is_late and not _was_kept_waiting(outcome, run):
        return outcome
    why = f"the machine is too busy to measure its time: it took {outcome.wall_ms / 1000:.1f} s of the clock"
    return replace(outcome, ending="system_error", error=why)
