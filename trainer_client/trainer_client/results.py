"""What comes back: `ScoredGroup`, and `ScoredSample` for one completion. None where there is no verdict, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypedDict


class Failure(TypedDict):
    """Why there is no verdict.

    kind: `timeout`, `memory_limit`, `worker_crashed`, `verifier_error`, `verifier_unreachable`, `overloaded`,
    `deadline_exceeded`, `bad_reference`, `unsupported` or `cancelled`, as the gateway says; `refused` when it does not take
    the request. component: the one that could not give its score; None when it was none of them.
    """

    kind: str
    component: str | None
    message: str


@dataclass(frozen=True)
class ScoredSample:
    """The reward of one completion; the fields are those of ScoredGroup, for one."""

    reward: float | None
    failure: Failure | None
    components: dict[str, float | None]
    version: str | None
    canonical: str | None = None
    reasons: dict[str, str] = field(default_factory=dict)

    @property
    def valid(self) -> bool:
        return self.reward is not None


@dataclass(frozen=True)
class ScoredGroup:
    """The rewards of one group, in the order of its completions.

    rewards: a float, or None where there is no verdict; never a made-up number.
    failures: why there is none, e.g. {"kind": "timeout", "component": "answer", "message": "…"}; None where there is one.
    components: by name, each completion's score, not weighted, or None.
    version: digest of the domain that scored it; None when no gateway did, several with commas when the domain was changed
        while the group's samples came in.
    canonical: each completion's answer in its normal form, where the domain compares answers: equal strings, equal answers.
    reasons: by name of the component, one sentence a completion.
    """

    rewards: list[float | None]
    failures: list[Failure | None]
    components: dict[str, list[float | None]]
    version: str | None
    canonical: list[str | None] = field(default_factory=list)
    reasons: dict[str, list[str]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.rewards)

    @property
    def valid(self) -> list[bool]:
        return [reward is not None for reward in self.rewards]

    def sample(self, index: int) -> ScoredSample:
        """One completion's share."""
        return ScoredSample(
            reward=self.rewards[index],
            failure=self.failures[index],
            components={name: scores[index] for name, scores in self.components.items()},
            version=self.version,
            canonical=self.canonical[index] if self.canonical else None,
            reasons={name: said[index] for name, said in self.reasons.items()},
        )


def gathered(samples: Sequence[ScoredSample]) -> ScoredGroup:
    """The group of these samples, in their order. A component that one of them lacks is None there."""
    names = list(dict.fromkeys(name for sample in samples for name in sample.components))
    versions = dict.fromkeys(sample.version for sample in samples if sample.version is not None)
    return ScoredGroup(
        rewards=[sample.reward for sample in samples],
        failures=[sample.failure for sample in samples],
        components={name: [sample.components.get(name) for sample in samples] for name in names},
        version=",".join(versions) or None,
        canonical=[sample.canonical for sample in samples],
        reasons={name: [sample.reasons.get(name, "") for sample in samples] for name in names},
    )


def without_verdict(count: int, kind: str, message: str) -> ScoredGroup:
    """A group that the gateway did not score."""
    failure = Failure(kind=kind, component=None, message=message)
    return ScoredGroup([None] * count, [failure] * count, {}, None, [None] * count)


def mended(first: ScoredGroup, again: ScoredGroup) -> ScoredGroup:
    """`first`, with what `again` knows where the first had no verdict: a verdict once given is not replaced."""
    pairs = [(first.sample(index), again.sample(index)) for index in range(len(first))]
    return gathered([old if old.valid else new for old, new in pairs])
