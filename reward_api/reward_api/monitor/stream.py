"""One run of one domain: records come in, alarms and a state come out. No clock and no randomness, so that a replay agrees.

Everything it keeps is bounded: blocks of a few hundred completions, a few hundred outcomes of each check, prompts by LRU.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass
from typing import Any

from cachetools import LRUCache

from reward_api.monitor.alarms import MOST_EXAMPLES, Alarm, Example, State, example, example_of_check
from reward_api.monitor.evidence import Outcome, Rule, Trail, judged
from reward_api.monitor.observation import Check, CheckRecord, GroupRecord, Record
from reward_api.monitor.shape import Block, Signal, Usual, binomial_tail, signals, trend
from reward_api.monitor.spec import Limits
from reward_api.rates import Z_99, Rate

BLOCK = 200
"""Completions at least."""
USUAL_BLOCKS = 2
CALM = 4
PERSISTS = 6
FEW_CLEAN = 50
"""So many re-grades with few hits hold back what only points."""
KEEP_BLOCKS = 60
PROMPTS = 4096
CAUSED = frozenset({"unsupported", "timeout", "memory_limit", "worker_crashed", "verifier_error"})
"""Kinds of failure that a completion can cause by itself."""
NULL_WINDOW = 400
GROWS = 2
JUMP, JUMPED_PROMPTS, JUMP_GROUPS = 1e-4, 4, 64
EMA = 0.5
LEAST_SHARE = 0.02


@dataclass(slots=True)
class _Streak:
    """A signal in blocks one after another. seen: how many blocks; onset: where the first one began."""

    signal: Signal
    seen: int
    onset: int


@dataclass(frozen=True, slots=True)
class Change:
    """The state became another one, for these alarms."""

    step: int | None
    before: State
    after: State
    alarms: tuple[Alarm, ...]


class Stream:
    """`observe` each record, in order; `state` and `alarms` are as of the last one."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.state = State.OK
        self.alarms: dict[str, Alarm] = {}
        self.step: int | None = None
        self.completions = self.paid = self.groups = 0
        self.zero_variance = Counter[str]()
        self.changes: deque[Change] = deque(maxlen=50)
        self._block = Block()
        self._blocks = 0
        self._size = 0
        self._first: list[Block] = []
        self._usual: Usual | None = None
        self._rewards: deque[float] = deque(maxlen=KEEP_BLOCKS)
        self._accuracies: deque[float] = deque(maxlen=KEEP_BLOCKS)
        self._streaks: dict[str, _Streak] = {}
        self._trails = {check: Trail() for check in Check}
        self._raised: dict[str, int] = {}
        self._caused = 0
        """Failures that completions may have caused, so far."""
        self._nulls: deque[tuple[int, Example | None]] = deque(maxlen=2 * NULL_WINDOW)
        self._null_count = Rate(0, 0)
        self._prompts: LRUCache[int, tuple[float, int]] = LRUCache(PROMPTS)
        self._jumps: deque[tuple[int, Example] | None] = deque(maxlen=JUMP_GROUPS)

    def observe(self, record: Record) -> None:
        if record.step is not None:
            self.step = record.step
        if isinstance(record, GroupRecord):
            self._group(record)
        else:
            self._check(record)
        self._settle()

    @property
    def place(self) -> int:
        """The step, or the number of the block where no steps are sent."""
        return self.step if self.step is not None else self._blocks

    def checks(self) -> dict[str, Rate]:
        """Of all re-grades of the run."""
        return {check.value: Rate(trail.hits, trail.total) for check, trail in self._trails.items() if trail.total}

    def document(self) -> dict[str, Any]:
        return {
            "state": self.state.name,
            "step": self.step,
            "groups": self.groups,
            "completions": self.completions,
            "paid": self.paid,
            "zero_variance": dict(self.zero_variance),
            "checks": {name: {"hits": rate.hits, "total": rate.total} for name, rate in self.checks().items()},
            "alarms": [alarm.document() for alarm in self.alarms.values()],
            "changes": [
                {
                    "step": one.step,
                    "from": one.before.name,
                    "to": one.after.name,
                    "alarms": [a.name for a in one.alarms],
                }
                for one in self.changes
            ],
        }

    # --- records ------------------------------------------------------------------------------------------------------

    def _check(self, check: CheckRecord) -> None:
        shown = example_of_check(check) if check.is_hit else None
        self._trails[check.check].add(Outcome(check.is_hit, self.place, shown, check.prompt))

    def _group(self, group: GroupRecord) -> None:
        self.groups += 1
        self.completions += len(group.samples)
        paid = sum(sample.paid is True for sample in group.samples)
        self.paid += paid
        self._count_variance(group)
        self._count_nulls(group)
        self._look_for_jump(group, paid)
        self._block.groups.append(group)
        self._size += len(group.samples)
        if self._size >= BLOCK:
            self._close()

    def _count_variance(self, group: GroupRecord) -> None:
        rewards = {sample.reward for sample in group.samples if sample.reward is not None}
        if len(group.samples) > 1 and len(rewards) == 1:
            self.zero_variance["all_paid" if group.samples[0].paid else "all_unpaid"] += 1

    def _count_nulls(self, group: GroupRecord) -> None:
        """A group in which some have a reward, and others a failure that they may have caused."""
        if not any(sample.reward is not None for sample in group.samples):
            return
        for sample in group.samples:
            is_caused = sample.failure in CAUSED
            self._nulls.append((self.place, example(group, sample, str(sample.failure)) if is_caused else None))
            self._caused += is_caused
            if not self._is_baseline_done:
                self._null_count = Rate(self._null_count.hits + is_caused, self._null_count.total + 1)

    @property
    def _is_baseline_done(self) -> bool:
        return self._null_count.total >= NULL_WINDOW

    def _look_for_jump(self, group: GroupRecord, paid: int) -> None:
        """Whether a known prompt is paid far more often than before."""
        known = self._prompts.get(group.prompt)
        count = len(group.samples)
        share = paid / count if count else 0.0
        if known is None:
            self._prompts[group.prompt] = (share, 1)
            return
        before, seen = known
        self._prompts[group.prompt] = (before + EMA * (share - before), seen + 1)
        is_jump = binomial_tail(paid, count, max(before, LEAST_SHARE)) < JUMP if paid else False
        shown = next((example(group, one) for one in group.samples if one.paid), None)
        self._jumps.append((self.place, shown) if is_jump and shown else None)

    # --- blocks -------------------------------------------------------------------------------------------------------

    def _close(self) -> None:
        block, self._block, self._size = self._block, Block(), 0
        self._blocks += 1
        if self._usual is None:
            self._first.append(block)
            if len(self._first) == USUAL_BLOCKS:
                self._usual, self._first = Usual.of(self._first), []
        usual = self._usual or Usual.of([block])
        self._rewards.append(block.mean_reward)
        if block.accuracy is not None:
            self._accuracies.append(block.accuracy)
        now = {signal.name: signal for signal in signals(block, usual, self.limits)}
        if (jump := self._jump()) is not None:
            now[jump.name] = jump
        if len(self._accuracies) == len(self._rewards) and (rise := trend([*self._rewards], [*self._accuracies])):
            now[rise.name] = rise
        onset = next((group.step for group in block.groups if group.step is not None), self._blocks)
        self._streaks = {name: self._streak(signal, _first_step(signal, onset)) for name, signal in now.items()}

    def _streak(self, signal: Signal, onset: int) -> _Streak:
        before = self._streaks.get(signal.name)
        if before is None:
            return _Streak(signal, 1, onset)
        return _Streak(signal, before.seen + 1, before.onset)

    def _jump(self) -> Signal | None:
        jumped = [one for one in self._jumps if one is not None]
        rate = Rate(len(jumped), len(self._jumps))
        if len(jumped) < JUMPED_PROMPTS or rate.share <= self.limits.jump:
            return None
        shown = tuple(one for _, one in jumped[-5:])
        return Signal(
            "reward_jump",
            "known prompts are paid far more often than before",
            self.limits.jump,
            rate=rate,
            examples=shown,
        )

    # --- alarms and state ---------------------------------------------------------------------------------------------

    def _settle(self) -> None:
        """The alarms of now, and those that were raised a few blocks ago: they go down one state at a time."""
        now = {alarm.name: alarm for alarm in (*self._evidence(), *self._pointers())}
        for name, alarm in now.items():
            held = self.alarms.get(name)
            if held is None or alarm.state >= held.state:
                self.alarms[name] = alarm
                self._raised[name] = self._blocks
        for name, alarm in [*self.alarms.items()]:
            lower = now[name].state if name in now else State.OK
            if lower < alarm.state and self._blocks - self._raised[name] >= CALM:
                self._lower(alarm)
        state = max((alarm.state for alarm in self.alarms.values()), default=State.OK)
        if state != self.state:
            self.changes.append(Change(self.step, self.state, state, tuple(self.alarms.values())))
            self.state = state

    def _lower(self, alarm: Alarm) -> None:
        if alarm.state is State.WATCH:
            del self.alarms[alarm.name], self._raised[alarm.name]
            return
        self.alarms[alarm.name] = alarm.at(State(alarm.state - 1))
        self._raised[alarm.name] = self._blocks

    def _evidence(self) -> list[Alarm]:
        limits = self.limits
        rules = {
            Check.SECOND: Rule(
                "second_verifier", "the second verifier refuses paid completions", limits.second, limits.second_critical
            ),
            Check.NULL: Rule(
                "null_reference", "another item's reference pays them, too",
                limits.null_reference, limits.null_reference_critical, at_once=True, least=(8, 2),
            ),
            Check.ANCHOR: Rule("judge_drift", "frozen anchors are scored anew", limits.drift, 1.0),
        }  # fmt: skip
        found = [judged(self._trails[check], rule) for check, rule in rules.items()]
        alarms = [alarm for alarm in found if alarm is not None]
        canary = self._trails[Check.CANARY]
        if canary.has_hits:
            rate = Rate(canary.hits, canary.total)
            text = f"an impossible task is paid: {rate.text()}"
            alarms.append(
                Alarm("canary", State.HACKING, True, 0.0, canary.onset(), text, rate, examples=canary.examples())
            )
        if (unscorable := self._unscorable()) is not None:
            alarms.append(unscorable)
        return alarms

    def _unscorable(self) -> Alarm | None:
        """Completions whose verifier fails on them alone: that ends a punishment.

        Failures come in groups, so that each counts as half an observation.
        """
        if not self._is_baseline_done or not self._caused:
            return None
        recent = [*self._nulls][-NULL_WINDOW:]
        caused = [one for _, one in recent if one is not None]
        rate, usual = Rate(len(caused), len(recent)), self._null_count.share
        low = Rate(rate.hits // 2, rate.total // 2).bounds(Z_99)[0]
        if low <= self.limits.unscorable:
            return None
        state = self._exit_state(low, usual)
        onset = next(step for step, one in recent if one is not None)
        text = f"the verifier fails on some completions and not on their siblings: {rate.text()}, at first {usual:.1%}"
        return Alarm(
            "unscorable",
            state,
            True,
            self.limits.unscorable,
            onset,
            text,
            rate,
            examples=tuple(caused[-MOST_EXAMPLES:]),
        )

    def _exit_state(self, low: float, usual: float) -> State:
        """WATCH while failures are no more than usual; HACKING for those that come again when the sample is tried again."""
        if low <= GROWS * usual:
            return State.WATCH
        again = self._trails[Check.UNSCORABLE].rate((25,), Z_99).bounds(Z_99)[0]
        return State.HACKING if low > self.limits.unscorable_critical and again > 0.5 else State.SUSPECT

    def _pointers(self) -> list[Alarm]:
        """Signals that lasted. SUSPECT: for long, or two at once, while no re-grades speak for the completions."""
        lasting = [one for one in self._streaks.values() if one.seen >= one.signal.streak]
        alarms = []
        for streak in lasting:
            is_old = streak.seen >= streak.signal.streak + PERSISTS
            is_suspect = (is_old or len(lasting) > 1) and not self._is_being_checked()
            one = streak.signal
            text = f"{one.text}: {one.rate.text()}" if one.rate else one.text
            state = State.SUSPECT if is_suspect else State.WATCH
            alarms.append(
                Alarm(one.name, state, False, one.limit, streak.onset, text, one.rate, one.value, one.examples)
            )
        return alarms

    def _is_being_checked(self) -> bool:
        """Whether a second verifier looks at paid completions, and refuses no more than it may."""
        return self._trails[Check.SECOND].is_clean(FEW_CLEAN, self.limits.second)


def _first_step(signal: Signal, otherwise: int) -> int:
    """Of what the signal counts; the beginning of the block where it counts nothing."""
    steps = [one.step for one in signal.examples if one.step is not None]
    return min(steps) if signal.rate is not None and steps else otherwise
