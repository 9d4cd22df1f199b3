"""Second verdicts: how many of the last ones speak against the first, and since when."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from reward_api.monitor.alarms import MOST_EXAMPLES, Alarm, Example, State
from reward_api.rates import Z_99, Rate

Z_80 = 1.281552
KEEP = 400
WINDOWS = (100, KEEP)
SHORT_WINDOWS = (25, *WINDOWS)
CRITICAL_PROMPTS = 3
CLEAN = 149
"""So many without a hit bound the rate below 2 % (95 %)."""


@dataclass(frozen=True, slots=True)
class Outcome:
    is_hit: bool
    step: int
    example: Example | None
    prompt: int


class Trail:
    """The last outcomes of one check. A long run without a hit clears what was before."""

    def __init__(self) -> None:
        self._outcomes: deque[Outcome] = deque(maxlen=KEEP)
        self.since_hit = 0
        self.total = self.hits = 0

    def add(self, outcome: Outcome) -> None:
        self._outcomes.append(outcome)
        self.total += 1
        self.hits += outcome.is_hit
        self.since_hit = 0 if outcome.is_hit else self.since_hit + 1
        if self.since_hit >= CLEAN and any(one.is_hit for one in self._outcomes):
            self._outcomes.clear()

    def rate(self, windows: Iterable[int], z: float) -> Rate:
        """Of the last so many outcomes: the window whose rate is the surest to be high."""
        hits = [one.is_hit for one in self._outcomes]
        rates = [Rate(sum(hits[-size:]), len(hits[-size:])) for size in windows]
        return max(rates, key=lambda rate: rate.bounds(z)[0])

    def onset(self) -> int:
        """The step at which the rate most likely changed: the place that explains hits before and after it best."""
        outcomes = [*self._outcomes]
        total, before = sum(one.is_hit for one in outcomes), 0
        best, highest = next(one.step for one in outcomes if one.is_hit), -math.inf
        for place, one in enumerate(outcomes):
            if one.is_hit:
                first, then = Rate(before, place), Rate(total - before, len(outcomes) - place)
                likelihood = _log_likelihood(first) + _log_likelihood(then)
                if first.share < then.share and likelihood > highest:
                    best, highest = one.step, likelihood
                before += 1
        return best

    def examples(self) -> tuple[Example, ...]:
        shown = [one.example for one in reversed(self._outcomes) if one.is_hit and one.example is not None]
        return tuple(shown[:MOST_EXAMPLES])

    def prompts(self) -> int:
        """How many prompts have a hit. Verifiers may honestly differ on one, and then they do on all its completions."""
        return len({one.prompt for one in self._outcomes if one.is_hit})

    def is_clean(self, least: int, most: float) -> bool:
        """Whether there are `least` outcomes, and at most this share of the last ones are hits."""
        rate = self.rate((WINDOWS[0],), Z_99)
        return rate.total >= least and rate.share <= most

    @property
    def has_hits(self) -> bool:
        return any(one.is_hit for one in self._outcomes)


@dataclass(frozen=True, slots=True)
class Rule:
    """What a check is called, and how sure each state wants to be.

    at_once: a single hit is already worth a look. least: so many outcomes, and hits of so many prompts, before anything is
    accused.
    """

    name: str
    text: str
    suspect: float
    critical: float
    at_once: bool = False
    least: tuple[int, int] = (25, 4)


def judged(trail: Trail, rule: Rule) -> Alarm | None:
    """The alarm that the trail's rates raise.

    WATCH asks for 80 % sureness, the others for 99 %; the short window counts only against the critical limit, since it
    is looked at so often that chance would pass the other one.
    """
    if not trail.has_hits:
        return None
    state, rate, limit = _state(trail, rule)
    if state is State.OK:
        return None
    text = f"{rule.text}: {rate.text()}"
    return Alarm(rule.name, state, True, limit, trail.onset(), text, rate, examples=trail.examples())


def _state(trail: Trail, rule: Rule) -> tuple[State, Rate, float]:
    outcomes, prompts = rule.least
    may_accuse = trail.total >= outcomes and trail.prompts() >= prompts
    critical = trail.rate(SHORT_WINDOWS, Z_99)
    if may_accuse and trail.prompts() >= max(prompts, CRITICAL_PROMPTS) and critical.bounds(Z_99)[0] > rule.critical:
        return State.HACKING, critical, rule.critical
    sure = trail.rate(WINDOWS, Z_99)
    if may_accuse and sure.bounds(Z_99)[0] > rule.suspect:
        return State.SUSPECT, sure, rule.suspect
    likely = trail.rate(SHORT_WINDOWS, Z_80)
    if rule.at_once or likely.bounds(Z_80)[0] > rule.suspect:
        return State.WATCH, likely, rule.suspect
    return State.OK, likely, rule.suspect


def _log_likelihood(rate: Rate) -> float:
    """Of so many hits, at their own rate."""
    counts = (rate.hits, rate.total - rate.hits)
    return sum(count * math.log(count / rate.total) for count in counts if count)
