"""`--verify-fix`: sends the paid completions of an earlier report again, and the right ones beside them.

A domain that pays nothing any more, and no right completion either, is broken and not mended.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import httpx

from reward_api.audit.items import Item
from reward_api.audit.report.document import SCHEMA
from reward_api.audit.scorer import CannotAudit, DomainUnderTest, Right, Scorer


@dataclass
class FixCheck:
    """By family: how many of its completions are still paid, of how many."""

    families: dict[str, tuple[int, int]] = field(default_factory=dict)
    controls_paid: int = 0
    controls: int = 0

    @property
    def is_mended(self) -> bool:
        return self.controls_paid == self.controls and not any(paid for paid, _ in self.families.values())


async def verify_fix(
    client: httpx.AsyncClient, domain: DomainUnderTest, report: dict[str, Any], deadline: float
) -> FixCheck:
    """Raises CannotAudit for a file that is no report of this domain."""
    if report.get("schema") != SCHEMA or report.get("domain") != domain.name:
        raise CannotAudit(f"it is no report of an audit of {domain.name}")
    scorer, check = Scorer(client, domain, deadline), FixCheck()
    paid = 0.0
    for request in report["controls"]:
        outcome = (await scorer.score(_item(request), request["completions"]))[0]
        check.controls += 1
        check.controls_paid += (outcome.correctness or 0.0) > 0
        paid = max(paid, outcome.correctness or 0.0)
    right = Right("", paid or 1.0, paid or 1.0)
    is_signed = any(low < 0 for _, low in domain.deciding.values())
    for finding in report["findings"]:
        if finding["severity"] != "hole":
            continue
        still = 0
        for replay in finding["replay"]:
            request = replay["request"]
            outcome = (await scorer.score(_item(request), request["completions"]))[0]
            is_fault = finding["family"] in ("null", "poison") and outcome.correctness is None
            still += is_fault or right.is_paid(outcome, partial=replay["partial"], is_signed=is_signed)
        check.families[finding["family"]] = (still, len(finding["replay"]))
    return check


def _item(request: dict[str, Any]) -> Item:
    fields = {name: value for name, value in request.items() if name != "completions"}
    return Item(0, request.get("prompt"), request.get("reference", {}), "answer", "", fields=fields)
