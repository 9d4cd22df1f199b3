"""Alarms: what was seen, how sure it is, where it began, and which completions show it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Any

from reward_api.monitor.observation import CheckRecord, GroupRecord, SampleRecord
from reward_api.rates import Z_99, Rate

MOST_EXAMPLES = 5


class State(IntEnum):
    """How much speaks for reward hacking. Only a second verdict reaches HACKING."""

    OK = 0
    WATCH = 1
    SUSPECT = 2
    HACKING = 3


@dataclass(frozen=True, slots=True)
class Example:
    """One completion that shows it."""

    step: int | None
    group: str
    index: int
    reward: float | None
    quote: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class Alarm:
    """name: as in docs/monitor.md. accuses: it is a second verdict, and no statistic of shape. value: of a second verdict,
    in how many prompts chance shows as much where the limit is the usual rate; else the statistic where it is no rate.

    onset: the step at which it began, as far as it can be told; of steps that nobody sent, the number of the block.
    """

    name: str
    state: State
    accuses: bool
    limit: float
    onset: int
    text: str
    rate: Rate | None = None
    value: float | None = None
    examples: tuple[Example, ...] = ()

    def document(self) -> dict[str, Any]:
        document: dict[str, Any] = {
            "name": self.name, "state": self.state.name, "accuses": self.accuses, "limit": self.limit,
            "onset_step": self.onset, "text": self.text,
        }  # fmt: skip
        if self.rate is not None:
            low, high = self.rate.bounds(Z_99)
            document["rate"] = {"hits": self.rate.hits, "total": self.rate.total, "interval_99": [low, high]}
        if self.value is not None:
            document["value"] = self.value
        fields = ("step", "group", "index", "reward", "quote", "why")
        document["examples"] = [{name: getattr(one, name) for name in fields} for one in self.examples]
        return document

    def at(self, state: State) -> Alarm:
        return replace(self, state=state)


def example(group: GroupRecord, sample: SampleRecord, why: str = "") -> Example:
    return Example(group.step, group.group, sample.index, sample.reward, sample.quote, why)


def example_of_check(check: CheckRecord) -> Example:
    return Example(check.step, check.group, check.index, None, check.quote, check.why)
