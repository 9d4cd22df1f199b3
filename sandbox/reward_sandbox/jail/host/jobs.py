"""What remote jails have in common: a job goes there as JSON, and its outcomes come back."""

from __future__ import annotations

from typing import Protocol

from reward_sandbox.jail.host.slots import TALK
from reward_sandbox.jail.host.wire import Done, Job, RunMessage
from reward_sandbox.jail.spec import CannotJail, Outcome, Run, Runs, Tier


class NoReply(RuntimeError):
    """No answer came, or none that makes sense; the message says why."""


class Remote(Protocol):
    @property
    def tier(self) -> Tier: ...

    async def ask(self, job: Job) -> Done:
        """Raises NoReply."""


async def run_there(remote: Remote, run: Run) -> Outcome:
    try:
        [outcome] = (await remote.ask(Job(runs=[RunMessage.of(run)]))).outcomes
    except (NoReply, ValueError) as error:
        return Outcome("system_error", remote.tier, error=str(error))
    return outcome.outcome(remote.tier)


async def run_pair_there(
    remote: Remote, first: Run, second: Run, *, as_standard: bool = False, bound: int = TALK
) -> tuple[Outcome, Outcome]:
    job = Job(runs=[RunMessage.of(first), RunMessage.of(second)], as_standard=as_standard, bound=bound)
    try:
        one, two = (await remote.ask(job)).outcomes
    except (NoReply, ValueError) as error:
        failed = Outcome("system_error", remote.tier, error=str(error))
        return failed, failed
    return one.outcome(remote.tier), two.outcome(remote.tier)


async def carry_out(jail: Runs, job: Job) -> Done:
    """The other side: a job in a jail that is here."""
    runs = [run.run() for run in job.runs]
    if len(runs) == 1:
        return Done.of(jail.tier, [await jail.run(runs[0])])
    try:
        outcomes = await jail.run_pair(runs[0], runs[1], as_standard=job.as_standard, bound=job.bound)
    except CannotJail as error:
        failed = Outcome("system_error", jail.tier, error=str(error))
        outcomes = failed, failed
    return Done.of(jail.tier, outcomes)
