"""One sample by itself, for trainers whose word for no verdict is an exception.

Both functions give the sample's reward by its deadline. They raise NoVerdict with the cause, and for a set-up at fault
BadGroup (a wrong key, URL or domain) or ValueError (a domain that looks at the siblings, which are not here); and
TooManyFailures.
"""

from __future__ import annotations

import time
from dataclasses import replace

from trainer_client.adapters.settings import AdapterSettings, blocking_client, client
from trainer_client.adapters.siblings import SampleReward, domain_unreachable, failure_text, numbers_of, served_domain
from trainer_client.domains import Domain
from trainer_client.errors import NoVerdict
from trainer_client.results import ScoredSample
from trainer_client.wire import RolloutSample


def reward_alone(settings: AdapterSettings, sample: RolloutSample) -> SampleReward:
    """For a thread that waits."""
    gateway, begun = blocking_client(settings), time.monotonic()
    try:
        domain = gateway.domain(sample.domain)
    except TimeoutError:
        raise domain_unreachable(sample.domain) from None
    _demand_alone(sample, domain)
    return _verdict(domain, gateway.submit(_hurried(settings, sample, begun)).result())


async def awaited_reward_alone(settings: AdapterSettings, sample: RolloutSample) -> SampleReward:
    """For an event loop."""
    gateway, begun = client(settings), time.monotonic()
    domain = await served_domain(gateway, sample.domain)
    _demand_alone(sample, domain)
    return _verdict(domain, await gateway.submit(_hurried(settings, sample, begun)))


def _hurried(settings: AdapterSettings, sample: RolloutSample, begun: float) -> RolloutSample:
    """With what asking for the domain has left of the deadline."""
    whole = sample.deadline_s or settings.deadline_s
    return replace(sample, deadline_s=max(whole - (time.monotonic() - begun), 0.001))


def _demand_alone(sample: RolloutSample, domain: Domain) -> None:
    if domain.needs_siblings:
        raise ValueError(f"domain {sample.domain!r} looks at all siblings, and this trainer shows one sample at a time")


def _verdict(domain: Domain, scored: ScoredSample) -> SampleReward:
    if scored.reward is None:
        raise NoVerdict(failure_text(scored))
    return SampleReward(domain, scored, numbers_of(scored), "verdict")
