"""Second verdicts: whether more of them speak against the first than may be, and since when."""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass

from cachetools import LRUCache

from reward_api.monitor.alarms import MOST_EXAMPLES, Alarm, Example, State
from reward_api.monitor.sequential import LIKELY, SURE, Bets, change, times
from reward_api.rates import Z_99, Rate

KEEP = 400
OPEN = 8
"""Prompts of which more outcomes may come: those of one group come one by one, between those of others."""


@dataclass(frozen=True, slots=True)
class Outcome:
    is_hit: bool
    step: int
    example: Example | None
    prompt: int


@dataclass(frozen=True, slots=True)
class Rule:
    """What a check is called, and the shares above which each state is wanted.

    at_once: a single hit is already worth a look. prompts: hits of so many before anything is accused, since verifiers may
    honestly differ on one.
    """

    name: str
    text: str
    suspect: float
    critical: float
    at_once: bool = False
    prompts: int = 4


class Trail:
    """The outcomes of one check: the last few hundred of them, and what they say against a rule.

    One prompt is one observation. If its first refusal is followed by another of the same prompt, that says nothing new:
    then the two verifiers read this prompt differently.
    """

    def __init__(self) -> None:
        self.total = self.hits = 0
        self._outcomes: deque[Outcome] = deque(maxlen=KEEP)
        self._open: OrderedDict[int, tuple[int, int]] = OrderedDict()
        self._refused: LRUCache[int, None] = LRUCache(KEEP)
        self._shares: deque[float] = deque(maxlen=KEEP)
        self._bets: dict[float, Bets] = {}

    def add(self, outcome: Outcome) -> None:
        self._outcomes.append(outcome)
        self.total += 1
        self.hits += outcome.is_hit
        hits, total = self._open.get(outcome.prompt, (0, 0))
        self._open[outcome.prompt] = (hits + outcome.is_hit, total + 1)
        if len(self._open) > OPEN:
            self._close()

    def _close(self) -> None:
        prompt, (hits, total) = self._open.popitem(last=False)
        if hits and prompt in self._refused:
            return
        if hits:
            self._refused[prompt] = None
        else:
            self._refused.pop(prompt, None)
        self._shares.append(hits / total)
        for limit, bets in self._bets.items():
            bets.add(times(hits / total, limit))

    def against(self, limits: tuple[float, float]) -> list[float]:
        """How much speaks against each limit, as in Bets.value. With other limits than before, what is kept is read anew."""
        if {*limits} != self._bets.keys():
            self._bets = {limit: Bets() for limit in limits}
            for limit, bets in self._bets.items():
                for share in self._shares:
                    bets.add(times(share, limit))
        more = [hits / total for prompt, (hits, total) in self._open.items() if not hits or prompt not in self._refused]
        return [self._bets[limit].value(times(share, limit) for share in more) for limit in limits]

    def judged(self, rule: Rule) -> Alarm | None:
        """The alarm that the outcomes raise."""
        if not self.has_hits:
            return None
        suspect, critical = self.against((rule.suspect, rule.critical))
        may_accuse = len({one.prompt for one in self._outcomes if one.is_hit}) >= rule.prompts
        if may_accuse and critical >= SURE:
            state, limit, odds = State.HACKING, rule.critical, critical
        elif may_accuse and suspect >= SURE:
            state, limit, odds = State.SUSPECT, rule.suspect, suspect
        elif rule.at_once or suspect >= LIKELY:
            state, limit, odds = State.WATCH, rule.suspect, suspect
        else:
            return None
        onset, rate = self._change()
        text = f"{rule.text}: {rate.text(Z_99)}; by chance once in {odds:.0f} prompts if {limit:.1%} were usual"
        return Alarm(rule.name, state, True, limit, onset, text, rate, odds, self.examples())

    def last(self, size: int) -> Rate:
        hits = [one.is_hit for one in [*self._outcomes][-size:]]
        return Rate(sum(hits), len(hits))

    def now(self) -> Rate:
        """Of the last outcome of each prompt."""
        latest = {one.prompt: one.is_hit for one in self._outcomes}
        return Rate(sum(latest.values()), len(latest))

    def onset(self) -> int:
        """The step at which the rate most likely changed."""
        return self._change()[0]

    def _change(self) -> tuple[int, Rate]:
        """Its step, and the rate since then."""
        outcomes = [*self._outcomes]
        since = outcomes[change([Rate(int(one.is_hit), 1) for one in outcomes]) :]
        return since[0].step, Rate(sum(one.is_hit for one in since), len(since))

    def examples(self) -> tuple[Example, ...]:
        shown = [one.example for one in reversed(self._outcomes) if one.is_hit and one.example is not None]
        return tuple(shown[:MOST_EXAMPLES])

    @property
    def has_hits(self) -> bool:
        return any(one.is_hit for one in self._outcomes)
