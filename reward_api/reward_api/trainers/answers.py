"""One sample from a trainer of another dialect to the answer that it needs, before its client's time is out.

    Asked ──▶ its group ──▶ single flight ──▶ room ──▶ Scorer ──▶ result ──▶ a verdict: its numbers
                                                                        └──▶ none: wait for siblings, impute

Some dialects have no word for *no verdict*: a null, an error or a late answer ends the run. They are given a number that
neither punishes nor rewards, and a flag beside it:

    1. the mean of the scored siblings
    2. without any: the mean of the domain's last rewards, the same number for all of the group, so that a group of which
       nothing is known has no advantages
    3. with hardly a reward in the domain yet: the middle of its range, likewise; a dialect may refuse this one
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
from collections import deque
from dataclasses import dataclass

import stamina
from cachetools import LRUCache
from prometheus_client import CollectorRegistry, Counter

from reward_api.domains.spec import Domain
from reward_api.gateway import rewards
from reward_api.gateway.scoring import Scorer
from reward_api.trainers.groups import Group, Groups, Mean, Numbers, Source
from reward_api.trainers.normal import Asked
from reward_api.trainers.numbers import middle_of, numbers_of
from reward_verifiers.contract import Failure, FailureKind, SampleResult, ScoreRequest, Verdict
from reward_verifiers.service.admission import Admission
from reward_verifiers.service.single_flight import SingleFlight
from reward_verifiers.verifier import Overloaded

log = logging.getLogger(__name__)

# The data set's trouble is every sibling's: nothing is gained by waiting for them.
SHARED = frozenset({FailureKind.BAD_REFERENCE, FailureKind.UNSUPPORTED})
RECENT, FEW = 512, 16
"""Rewards of a domain that are remembered, and below how many their mean says nothing."""
MAX_DOMAINS = 256


NONE: frozenset[Source] = frozenset()


@dataclass(frozen=True, slots=True)
class Answer:
    """`numbers` has every name of the domain, imputed where the result has none."""

    result: SampleResult
    numbers: Numbers
    source: Source


def is_relative(domain: Domain) -> bool:
    """Whether a component's verdicts depend on the siblings."""
    return any(one.description is not None and one.description.whole_group for one in domain.components)


class NoVerdict(Exception):
    """There is no verdict, and the dialect takes no number for one from where it could be had."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


class Answers:
    """Answers samples one by one; one object a gateway."""

    def __init__(self, scorer: Scorer, admission: Admission, registry: CollectorRegistry) -> None:
        self._scorer = scorer
        self._admission = admission
        self._imputed = Counter(
            "reward_imputed_samples",
            "Samples without a verdict that got an imputed reward.",
            ["domain", "source"],
            registry=registry,
        )
        self._groups = Groups()
        self._flights: SingleFlight[bytes, SampleResult] = SingleFlight()
        self._recent: LRUCache[tuple[str, str], deque[Numbers]] = LRUCache(MAX_DOMAINS)

    async def answer(
        self, domain: Domain, asked: Asked, until: float, *, patient: bool = True, refused: frozenset[Source] = NONE
    ) -> Answer:
        """The sample's answer by `until`, a time of the event loop. Without a verdict, a patient one waits for siblings.

        Raises NoVerdict in place of a number from a source in `refused`.
        """
        spec, sample = (domain.name, domain.version), asked.sample_key()
        group, seat = self._groups.enter(asked.group_key(*spec), asked.group_size, sample)
        try:
            result = await self._result(domain, asked, group, seat, until)
        except BaseException:
            group.leave(sample, seat)
            raise
        found = numbers_of(domain, result)
        recent = self._recent.setdefault(spec, deque(maxlen=RECENT))
        if result.failure is None:
            answer = Answer(result, _complete(domain, found, group), Source.VERDICT)
            group.tell(seat, found)
            recent.append(found)
            return answer
        group.tell(seat, None)
        if patient and result.failure.kind not in SHARED:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(until):
                    await group.settled()
        imputed, source = _imputed(domain, group, recent)
        self._tell(domain, result.failure, source)
        if source in refused:
            group.take_back(sample, seat)
            raise NoVerdict(result.failure)
        if source is not Source.SIBLINGS:
            group.stand_in = imputed, source
        return Answer(result, imputed | found, source)

    def _tell(self, domain: Domain, failure: Failure, source: Source) -> None:
        self._imputed.labels(domain.name, source).inc()
        about = {"domain": domain.name, "kind": failure.kind, "component": failure.component, "why": failure.message}
        log.warning("no verdict", extra={**about, "imputed_from": source})

    # --- the result ---------------------------------------------------------------------------------------------------

    async def _result(self, domain: Domain, asked: Asked, group: Group, seat: int, until: float) -> SampleResult:
        """Equal requests under way share one flight, except where the place in the group counts."""
        if asked.completion is None:
            told = "the query does not hold its prompt, so that it cannot be told what the model wrote"
            return _failed(domain, FailureKind.UNSUPPORTED, told)
        relative = is_relative(domain)
        place = {"id": group.name, "group_size": group.size, "indices": [seat]} if relative else {}
        request = asked.request(deadline_s=None if relative else domain.spec.deadline_s, **place)
        name = hashlib.sha256(asked.sample_key() + f"{domain.version} {place}".encode()).digest()
        return await self._flights.run(name, self._scored(domain, request, until))

    async def _scored(self, domain: Domain, request: ScoreRequest, until: float) -> SampleResult:
        """Peers come back too soon and give up too early, so a sample waits here until there is room."""
        now = asyncio.get_running_loop().time
        try:
            async for attempt in stamina.retry_context(on=_room_soon, attempts=None, timeout=until - now()):
                with attempt, self._admission.enter(1):
                    left = max(until - now(), 0.001)
                    bounded = request.model_copy(update={"deadline_s": min(left, request.deadline_s or left)})
                    return (await self._scorer.score(domain, bounded)).results[0]
        except Overloaded:
            pass
        return _failed(domain, FailureKind.OVERLOADED, "the gateway had no room in time")


def _room_soon(error: Exception) -> bool | float:
    return min(error.retry_after_s, 5.0) if isinstance(error, Overloaded) else False


def _complete(domain: Domain, found: Numbers, group: Group) -> Numbers:
    """With a number where a component that does not count gave none."""
    middle = middle_of(domain)
    return found if found.keys() >= middle.keys() else middle | group.scored.numbers | found


def _imputed(domain: Domain, group: Group, recent: deque[Numbers]) -> tuple[Numbers, Source]:
    """The mean of the siblings; or the number that their group was given for want of one."""
    if group.scored.numbers:
        return middle_of(domain) | group.scored.numbers, Source.SIBLINGS
    if group.stand_in is not None:
        return group.stand_in
    middle = middle_of(domain)
    return (middle | Mean(recent).numbers, Source.DOMAIN) if len(recent) >= FEW else (middle, Source.RANGE)


def _failed(domain: Domain, kind: FailureKind, message: str) -> SampleResult:
    verdicts = {one.spec.key: [Verdict.failed(kind, message)] for one in domain.components}
    return rewards.combine(domain.spec, verdicts, [[]])[0]
