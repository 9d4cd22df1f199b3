"""A second opinion on what a verifier did not understand: the judge's verdict in place of its own.

    answer:  0, flag answer_not_read  ──▶ judge: 1 ──▶ 1, both in the evidence
    answer:  0, flag answer_not_read  ──▶ judge: timeout ──▶ null, timeout, both in the evidence
    answer:  null, unsupported        ──▶ judge: refuses ──▶ null, unsupported, both in the evidence

The judge gets the question, the reference and the extracted answer, and nothing else: the cache keeps its verdicts by these.
"""

from __future__ import annotations

from typing import Any

from reward_api.domains.spec import ComponentSpec
from reward_verifiers.contract import ANSWER_NOT_READ, FailureKind, ScoreRequest, Verdict, VerifyRequest, has_flag


def is_undecided(verdict: Verdict) -> bool:
    """Whether a verifier says that it did not understand the answer or the reference, or could not decide."""
    if verdict.failure is not None:
        return verdict.failure.kind is FailureKind.UNSUPPORTED
    return has_flag(verdict, ANSWER_NOT_READ) or verdict.evidence.get("undecided") is True


def question(
    spec: ComponentSpec, request: ScoreRequest, verdicts: list[Verdict], positions: list[int], seconds: float
) -> VerifyRequest:
    """What the judge is asked: the extracted answers, and whole completions where none was extracted."""
    extracted = [verdicts[position].evidence.get("extracted") for position in positions]
    completions = [
        text if isinstance(text, str) else request.completions[position]
        for text, position in zip(extracted, positions, strict=True)
    ]
    return VerifyRequest.model_construct(  # its parts were validated as the ScoreRequest's
        prompt=request.prompt,
        completions=completions,
        reference=request.reference,
        prefix="",
        truncated=None,
        tokens=None,
        options=spec.options,
        deadline_s=seconds,
    )


def settled(verdicts: list[Verdict], positions: list[int], opinions: list[Verdict]) -> list[Verdict]:
    """The verdicts, with the judge's in place of those that it was asked about."""
    settled = [*verdicts]
    for position, opinion in zip(positions, opinions, strict=True):
        settled[position] = _with_opinion(verdicts[position], opinion)
    return settled


def _with_opinion(verdict: Verdict, opinion: Verdict) -> Verdict:
    evidence = {
        **verdict.evidence,
        "undecided": {"verifier": _brief(verdict), "judge": {**_brief(opinion), **opinion.evidence}},
    }
    if opinion.failure is not None and opinion.failure.kind is FailureKind.UNSUPPORTED:
        return verdict.model_copy(update={"evidence": evidence})  # the judge refuses the text, and the model wrote it
    if opinion.failure is not None or opinion.score is None:
        kind = opinion.failure.kind if opinion.failure else FailureKind.VERIFIER_ERROR
        return Verdict.failed(kind, f"{verdict.reason}; the judge gave no verdict: {opinion.reason}", **evidence)
    return Verdict.scored(opinion.score, f"{verdict.reason}; the judge: {opinion.reason}", **evidence)


def _brief(verdict: Verdict) -> dict[str, Any]:
    return {
        "score": verdict.score,
        "failure": verdict.failure.kind.value if verdict.failure else None,
        "reason": verdict.reason,
    }
