"""Completions whose verifier fails on them alone: that ends a punishment."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from reward_api.monitor.alarms import MOST_EXAMPLES, Alarm, Example, State, example
from reward_api.monitor.observation import GroupRecord
from reward_api.monitor.sequential import LIKELY, SURE, Bets, change, times
from reward_api.monitor.spec import Limits
from reward_api.rates import Z_99, Rate

CAUSED = frozenset({"unsupported", "timeout", "memory_limit", "worker_crashed", "verifier_error"})
"""Kinds of failure that a completion can cause by itself."""
FIRST = 200
"""So many completions say at once what is usual. Later ones do when they are KEEP groups old, and KEEP groups after an
accusation, so that what grows does not become usual."""
SUPPOSED = Rate(2, 100)
"""Before anything is seen."""
KEEP = 100
GROWS = 2
LEAST = 0.5
"""Of the limit: growth below it accuses nobody."""


@dataclass(frozen=True, slots=True)
class _Group:
    step: int
    failed: int
    total: int
    is_usual: bool
    shown: Example | None


class Failures:
    """Of groups in which some have a reward. One group is one observation: its completions may fail for one reason."""

    def __init__(self) -> None:
        self._recent: deque[_Group] = deque()
        self._usual = SUPPOSED
        self._calm = KEEP
        self._above_limit, self._grown, self._critical = Bets(), Bets(), Bets()

    def add(self, group: GroupRecord, step: int, limits: Limits) -> bool:
        """Whether something failed."""
        if all(sample.reward is None for sample in group.samples):
            return False
        failed = [sample for sample in group.samples if sample.failure in CAUSED]
        share = len(failed) / len(group.samples)
        self._above_limit.add(times(share, limits.unscorable))
        self._grown.add(times(share, max(LEAST * limits.unscorable, GROWS * self._usual.share)))
        self._critical.add(times(share, limits.unscorable_critical))
        self._calm = 0 if self._grown.value() >= SURE else self._calm + 1
        is_first = self._usual.total - SUPPOSED.total < FIRST
        shown = example(group, failed[0], str(failed[0].failure)) if failed else None
        self._remember(_Group(step, len(failed), len(group.samples), is_first, shown))
        return bool(failed)

    def _remember(self, one: _Group) -> None:
        self._recent.append(one)
        if one.is_usual:
            self._learn(one)
        if len(self._recent) > KEEP:
            oldest = self._recent.popleft()
            if not oldest.is_usual and self._calm >= KEEP:
                self._learn(oldest)

    def _learn(self, one: _Group) -> None:
        self._usual = Rate(self._usual.hits + one.failed, self._usual.total + one.total)

    def judged(self, again: Rate, limit: float) -> Alarm | None:
        """again: how often those that were tried again failed again."""
        recent = [*self._recent]
        grown = self._grown.value()
        if not any(one.failed for one in recent) or max(grown, self._above_limit.value()) < LIKELY:
            return None
        state = State.WATCH
        if grown >= SURE:
            is_critical = self._critical.value() >= SURE and again.bounds(Z_99)[0] > 0.5
            state = State.HACKING if is_critical else State.SUSPECT
        since = recent[change([Rate(one.failed, one.total) for one in recent]) :]
        rate = Rate(sum(one.failed for one in since), sum(one.total for one in since))
        text = (
            f"the verifier fails on some completions and not on their siblings: {rate.text(Z_99)}, "
            f"usual are {self._usual.share:.1%}"
        )
        shown = [one.shown for one in since if one.shown is not None]
        return Alarm("unscorable", state, True, limit, since[0].step, text, rate, grown, tuple(shown[-MOST_EXAMPLES:]))
