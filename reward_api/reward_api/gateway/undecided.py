"""What one component cannot decide, another is asked: `undecided: judge` on `answer`.

The other component is asked about those samples alone. Its score then stands for the one that was missing, and the evidence
of both goes along.
"""

from __future__ import annotations

from collections.abc import Sequence

from reward_verifiers.contract import FailureKind, ScoreRequest, Verdict

_CUT_AT = 500
"""Characters at which verifiers cut texts in evidence: a longer answer is sent in its completion."""
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


def request_of(request: ScoreRequest, places: Sequence[int], columns: Sequence[Sequence[Verdict]]) -> ScoreRequest:
    """The request of these samples alone, as a group of its own.

    An answer that was extracted stands for its completion: equal answers are then one question to the judge.
    """
    update = {
        name: [values[place] for place in places]
        for name in ("completions", "truncated", "tokens")
        if (values := getattr(request, name)) is not None
    }
    update["completions"] = [
        _extracted(columns, place) or completion
        for place, completion in zip(places, update["completions"], strict=True)
    ]
    return request.model_copy(update={**update, "prefix": "", "indices": None, "group_size": None})


def _extracted(columns: Sequence[Sequence[Verdict]], place: int) -> str | None:
    """The answer in the completion at this place, where a component that could not decide took it out."""
    texts = (column[place].evidence.get("extracted") for column in columns if is_undecided(column[place]))
    return next((text for text in texts if isinstance(text, str) and 0 < len(text) < _CUT_AT), None)


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
