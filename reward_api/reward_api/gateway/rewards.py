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
from dataclasses import dataclass

from reward_api.domains.spec import ComponentSpec, DomainSpec
from reward_verifiers.contract import Component, Failure, GroupStats, SampleResult, Verdict


def combine(
    spec: DomainSpec, verdicts: Mapping[str, Sequence[Verdict]], flags: Sequence[list[str]]
) -> list[SampleResult]:
    """The result of every sample. `verdicts`: component key → one verdict a sample; `flags`: one list a sample."""
    rule = _Rule.of(spec)
    rows = zip(*(verdicts[component.key] for component in spec.components), strict=True)
    return [_result(spec, rule, row, marks) for row, marks in zip(rows, flags, strict=True)]


@dataclass(frozen=True, slots=True)
class _Rule:
    """What of a domain decides the reward, worked out once a group."""

    keys: list[str]
    decisive: list[str]
    weighted: dict[str, ComponentSpec]
    gates: list[str]
    at_least: dict[str, float]

    @classmethod
    def of(cls, spec: DomainSpec) -> _Rule:
        needed = {name for component in spec.components for name in component.requires}
        return cls(
            keys=[component.key for component in spec.components],
            decisive=[one.key for one in spec.components if one.weight or one.gate or one.key in needed],
            weighted={component.key: component for component in spec.components if component.weight},
            gates=[component.key for component in spec.components if component.gate],
            at_least={component.key: component.at_least for component in spec.components},
        )

    def holds(self, name: str, scores: Mapping[str, float | None]) -> bool:
        """Whether the component reached its `at_least`."""
        score = scores[name]
        return score is not None and score >= self.at_least[name]

    def contributions(self, scores: Mapping[str, float | None]) -> dict[str, float]:
        shares = {}
        for key, component in self.weighted.items():
            counts = not component.requires or all(self.holds(name, scores) for name in component.requires)
            shares[key] = component.weight * (scores[key] or 0.0) if counts else 0.0
        if self.gates and not all(self.holds(key, scores) for key in self.gates):
            shares = {key: min(0.0, share) for key, share in shares.items()}
        return shares


def _result(spec: DomainSpec, rule: _Rule, verdicts: Sequence[Verdict], flags: list[str]) -> SampleResult:
    components = {}
    for component, key, verdict in zip(spec.components, rule.keys, verdicts, strict=True):
        components[key] = _explained(component, key, verdict)
    for key in rule.decisive:
        if not components[key].valid:
            return SampleResult(
                reward=None, valid=False, failure=components[key].failure, components=components, flags=flags
            )
    reward = _reward(spec, rule, {key: component.score for key, component in components.items()})
    return SampleResult(reward=reward, valid=True, components=components, flags=flags)


def group_stats(results: Sequence[SampleResult]) -> GroupStats:
    """Mean and population standard deviation of the valid rewards."""
    return stats_of([result.reward for result in results if result.reward is not None])


def stats_of(rewards: Sequence[float]) -> GroupStats:
    """Mean and population standard deviation of rewards."""
    if not rewards:
        return GroupStats(valid=0, mean=None, std=None, zero_variance=False)
    mean, is_constant = statistics.fmean(rewards), min(rewards) == max(rewards)
    # statistics.pstdev computes in fractions, which costs more than all the rest of a small group.
    std = 0.0 if is_constant else math.sqrt(statistics.fmean((reward - mean) ** 2 for reward in rewards))
    return GroupStats(valid=len(rewards), mean=mean, std=std, zero_variance=is_constant)


def _explained(spec: ComponentSpec, key: str, verdict: Verdict) -> Component:
    failure = verdict.failure and Failure(kind=verdict.failure.kind, component=key, message=verdict.failure.message)
    return Component(
        score=verdict.score,
        weight=spec.weight,
        valid=verdict.valid,
        failure=failure,
        reason=verdict.reason,
        evidence=verdict.evidence,
    )


def shares(spec: DomainSpec, scores: Mapping[str, float | None]) -> dict[str, float]:
    """What each component with a weight contributes, before sum or product and clip. `scores`: component key → score."""
    return _Rule.of(spec).contributions(scores)


def reward_of(spec: DomainSpec, scores: Mapping[str, float | None]) -> float:
    """The reward of a sample with these scores. `scores`: component key → score."""
    return _reward(spec, _Rule.of(spec), scores)


def _reward(spec: DomainSpec, rule: _Rule, scores: Mapping[str, float | None]) -> float:
    contributions = rule.contributions(scores).values()
    reward = math.prod(contributions) if spec.combine == "product" else math.fsum(contributions)
    return clipped(spec, reward)


def span(spec: DomainSpec) -> tuple[float, float]:
    """About the lowest and the highest reward, where each score is between 0 and 1."""
    weights = [component.weight for component in spec.components]
    return sum(weight for weight in weights if weight < 0), sum(weight for weight in weights if weight > 0)


def clipped(spec: DomainSpec, reward: float) -> float:
    low, high = spec.clip
    if low is not None:
        reward = max(low, reward)
    if high is not None:
        reward = min(high, reward)
    return reward
