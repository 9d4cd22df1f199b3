"""One sample by itself, for trainers whose word for no verdict is an exception.

Both functions give the sample's reward by its deadline. They raise NoVerdict with the cause, and for a set-up at fault
BadGroup (a wrong key, URL or domain) or ValueError (a domain that looks at the siblings, which are not here); and
TooManyFailures.
"""

from __future__ import annotations

from trainer_client.adapters.settings import Settings, blocking_client, client
from trainer_client.adapters.siblings import Judged, known, numbers_of, told, unknown
from trainer_client.domains import Domain
from trainer_client.errors import NoVerdict
from trainer_client.results import ScoredSample
from trainer_client.wire import Sample


def judged_alone(settings: Settings, sample: Sample) -> Judged:
    """For a thread that waits."""
    gateway = blocking_client(settings)
    try:
        domain = gateway.domain(sample.domain)
    except TimeoutError:
        raise unknown(sample.domain) from None
    _demand_alone(sample, domain)
    return _verdict(domain, gateway.submit(sample).result())


async def awaited_alone(settings: Settings, sample: Sample) -> Judged:
    """For an event loop."""
    gateway = client(settings)
    domain = await known(gateway, sample.domain)
    _demand_alone(sample, domain)
    return _verdict(domain, await gateway.submit(sample))


def _demand_alone(sample: Sample, domain: Domain) -> None:
    if domain.needs_siblings:
        raise ValueError(f"domain {sample.domain!r} looks at all siblings, and this trainer shows one sample at a time")


def _verdict(domain: Domain, scored: ScoredSample) -> Judged:
    if scored.reward is None:
        raise NoVerdict(told(scored))
    return Judged(domain, scored, numbers_of(scored), "verdict")
