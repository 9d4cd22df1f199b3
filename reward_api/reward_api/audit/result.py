"""What an audit was asked for, and what it found."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from reward_api.audit.control import Control
from reward_api.audit.findings import AuditVerdict, Finding, Tally
from reward_api.audit.items import Item
from reward_api.audit.scorer import DomainUnderTest
from reward_api.rates import Rate


@dataclass(frozen=True, slots=True)
class Plan:
    budget_s: float
    deep: bool = False
    seed: int = 0


@dataclass
class AuditResult:
    """What an audit found. left_out: rows that were not audited, with the reason. measured: items that were attacked."""

    domain: DomainUnderTest
    plan: Plan
    verdict: AuditVerdict
    why: str
    control: Control
    findings: list[Finding]
    tally: Tally
    calibrated: list[Item]
    items: int
    left_out: list[str]
    prior: tuple[str, Rate]
    """The most frequent reference, and how often it is the right answer: what a constant earns without a hole."""
    scored: int
    seconds: float

    @property
    def measured(self) -> int:
        return len(self.tally.items)

    def figures(self) -> dict[str, float]:
        """What --fail-on compares."""
        severities = Counter(finding.severity for finding in self.findings)
        return {
            "ceiling": self.tally.ceiling().share,
            "lazy": self.tally.lazy()[0],
            "false_fail": self.control.rate.share,
            "unearned": self.tally.unearned_share(),
            "holes": severities["hole"],
            "warnings": severities["warning"],
        }
