"""The result as plain data: the JSON report, from which the other forms are made."""

from __future__ import annotations

from typing import Any

from reward_api.audit.attempts import FAMILIES
from reward_api.audit.findings import KEPT, Finding, Paid
from reward_api.audit.result import AuditResult
from reward_api.audit.scorer import DomainUnderTest, curl_of, request_of
from reward_api.audit.values import has_second
from reward_api.rates import Rate

SCHEMA = "touchstone-audit/1"
CONTROLS = 5
SHOWN = 2000


def document_of(result: AuditResult, base: str) -> dict[str, Any]:
    """base: the gateway's URL, for the commands that send a completion again."""
    tally, (prior, prior_rate) = result.tally, result.prior
    lazy, policy = tally.lazy()
    ceiling = tally.ceiling()
    return {
        "schema": SCHEMA,
        "domain": result.domain.name,
        "version": result.domain.version,
        "verdict": result.verdict.value,
        "why": result.why,
        "numbers": {
            "ceiling": ceiling.document(),
            "lazy": {"share": lazy, "policy": policy},
            "false_fail": result.control.rate.document(),
            "unearned": {"share": tally.unearned_share()},
        },
        "prior": {"answer": prior[:SHOWN], **prior_rate.document()},
        "deciding": sorted(result.domain.deciding),
        "frames": [frame.name for frame in result.control.frames],
        "items": result.items,
        "measured": result.measured,
        "left_out": result.left_out,
        "attempts": tally.attempts,
        "completions": result.scored,
        "seconds": round(result.seconds, 1),
        "seed": result.plan.seed,
        "deep": result.plan.deep,
        "second_library": "math-verify" if has_second() else None,
        "families": _families(result),
        "findings": [_finding(one, result.domain, base) for one in result.findings],
        "refused": [
            {"line": item.number, "what": what, "completion": outcome.text[:SHOWN], "reason": outcome.why()[:SHOWN]}
            for item, what, outcome in result.control.refused[: 4 * KEPT]
        ],
        "controls": [
            request_of(item, [result.control.rights[item.number].text]) for item in result.calibrated[:CONTROLS]
        ],
    }


def _families(result: AuditResult) -> dict[str, dict[str, Any]]:
    """What was tried, also where nothing was paid."""
    paid = {finding.family: finding.rate.hits for finding in result.findings}
    return {
        family: Rate(min(paid.get(family, 0), len(tried)), len(tried)).document()
        for family, tried in sorted(result.tally.tried.items())
    }


def _finding(finding: Finding, domain: DomainUnderTest, base: str) -> dict[str, Any]:
    shortest = finding.shortest
    request = request_of(shortest.item, [shortest.outcome.text], shortest.attempt.reference)
    return {
        "family": finding.family,
        "severity": finding.severity,
        "title": finding.title,
        "note": finding.note,
        "rate": finding.rate.document(),
        "reach": finding.reach.document(),
        "attempt": shortest.attempt.name,
        "proof": shortest.attempt.proof,
        "line": shortest.item.number,
        "right": shortest.item.right[:SHOWN],
        "completion": shortest.outcome.text[:SHOWN],
        "reward": shortest.outcome.reward,
        "components": {
            name: {key: part[key] for key in ("score", "weight", "reason", "evidence")}
            for name, part in shortest.outcome.result["components"].items()
        },
        "advice": FAMILIES[finding.family].advice.replace("{deciding}", next(iter(domain.deciding))),
        "curl": curl_of(base, domain.name, request),
        "replay": [_replay(one) for one in _spread(finding.paid)],
    }


def _spread(paid: list[Paid]) -> list[Paid]:
    """The shortest, and others of other items where there are any."""
    first = {one.item.number: one for one in reversed(paid)}
    chosen = sorted(first.values(), key=lambda one: len(one.outcome.text))
    return chosen[:KEPT]


def _replay(paid: Paid) -> dict[str, Any]:
    attempt = paid.attempt
    request = request_of(paid.item, [paid.outcome.text], attempt.reference)
    return {"attempt": attempt.name, "proof": attempt.proof, "partial": attempt.partial, "request": request}
