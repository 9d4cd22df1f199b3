"""One run of one domain: records come in, alarms and a state come out. No clock and no randomness, so that a replay agrees.

Everything it keeps is bounded: blocks of a few hundred completions, a few hundred outcomes of each check, prompts by LRU.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass
from typing import Any

from cachetools import LRUCache

from reward_api.monitor.alarms import Alarm, Example, State, example, example_of_check
from reward_api.monitor.evidence import Outcome, Rule, Trail
from reward_api.monitor.failures import Failures
from reward_api.monitor.observation import Check, GroupRecord, Record
from reward_api.monitor.shape import OF_NUMBERS, OF_TEXTS, Block, Signal, binomial_tail, trend
from reward_api.monitor.spec import Limits
from reward_api.monitor.takeover import Takeover
from reward_api.monitor.track import FEW_PAID, Track
from reward_api.rates import Z_99, Rate

CALM = 4
PERSISTS = 6
FEW_CLEAN = 50
"""So many re-grades with few hits hold back what only points."""
KEEP_BLOCKS = 60
PROMPTS = 4096
TRIED, TRIED_AGAIN = 100, 25
"""The last outcomes that are looked at: of a second verifier, and of completions without a reward."""
FEW_ANCHORS = 4
Z_80 = 1.281552
JUMP, JUMPED_PROMPTS, JUMP_GROUPS = 1e-4, 4, 64
EMA = 0.5


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
        self._numbers, self._texts = Track(OF_NUMBERS), Track(OF_TEXTS, least_paid=FEW_PAID)
        self._rewards: deque[float] = deque(maxlen=KEEP_BLOCKS)
        self._accuracies: deque[float] = deque(maxlen=KEEP_BLOCKS)
        self._trails = {check: Trail() for check in Check}
        self._raised: dict[str, int] = {}
        self._failures = Failures()
        self._takeover = Takeover()
        self._prompts: LRUCache[int, float] = LRUCache(PROMPTS)
        self._jumps: deque[tuple[int, Example] | None] = deque(maxlen=JUMP_GROUPS)

    def observe(self, record: Record) -> None:
        place = record.step if record.step is not None else self._numbers.blocks
        if isinstance(record, GroupRecord):
            self.step = record.step if record.step is not None else self.step
            is_news = self._group(record, place)
        else:
            shown = example_of_check(record) if record.is_hit else None
            self._trails[record.check].add(Outcome(record.is_hit, place, shown, record.prompt))
            is_news = True
        if is_news:
            self._settle()

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

    def _group(self, group: GroupRecord, place: int) -> bool:
        """Whether an alarm may come or go by it."""
        self.groups += 1
        self.completions += len(group.samples)
        paid = sum(sample.paid is True for sample in group.samples)
        self.paid += paid
        self._count_variance(group)
        is_news = self._failures.add(group, place, self.limits)
        self._look_for_jump(group, place, paid)
        numbers = self._numbers.add(group, len(group.samples))
        if numbers is not None:
            self._close(numbers)
        texts = self._texts.add(group, sum(sample.features is not None for sample in group.samples))
        if texts is not None:
            self._texts.close(texts, self.limits)
        return is_news or numbers is not None or texts is not None

    def _count_variance(self, group: GroupRecord) -> None:
        rewards = {sample.reward for sample in group.samples if sample.reward is not None}
        if len(group.samples) > 1 and len(rewards) == 1:
            self.zero_variance["all_paid" if group.samples[0].paid else "all_unpaid"] += 1

    def _look_for_jump(self, group: GroupRecord, place: int, paid: int) -> None:
        """Whether a known prompt is paid far more often than before."""
        count = len(group.samples)
        if not count:
            return
        before = self._prompts.get(group.prompt)
        share = paid / count
        if before is None:
            self._prompts[group.prompt] = share
            return
        self._prompts[group.prompt] = before + EMA * (share - before)
        usual = (before * count + 1) / (count + 2)  # what one group says is not sure, least of all 0
        is_jump = share > usual and binomial_tail(paid, count, usual) < JUMP
        shown = next((example(group, one) for one in group.samples if one.paid), None)
        self._jumps.append((place, shown) if is_jump and shown else None)

    # --- blocks -------------------------------------------------------------------------------------------------------

    def _close(self, block: Block) -> None:
        self._rewards.append(block.mean_reward)
        if block.accuracy is not None:
            self._accuracies.append(block.accuracy)
        has_all = len(self._accuracies) == len(self._rewards)
        more = (
            self._takeover.add(block, self._numbers.usual(block), self.limits),
            self._jump(),
            trend([*self._rewards], [*self._accuracies]) if has_all else None,
        )
        self._numbers.close(block, self.limits, [signal for signal in more if signal is not None])

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
                self._raised[name] = self._numbers.blocks
        for name, alarm in [*self.alarms.items()]:
            lower = now[name].state if name in now else State.OK
            if lower < alarm.state and self._numbers.blocks - self._raised[name] >= CALM:
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
        self._raised[alarm.name] = self._numbers.blocks

    def _evidence(self) -> list[Alarm]:
        limits = self.limits
        rules = {
            Check.SECOND: Rule(
                "second_verifier", "the second verifier refuses paid completions", limits.second, limits.second_critical
            ),
            Check.NULL: Rule(
                "null_reference", "another item's reference pays them, too",
                limits.null_reference, limits.null_reference_critical, at_once=True, prompts=2,
            ),
        }  # fmt: skip
        judged = [
            *(self._trails[check].judged(rule) for check, rule in rules.items()),
            self._canary(),
            self._drift(),
            self._failures.judged(self._trails[Check.UNSCORABLE].last(TRIED_AGAIN), limits.unscorable),
        ]
        return [alarm for alarm in judged if alarm is not None]

    def _canary(self) -> Alarm | None:
        trail = self._trails[Check.CANARY]
        if not trail.has_hits:
            return None
        rate = Rate(trail.hits, trail.total)
        text = f"an impossible task is paid: {rate.text(Z_99)}"
        return Alarm("canary", State.HACKING, True, 0.0, trail.onset(), text, rate, examples=trail.examples())

    def _drift(self) -> Alarm | None:
        """Of the anchors as they were scored last. They are all there are, and no sample: the share itself is told."""
        trail = self._trails[Check.ANCHOR]
        rate, limit = trail.now(), self.limits.drift
        if not rate.hits or rate.bounds(Z_80)[0] <= limit:
            return None
        state = State.SUSPECT if rate.hits >= FEW_ANCHORS and rate.bounds(Z_99)[0] > limit else State.WATCH
        text = f"frozen anchors are scored anew: {rate.text(Z_99)}"
        return Alarm("judge_drift", state, True, limit, trail.onset(), text, rate, examples=trail.examples())

    def _pointers(self) -> list[Alarm]:
        """Signals that lasted. SUSPECT: for long, or two at once, while no re-grades speak for the completions."""
        streaks = self._texts.streaks | self._numbers.streaks
        lasting = [one for one in streaks.values() if one.seen >= one.signal.streak]
        alarms = []
        for streak in lasting:
            is_old = streak.seen >= streak.signal.streak + PERSISTS
            is_suspect = (is_old or len(lasting) > 1) and not self._is_being_checked()
            one = streak.signal
            text = f"{one.text}: {one.rate.text(Z_99)}" if one.rate else one.text
            state = State.SUSPECT if is_suspect else State.WATCH
            alarms.append(
                Alarm(one.name, state, False, one.limit, streak.onset, text, one.rate, one.value, one.examples)
            )
        return alarms

    def _is_being_checked(self) -> bool:
        """Whether a second verifier looks at paid completions, and refuses no more than it may."""
        trail = self._trails[Check.SECOND]
        return trail.total >= FEW_CLEAN and trail.last(TRIED).share <= self.limits.second
