"""What comes back: `ScoredGroup`, a sequence of one `ScoredSample` a completion. None where there is no verdict, and why."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypedDict, overload


class Failure(TypedDict):
    """Why there is no verdict.

    kind: the gateway's `timeout`, `memory_limit`, `worker_crashed`, `verifier_error`, `verifier_unreachable`, `overloaded`,
    `deadline_exceeded`, `bad_reference`, `unsupported`, `cancelled` or
    `budget_exhausted`; `refused` when the gateway does not accept the
    request. component: the component without a score; None when it was no single one. message: one sentence.
    """

    kind: str
    component: str | None
    message: str


@dataclass(frozen=True)
class ScoredSample:
    """The reward of one completion.

    reward: a float, or None where there is no verdict; never an invented number.
    failure: why there is no verdict, e.g. {"kind": "timeout", "component": "answer", "message": "…"}; None with a verdict.
    components: the unweighted score of each component by name, or None.
    version: digest of the domain that scored the completion; None when no gateway did.
    canonical: the answer in its normal form, where the domain compares answers: equal strings are equal answers.
    reasons: one sentence for each component, by name.
    """

    reward: float | None
    failure: Failure | None
    components: dict[str, float | None]
    version: str | None
    canonical: str | None = None
    reasons: dict[str, str] = field(default_factory=dict)

    @property
    def valid(self) -> bool:
        return self.reward is not None


class ScoredGroup(Sequence[ScoredSample]):
    """The scored samples of one group, in the order of its completions. The properties are their fields as columns."""

    __slots__ = ("_samples",)

    def __init__(self, samples: Iterable[ScoredSample]) -> None:
        self._samples = tuple(samples)

    def __len__(self) -> int:
        return len(self._samples)

    @overload
    def __getitem__(self, index: int) -> ScoredSample: ...

    @overload
    def __getitem__(self, index: slice) -> ScoredGroup: ...

    def __getitem__(self, index: int | slice) -> ScoredSample | ScoredGroup:
        return ScoredGroup(self._samples[index]) if isinstance(index, slice) else self._samples[index]

    def __iter__(self) -> Iterator[ScoredSample]:
        return iter(self._samples)

    def __eq__(self, other: object) -> bool:
        return self._samples == other._samples if isinstance(other, ScoredGroup) else NotImplemented

    __hash__ = None  # type: ignore[assignment]  # its samples hold dicts

    def __repr__(self) -> str:
        return f"ScoredGroup({list(self._samples)!r})"

    @property
    def rewards(self) -> list[float | None]:
        return [sample.reward for sample in self._samples]

    @property
    def valid(self) -> list[bool]:
        return [sample.valid for sample in self._samples]

    @property
    def failures(self) -> list[Failure | None]:
        return [sample.failure for sample in self._samples]

    @property
    def canonical(self) -> list[str | None]:
        return [sample.canonical for sample in self._samples]

    @property
    def components(self) -> dict[str, list[float | None]]:
        """By name, the score of each completion; None also where a sample lacks the component."""
        names = dict.fromkeys(name for sample in self._samples for name in sample.components)
        return {name: [sample.components.get(name) for sample in self._samples] for name in names}

    @property
    def reasons(self) -> dict[str, list[str]]:
        """By component, one sentence for each completion; empty where a sample lacks the component."""
        names = dict.fromkeys(name for sample in self._samples for name in sample.reasons)
        return {name: [sample.reasons.get(name, "") for sample in self._samples] for name in names}

    @property
    def version(self) -> str | None:
        """Digest of the domain that scored the group; None when no gateway did. Several, with commas, when the domain
        changed between two samples."""
        return ",".join(dict.fromkeys(sample.version for sample in self._samples if sample.version)) or None


def no_verdict(kind: str, message: str) -> ScoredSample:
    """A sample that the gateway did not score."""
    return ScoredSample(None, Failure(kind=kind, component=None, message=message), {}, None)


def merge_tries(first: ScoredGroup, later: ScoredGroup) -> ScoredGroup:
    """`first`, with samples of `later` where `first` has no verdict: a verdict is never replaced."""
    return ScoredGroup(old if old.valid else new for old, new in zip(first, later, strict=True))
