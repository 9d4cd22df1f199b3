"""One sample by itself, for trainers that wait in a thread and whose word for no verdict is an exception."""

from __future__ import annotations

from trainer_client.adapters.settings import Settings, blocking_client
from trainer_client.adapters.siblings import Judged, numbers_of, told
from trainer_client.errors import NoVerdict
from trainer_client.wire import Sample


def judged_alone(settings: Settings, sample: Sample) -> Judged:
    """The sample's reward, by its deadline.

    Raises NoVerdict with the cause, and for a set-up at fault BadGroup (a wrong key, URL or domain) or ValueError (a domain
    that looks at the siblings, which are not here); TooManyFailures.
    """
    gateway = blocking_client(settings)
    try:
        domain = gateway.domain(sample.domain)
    except TimeoutError:
        raise NoVerdict(f"the gateway did not say what domain {sample.domain!r} is") from None
    if domain.needs_siblings:
        raise ValueError(f"domain {sample.domain!r} looks at all siblings, and this trainer shows one sample at a time")
    scored = gateway.submit(sample).result()
    if scored.reward is None:
        raise NoVerdict(told(scored))
    return Judged(domain, scored, numbers_of(scored), "verdict")
