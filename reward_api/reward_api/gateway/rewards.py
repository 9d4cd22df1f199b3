"""From component verdicts to one reward a sample: weights, gates, requirements, sum or product, clip. Numbers only.

    contribution_i = weight_i * score_i              0 where a component that it `requires` is below its `at_least`
    reward         = sum or product of contributions, clipped
    a closed gate    leaves only penalties: each contribution becomes min(0, contribution)

A component that counts and has no verdict leaves no reward: `null`, with its failure.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence

from reward_api.domains.spec import ComponentSpec, DomainSpec
from reward_verifiers.contract import Component, Failure, GroupStats, SampleResult, Verdict


def combine(
    spec: DomainSpec, verdicts: Mapping[str, Sequence[Verdict]], flags: Sequence[list[str]]
) -> list[SampleResult]:
    """The result of every sample. `verdicts`: component key → one verdict a sample; `flags`: one list a sample."""
    decisive = _decisive(spec)
    return [
        _result(spec, decisive, {key: rows[position] for key, rows in verdicts.items()}, marks)
        for position, marks in enumerate(flags)
    ]


def _result(
    spec: DomainSpec, decisive: Sequence[str], verdicts: Mapping[str, Verdict], flags: list[str]
) -> SampleResult:
    components = {component.key: _shown(component, verdicts[component.key]) for component in spec.components}
    failure = next((components[key].failure for key in decisive if not components[key].valid), None)
    if failure is not None:
        return SampleResult(reward=None, valid=False, failure=failure, components=components, flags=flags)
    reward = _reward(spec, {key: component.score for key, component in components.items()})
    return SampleResult(reward=reward, valid=True, components=components, flags=flags)


def group_stats(results: Sequence[SampleResult]) -> GroupStats:
    """Mean and population standard deviation of the valid rewards."""
    rewards = [result.reward for result in results if result.reward is not None]
    if not rewards:
        return GroupStats(valid=0, mean=None, std=None, zero_variance=False)
    mean, is_constant = statistics.fmean(rewards), min(rewards) == max(rewards)
    # statistics.pstdev computes in fractions, which costs more than all the rest of a small group.
    std = 0.0 if is_constant else math.sqrt(statistics.fmean((reward - mean) ** 2 for reward in rewards))
    return GroupStats(valid=len(rewards), mean=mean, std=std, zero_variance=is_constant)


def _shown(spec: ComponentSpec, verdict: Verdict) -> Component:
    failure = verdict.failure and Failure(
        kind=verdict.failure.kind, component=spec.key, message=verdict.failure.message
    )
    return Component(
        score=verdict.score,
        weight=spec.weight,
        valid=verdict.valid,
        failure=failure,
        reason=verdict.reason,
        evidence=verdict.evidence,
    )


def _decisive(spec: DomainSpec) -> list[str]:
    """The components without whose verdict there is no reward."""
    needed = {name for component in spec.components for name in component.requires}
    return [
        component.key for component in spec.components if component.weight or component.gate or component.key in needed
    ]


def shares(spec: DomainSpec, scores: Mapping[str, float | None]) -> dict[str, float]:
    """What each component with a weight contributes, before sum or product and clip. `scores`: component key → score."""
    held = {
        component.key: (score := scores[component.key]) is not None and score >= component.at_least
        for component in spec.components
    }
    contributions = {
        component.key: component.weight * (scores[component.key] or 0.0)
        if all(held[name] for name in component.requires)
        else 0.0
        for component in spec.components
        if component.weight
    }
    if not all(held[component.key] for component in spec.components if component.gate):
        contributions = {key: min(0.0, contribution) for key, contribution in contributions.items()}
    return contributions


def _reward(spec: DomainSpec, scores: Mapping[str, float | None]) -> float:
    contributions = shares(spec, scores).values()
    reward = math.prod(contributions) if spec.combine == "product" else math.fsum(contributions)
    return clipped(spec, reward)


def clipped(spec: DomainSpec, reward: float) -> float:
    low, high = spec.clip
    if low is not None:
        reward = max(low, reward)
    if high is not None:
        reward = min(high, reward)
    return reward
