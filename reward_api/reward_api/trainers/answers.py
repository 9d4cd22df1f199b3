"""One sample from a trainer of another dialect to the answer that it needs, before its client's time is out.

    sample ──▶ its group ──▶ single flight ──▶ room ──▶ Scorer ──▶ result ──▶ a verdict: its numbers
                                                                         └──▶ none: wait for siblings, impute

Some dialects have no word for *no verdict*: a null, an error or a late answer ends the run. They are given an imputed number
(`trainer_client.dialect.imputation`), and a flag beside it. A dialect says how far it goes for one (`Imputation`).
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import time
from dataclasses import dataclass
from typing import Literal

import stamina
from cachetools import LRUCache
from prometheus_client import CollectorRegistry, Counter

from reward_api.domains.spec import Domain
from reward_api.gateway import rewards
from reward_api.gateway.scoring import Scorer
from reward_api.trainers.numbers import middle_of, numbers_of
from reward_api.trainers.samples import sample_key, score_request, sibling_key
from reward_verifiers.contract import Failure, FailureKind, SampleResult, ScoreRequest, Verdict
from reward_verifiers.service.admission import Admission
from reward_verifiers.service.single_flight import SingleFlight
from reward_verifiers.verifier import Overloaded
from trainer_client.dialect.grouping import SiblingGroup, SiblingGroups
from trainer_client.dialect.imputation import DATA_SET_FAILURES, Numbers, RecentRewards, Source
from trainer_client.dialect.sample import TrainerSample

log = logging.getLogger(__name__)

MAX_DOMAINS = 256
Imputation = Literal["always", "scored", "never"]
"""From what a dialect takes a number for no verdict: also from the middle of the domain's range; only from rewards that were
given; from nothing, for it can be told the cause."""


@dataclass(frozen=True, slots=True)
class Answer:
    """`numbers` has every name of the domain, imputed where the result has none."""

    result: SampleResult
    numbers: Numbers
    source: Source


def is_relative(domain: Domain) -> bool:
    """Whether a component's verdicts depend on the siblings."""
    return any(
        one.description is not None and one.description.needs_group(one.spec.options) for one in domain.components
    )


class NoVerdict(Exception):
    """There is no verdict, and nothing that the dialect would take a number from."""

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
        self._groups = SiblingGroups()
        self._flights: SingleFlight[bytes, SampleResult] = SingleFlight()
        self._recent: LRUCache[tuple[str, str], RecentRewards] = LRUCache(MAX_DOMAINS)

    async def answer(
        self, domain: Domain, sample: TrainerSample, until: float, *, waits: bool = True, imputes: Imputation = "always"
    ) -> Answer:
        """The sample's answer by `until`, a time of the event loop. waits: without a verdict, it waits for its siblings.

        Raises NoVerdict where there is nothing to impute from.
        """
        key = sample_key(sample)
        group, seat = self._groups.enter(sibling_key(sample, domain), sample.group_size, key)
        try:
            result = await self._result(domain, sample, group, seat, until)
        except BaseException:
            group.leave(key, seat)
            raise
        numbers = numbers_of(domain, result)
        recent = self._recent.setdefault((domain.name, domain.version), RecentRewards())
        if result.failure is None:
            answer = Answer(result, _complete(domain, numbers, group), "verdict")
            group.judge(seat, numbers)
            recent.add(numbers)
            return answer
        group.judge(seat, None)
        if waits and result.failure.kind not in DATA_SET_FAILURES:
            await group.changes.until(group.is_settled, time.monotonic() + until - asyncio.get_running_loop().time())
        imputed = _imputed(domain, group, recent, imputes)
        self._report(domain, result.failure, imputed and imputed[1])
        if imputed is None:
            group.take_back(key, seat)
            raise NoVerdict(result.failure)
        return Answer(result, middle_of(domain) | imputed[0] | numbers, imputed[1])

    def _report(self, domain: Domain, failure: Failure, source: Source | None) -> None:
        if source is not None:
            self._imputed.labels(domain.name, source).inc()
        about = {"domain": domain.name, "kind": failure.kind, "component": failure.component, "why": failure.message}
        log.warning("no verdict", extra={**about, "imputed_from": source})

    # --- the result ---------------------------------------------------------------------------------------------------

    async def _result(
        self, domain: Domain, sample: TrainerSample, group: SiblingGroup, seat: int, until: float
    ) -> SampleResult:
        """Equal requests under way share one flight, except where the place in the group counts."""
        if sample.completion is None:
            message = "the query does not hold its prompt, so that it cannot be told what the model wrote"
            return _failed(domain, FailureKind.UNSUPPORTED, message)
        relative = is_relative(domain)
        place = {"id": group.name, "group_size": group.size, "indices": [seat]} if relative else {}
        request = score_request(sample, deadline_s=None if relative else domain.spec.deadline_s, **place)
        name = hashlib.sha256(sample_key(sample) + f"{domain.version} {place}".encode()).digest()
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


def _complete(domain: Domain, numbers: Numbers, group: SiblingGroup) -> Numbers:
    """With a number where a component that does not count gave none."""
    middle = middle_of(domain)
    return numbers if numbers.keys() >= middle.keys() else middle | group.scored | numbers


def _imputed(
    domain: Domain, group: SiblingGroup, recent: RecentRewards, imputes: Imputation
) -> tuple[Numbers, Source] | None:
    if imputes == "never":
        return None
    return group.impute(recent, middle_of(domain) if imputes == "always" else None)


def _failed(domain: Domain, kind: FailureKind, message: str) -> SampleResult:
    verdicts = {one.spec.key: [Verdict.failed(kind, message)] for one in domain.components}
    return rewards.combine(domain.spec, verdicts, [[]])[0]
