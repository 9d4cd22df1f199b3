"""Samples that a trainer hands over one by one, for trainers whose only word for a reward is a number.

    sample ─▶ its group: by id, or by prompt and reference, within a window of time ─▶ the client ─▶ a verdict
                                                                                   └─▶ none: an imputed number

A group is known as far as its members come to one process.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from trainer_client.adapters.rows import imputed
from trainer_client.adapters.settings import AdapterSettings, client
from trainer_client.client import AsyncRewardClient
from trainer_client.dialect.accuracy import accuracy
from trainer_client.dialect.grouping import SiblingGroups, digest, group_key
from trainer_client.dialect.imputation import DATA_SET_FAILURES, ENOUGH, Numbers, RecentRewards, Source
from trainer_client.domains import Domain
from trainer_client.errors import BadGroup, NoVerdict
from trainer_client.future import RewardFuture
from trainer_client.results import ScoredGroup, ScoredSample, no_verdict
from trainer_client.wire import RolloutSample

log = logging.getLogger("trainer_client")

# What the client adds to a deadline before it settles a sample by itself.
GRACE_S = 1.0


@dataclass(frozen=True)
class SampleReward:
    """A sample's reward to train on.

    domain: which scored it. scored: the gateway's result. numbers: the reward and the scores, imputed where the result has
    none. source: where the reward comes from.
    """

    domain: Domain
    scored: ScoredSample
    numbers: Numbers
    source: Source

    @property
    def reward(self) -> float:
        return self.numbers["reward"]

    @property
    def accuracy(self) -> float:
        """The score of the first component with a weight, stretched to 0..1; the reward where it has no score."""
        main = next((name for name, weight in self.domain.components.items() if weight), None)
        score = self.score(main) if main else None
        if main is None or score is None:
            return self.reward
        return accuracy(score, self.domain.score_ranges.get(main, (0.0, 1.0)))

    @property
    def failed(self) -> bool:
        return self.source != "verdict"

    @property
    def failure(self) -> str:
        """The cause as one line; empty with a verdict."""
        return failure_text(self.scored)

    def score(self, component: str) -> float | None:
        return self.numbers.get(f"score/{component}")


def failure_text(scored: ScoredSample) -> str:
    """A failure as one line; empty with a verdict."""
    failure = scored.failure
    if failure is None:
        return ""
    return ": ".join(part for part in (failure["kind"], failure["component"], failure["message"]) if part)


async def sample_reward(
    settings: AdapterSettings, sample: RolloutSample, *, size: int | None = None, scored: ScoredSample | None = None
) -> SampleReward:
    """The sample's reward, by its deadline. Without a verdict the number is

    1. the mean of its scored siblings, for which it waits: until all of `size` are judged or, where that is not known, until
       one is scored and none is at work
    2. without any, the mean of the domain's last rewards, once there are 16: the same number for all of the group

    size: completions a prompt; needed where a component looks at the siblings (ValueError says so). scored: the result, for
    a sample that is not to be sent. Raises NoVerdict with the cause when there is no such number, BadGroup for a wrong key,
    URL or domain, and TooManyFailures.
    """
    gateway = client(settings)
    until = time.monotonic() + (sample.deadline_s or settings.deadline_s)
    domain = await served_domain(gateway, sample.domain)
    key = _sibling_key(sample, size)
    if domain.needs_siblings:
        _demand_siblings(sample, size, key)
    groups = _groups_of(settings.url)
    own = digest(sample.completion)
    group, seat = groups.siblings.enter(key, size, own)
    try:
        member = replace(sample, group_id=group.name if size else None, group_size=size or 1)
        scored = scored or await _scored(gateway, member, until)
    except BaseException:
        group.leave(own, seat)
        raise
    numbers, recent = numbers_of(scored), groups.recent(sample.domain)
    if scored.reward is not None:
        group.judge(seat, numbers)
        recent.add(numbers, scored.version)
        return SampleReward(domain, scored, numbers, "verdict")
    group.judge(seat, None)
    log.info("no verdict: %s", failure_text(scored))
    if scored.failure is None or scored.failure["kind"] not in DATA_SET_FAILURES:
        await group.changes.until(group.is_settled, until)
    if not group.scored:
        await recent.changes.until(recent.is_enough, until)
    imputed = group.impute(recent)
    if imputed is None:
        raise _nothing_to_impute(scored)
    return SampleReward(domain, scored, imputed[0] | numbers, imputed[1])


def batch_rewards(
    settings: AdapterSettings, domains: Sequence[str], groups: Sequence[ScoredGroup]
) -> list[list[float]]:
    """The rewards of whole groups, each of the domain in its place. Without a verdict the number is

    1. the mean of the scored siblings
    2. without any, the mean of the domain's last rewards, once there are 16, these groups' among them

    Raises NoVerdict with the cause when there is no such number.
    """
    recents = [_groups_of(settings.url).recent(domain) for domain in domains]
    for recent, group in zip(recents, groups, strict=True):
        for sample in group:
            if sample.reward is not None:
                recent.add({"reward": sample.reward}, sample.version)
    return [_numbers(recent, group) for recent, group in zip(recents, groups, strict=True)]


def _numbers(recent: RecentRewards, group: ScoredGroup) -> list[float]:
    rewards = [reward for reward in imputed(group) if reward is not None]
    if rewards or not group:
        return rewards
    mean = recent.mean().get("reward")
    if mean is None:
        raise _nothing_to_impute(group[0])
    return [mean] * len(group)


def _nothing_to_impute(scored: ScoredSample) -> NoVerdict:
    return NoVerdict(f"{failure_text(scored)}; nor is there a scored sibling, or {ENOUGH} rewards of the domain")


def _demand_siblings(sample: RolloutSample, size: int | None, key: bytes | None) -> None:
    if size is None:
        number = "say how many (TOUCHSTONE_GROUP_SIZE)"
        raise ValueError(f"group_size: domain {sample.domain!r} looks at all siblings: {number}")
    if key is None:
        which = "a sample needs a prompt or a group id, by which they are found"
        raise ValueError(f"group_id: domain {sample.domain!r} looks at all siblings: {which}")


async def served_domain(gateway: AsyncRewardClient, domain: str) -> Domain:
    """The domain. Raises NoVerdict when the gateway does not answer, BadGroup when there is none of this name."""
    try:
        return await gateway.domain(domain)
    except TimeoutError:
        raise domain_unreachable(domain) from None


def domain_unreachable(domain: str) -> NoVerdict:
    return NoVerdict(f"verifier_unreachable: the gateway did not say what domain {domain!r} is")


async def _scored(gateway: AsyncRewardClient, sample: RolloutSample, until: float) -> ScoredSample:
    """The result, soon after `until` at the latest: a group that lacks members would be waited for without end."""
    try:
        handle = gateway.submit(sample)
    except BadGroup as error:
        return no_verdict("refused", str(error))
    waiting = asyncio.ensure_future(_awaited(handle))
    try:
        done, _ = await asyncio.wait({waiting}, timeout=max(until - time.monotonic(), 0) + GRACE_S)
    finally:
        waiting.cancel()
    if done:
        return waiting.result()
    return no_verdict("deadline_exceeded", "its siblings did not come in time")


async def _awaited(handle: RewardFuture[ScoredSample]) -> ScoredSample:
    return await handle


def numbers_of(scored: ScoredSample) -> Numbers:
    """What there is of them: without a verdict only those that there are all the same."""
    scores = {f"score/{name}": score for name, score in scored.components.items() if score is not None}
    return scores if scored.reward is None else {"reward": scored.reward, **scores}


# --- groups -----------------------------------------------------------------------------------------------------------


class _Groups:
    """The groups and the domains' last rewards of one gateway, in this process."""

    def __init__(self) -> None:
        self.siblings = SiblingGroups()
        self._recent: dict[str, RecentRewards] = {}

    def recent(self, domain: str) -> RecentRewards:
        return self._recent.setdefault(domain, RecentRewards())


def _sibling_key(sample: RolloutSample, size: int | None) -> bytes | None:
    reference = sample.reference
    return group_key(
        [sample.domain, sample.run, sample.step],
        group_id=sample.group_id,
        prompt=sample.prompt,
        reference=reference if isinstance(reference, Mapping) else {"answer": reference},
        prefix=sample.prefix,
        size=size,
    )


_groups: dict[tuple[int, str], _Groups] = {}


def _groups_of(url: str) -> _Groups:
    # A forked process begins anew: its parent's groups are not its own.
    return _groups.setdefault((os.getpid(), url), _Groups())
