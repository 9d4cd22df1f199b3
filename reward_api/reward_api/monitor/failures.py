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
"""So many completions say what is usual."""
SUPPOSED = Rate(1, 50)
"""Before anything is seen."""
KEEP = 100
GROWS = 2


@dataclass(frozen=True, slots=True)
class _Group:
    step: int
    failed: int
    total: int
    shown: Example | None


class Failures:
    """Of groups in which some have a reward. One group is one observation: its completions may fail for one reason."""

    def __init__(self) -> None:
        self._recent: deque[_Group] = deque(maxlen=KEEP)
        self._first = Rate(0, 0)
        self._above_limit, self._above_usual, self._critical = Bets(), Bets(), Bets()

    def add(self, group: GroupRecord, step: int, limits: Limits) -> bool:
        """Whether something failed."""
        if all(sample.reward is None for sample in group.samples):
            return False
        failed = [sample for sample in group.samples if sample.failure in CAUSED]
        total = len(group.samples)
        shown = example(group, failed[0], str(failed[0].failure)) if failed else None
        self._recent.append(_Group(step, len(failed), total, shown))
        share = len(failed) / total
        self._above_limit.add(times(share, limits.unscorable))
        self._above_usual.add(times(share, max(limits.unscorable, GROWS * self._usual)))
        self._critical.add(times(share, limits.unscorable_critical))
        if self._first.total < FIRST:
            self._first = Rate(self._first.hits + len(failed), self._first.total + total)
        return bool(failed)

    @property
    def _usual(self) -> float:
        """As far as the first completions were seen."""
        return Rate(self._first.hits + SUPPOSED.hits, self._first.total + SUPPOSED.total).share

    def judged(self, again: Rate, limit: float) -> Alarm | None:
        """again: how often those that were tried again failed again."""
        recent = [*self._recent]
        if not any(one.failed for one in recent) or self._above_limit.value() < LIKELY:
            return None
        state = State.WATCH
        if self._above_usual.value() >= SURE:
            is_critical = self._critical.value() >= SURE and again.bounds(Z_99)[0] > 0.5
            state = State.HACKING if is_critical else State.SUSPECT
        since = recent[change([Rate(one.failed, one.total) for one in recent]) :]
        rate = Rate(sum(one.failed for one in since), sum(one.total for one in since))
        text = (
            f"the verifier fails on some completions and not on their siblings: {rate.text(Z_99)}, "
            f"at first {self._first.share:.1%}"
        )
        shown = [one.shown for one in since if one.shown is not None]
        odds, shown = self._above_usual.value(), shown[-MOST_EXAMPLES:]
        return Alarm("unscorable", state, True, limit, since[0].step, text, rate, odds, tuple(shown))
