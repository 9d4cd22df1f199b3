"""What one component cannot decide, another is asked: `undecided: judge` on `answer`.

The other component is asked about those samples alone. Its score then stands for the one that was missing, and the evidence
of both goes along.
"""

from __future__ import annotations

from collections.abc import Sequence

from reward_verifiers.contract import FailureKind, ScoreRequest, Verdict

_PASSED_ON = frozenset({FailureKind.UNSUPPORTED, FailureKind.TIMEOUT, FailureKind.MEMORY_LIMIT})
NOT_ASKED = Verdict.failed(FailureKind.CANCELLED, "not asked: the component before it decided")


def is_undecided(verdict: Verdict) -> bool:
    """Whether the verifier says that it could not decide, or could not judge this sample within its limits."""
    if verdict.failure is not None:
        return verdict.failure.kind in _PASSED_ON
    return verdict.evidence.get("undecided") is True


def undecided_places(columns: Sequence[Sequence[Verdict]]) -> list[int]:
    """Places of the samples that one of these components could not decide."""
    return [place for place, row in enumerate(zip(*columns, strict=True)) if any(map(is_undecided, row))]


def request_of(request: ScoreRequest, places: Sequence[int]) -> ScoreRequest:
    """The request of these samples alone, as a group of its own."""
    update = {
        name: [values[place] for place in places]
        for name in ("completions", "truncated", "tokens")
        if (values := getattr(request, name)) is not None
    }
    return request.model_copy(update={**update, "indices": None, "group_size": None})


def spread(verdicts: Sequence[Verdict], places: Sequence[int], count: int) -> list[Verdict]:
    """The verdicts in their places among all samples."""
    column = [NOT_ASKED] * count
    for place, verdict in zip(places, verdicts, strict=True):
        column[place] = verdict
    return column


def settled(verdict: Verdict, other: Verdict) -> Verdict:
    """The verdict that counts: the other's where this one is undecided. Without a verdict of the other there is none."""
    if not is_undecided(verdict):
        return verdict
    evidence = {**verdict.evidence, "undecided": other.score is None, "before": verdict.reason, "judge": other.evidence}
    if other.score is None:
        kind = other.failure.kind if other.failure else FailureKind.VERIFIER_ERROR
        return Verdict.failed(kind, f"undecided, and not judged: {other.reason}", **evidence)
    return Verdict.scored(other.score, f"judged where it was undecided: {other.reason}", **evidence)
