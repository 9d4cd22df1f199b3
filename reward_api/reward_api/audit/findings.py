"""What an audit finds, and its three headline numbers.

    ceiling      share of items on which a wrong completion is paid like the right one
    lazy         the most that one task-blind policy earns on average, as a share of a right completion's reward
    false_fail   share of right completions that are refused

Beside them `unearned`: the best reward without a right answer, as a share of a right completion's.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from operator import ge, gt, le, lt
from statistics import fmean
from typing import Any

from reward_api.audit.attempts import FAMILIES, Attempt
from reward_api.audit.items import Item
from reward_api.audit.scorer import Outcome, Right
from reward_api.rates import Rate

KEPT = 5
"""Completions of a finding that are kept to be sent again."""
WARN_UNEARNED, MUCH_UNEARNED = 0.2, 0.5


class AuditVerdict(StrEnum):
    UNCALIBRATED = "UNCALIBRATED"
    HOLES = "HOLES"
    NONE = "NO HOLE FOUND"


@dataclass(frozen=True, slots=True)
class Paid:
    """A wrong completion that is paid."""

    item: Item
    attempt: Attempt
    outcome: Outcome


@dataclass
class Finding:
    """One family. rate: of its attempts, those that are paid. reach: of the items, those on which one is."""

    family: str
    severity: str
    rate: Rate
    reach: Rate
    paid: list[Paid]
    note: str = ""

    @property
    def shortest(self) -> Paid:
        return self.paid[0]

    @property
    def title(self) -> str:
        return FAMILIES[self.family].title


@dataclass
class Tally:
    """All that was scored. policies: (name of a task-blind policy → shares of a right completion's reward)."""

    tried: dict[str, set[tuple[int, str, str]]] = field(default_factory=lambda: defaultdict(set))
    paid: dict[str, list[Paid]] = field(default_factory=lambda: defaultdict(list))
    items: set[int] = field(default_factory=set)
    policies: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    unearned: dict[int, tuple[float, Paid]] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)

    def add(self, item: Item, attempt: Attempt, outcome: Outcome, right: Right, *, is_paid: bool) -> None:
        self.items.add(item.number)
        self.tried[attempt.family].add((item.number, attempt.name, attempt.text))
        if is_paid:
            self.accuse(item, attempt, outcome)
        if outcome.reward is None or right.reward <= 0:
            return
        share = outcome.reward / right.reward
        if attempt.blind:
            self.policies[f"{attempt.family}: {attempt.name}"].append(share)
        is_nothing = (outcome.correctness or 0.0) <= 1e-6 * right.correctness
        if is_nothing and attempt.reference is None and share > self.unearned.get(item.number, (0.0,))[0]:
            self.unearned[item.number] = (share, Paid(item, attempt, outcome))

    def accuse(self, item: Item, attempt: Attempt, outcome: Outcome, note: str = "") -> None:
        self.tried[attempt.family].add((item.number, attempt.name, attempt.text))
        self.paid[attempt.family].append(Paid(item, attempt, outcome))
        if note:
            self.notes.setdefault(attempt.family, note)

    def findings(self) -> list[Finding]:
        """The widest first. The shortest completion of each stands first in it."""
        listed = [self._finding(family) for family in self.paid]
        if (unearned := self._unearned()) is not None:
            listed.append(unearned)
        return sorted(listed, key=lambda one: (_ORDER[one.severity], -one.reach.share, -one.rate.share, one.family))

    def _finding(self, family: str) -> Finding:
        paid = sorted(self.paid[family], key=lambda one: (len(one.outcome.text), one.item.number))
        reached = {one.item.number for one in paid}
        unique = {(one.item.number, one.attempt.name, one.attempt.text) for one in paid}
        rate = Rate(len(unique), max(len(self.tried[family]), len(unique)))
        reach = Rate(len(reached), max(len(self.items), len(reached)))
        return Finding(family, FAMILIES[family].severity, rate, reach, paid, self.notes.get(family, ""))

    def _unearned(self) -> Finding | None:
        if not self.unearned or (share := self.unearned_share()) <= WARN_UNEARNED:
            return None
        paid = sorted((one for _, one in self.unearned.values()), key=lambda one: len(one.outcome.text))
        rate = Rate(len(paid), len(self.items))
        much = " (more than half)" if share > MUCH_UNEARNED else ""
        note = f"{share:.0%} of a right completion's reward{much}, from {parts_of(paid[0].outcome)}"
        return Finding("unearned", "warning", rate, rate, paid, note)

    def unearned_share(self) -> float:
        return fmean(share for share, _ in self.unearned.values()) if self.unearned else 0.0

    def lazy(self) -> tuple[float, str]:
        """(share, the policy), of those that were tried on most items."""
        least = 0.5 * len(self.items)
        means = {name: fmean(shares) for name, shares in self.policies.items() if len(shares) >= least}
        best = max(means, key=lambda name: means[name], default="")
        return (max(means[best], 0.0), best) if best else (0.0, "")

    def ceiling(self) -> Rate:
        reached = {
            one.item.number
            for family, paid in self.paid.items()
            for one in paid
            if FAMILIES[family].severity == "hole" and family not in NOT_PAY
        }
        return Rate(len(reached), max(len(self.items), len(reached)))

    @property
    def attempts(self) -> int:
        return sum(len(tried) for family, tried in self.tried.items() if family not in NOT_PAY)


_ORDER = {"hole": 0, "warning": 1, "note": 2}
NOT_PAY = frozenset({"null", "poison", "unstable", "spelling"})
"""Families that are faults, and pay for nothing wrong."""


def parts_of(outcome: Outcome) -> str:
    """The components that add to the reward."""
    parts = outcome.result["components"].items()
    return ", ".join(name for name, part in parts if (part["score"] or 0) * part["weight"] > 0) or "no component"


_FAIL_ON = re.compile(r"(ceiling|lazy|false_fail|unearned|holes|warnings)\s?(>=|<=|>|<)\s?([0-9.]{1,12})")
_COMPARE: dict[str, Callable[[float, float], bool]] = {">": gt, ">=": ge, "<": lt, "<=": le}


class BadExpression(ValueError):
    """It is no expression over the figures of an audit."""


def fails(expression: str) -> Callable[[dict[str, float]], bool]:
    """Of `ceiling>0.1`. Raises BadExpression."""
    match = _FAIL_ON.fullmatch(expression.strip())
    try:
        limit = float(match[3]) if match else None
    except ValueError:
        limit = None
    if match is None or limit is None:
        raise BadExpression(
            f"--fail-on {expression}: write ceiling>0.1; ceiling, lazy, false_fail, unearned, holes or warnings"
        )
    name, compare, bound = match[1], _COMPARE[match[2]], limit
    return lambda figures: compare(figures[name], bound)


def document_of(value: Any) -> Any:
    """For JSON."""
    return value.document() if isinstance(value, Rate) else value
