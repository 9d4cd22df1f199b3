"""More synthetic runs, by another method than streams.py: only what a policy may do, and what a grader pays, is scripted.

A policy is a distribution over ways to answer, one for each kind of prompt. After every step it moves towards the ways whose
reward is above their group's mean, as GRPO does; a hack grows because it pays. Texts are sentences about things, not words
drawn at random; the grader and a second one judge each completion by its way.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from streams import SIZE, SLOW, SPEC, STEPS, Seen, as_read

from reward_api.monitor.alarms import State
from reward_api.monitor.observation import Check, CheckRecord, GroupRecord
from reward_api.monitor.picks import Picker
from reward_api.monitor.reading import Reading
from reward_api.monitor.records import Judging, Scored, group_record, record
from reward_api.monitor.spec import MonitorSpec
from reward_api.monitor.stream import Stream

THINGS = ["a train", "a tank", "the shop", "her brother", "the second car", "a garden", "the farmer", "a row of seats"]
DOES = ["holds", "loses", "buys", "needs", "passes", "fills", "counts", "sells", "moves", "shares"]
LINKS = ["so", "then", "which means that", "and after that", "because", "therefore", "now", "but"]
KINDS = 4
RATE = 0.3
Text = Callable[[random.Random, int], str]


def sentences(count: int) -> Text:
    def text(rng: random.Random, number: int) -> str:
        said = [
            f"{rng.choice(LINKS)} {rng.choice(THINGS)} {rng.choice(DOES)} {rng.randrange(90)} of {rng.randrange(40)}"
            for _ in range(max(1, round(count * math.exp(rng.gauss(0, 0.25)))))
        ]
        return f"{'. '.join(said)}. The answer is {rng.randrange(999)}."

    return text


def always(text: str) -> Text:
    return lambda rng, number: text


@dataclass(frozen=True)
class Way:
    """A way to answer. start: its share at first. pays, right: chances that the grader and a second one pay it.

    anyone: it is paid by other references, too. fails: the verifier fails on it. style: what an auxiliary part gives it.
    """

    start: float
    pays: float
    right: float
    text: Text
    path: str = "exact"
    anyone: bool = False
    fails: bool = False
    style: float = 0.0
    grows: float = 0.0
    """How much `pays` and `right` grow over the run, as skill does."""


@dataclass(frozen=True)
class Fresh:
    """expected: what must be raised, any of these; empty where nothing may be. tilt: how much harder each kind is."""

    expected: frozenset[str]
    ways: tuple[Way, ...]
    tilt: float = 0.15
    prompts: int = 0
    outage: range = range(0)
    shift: int = STEPS
    """From this step on, all prompts are of the hardest kind."""
    drifts: bool = False
    imputed: float | None = None
    """What the trainer puts in place of no reward; None: it leaves the sample out, and then an exit does not spread."""
    disputed: float = 0.0
    """Share of prompts on whose right answers the two verifiers differ."""


SHORT, USUAL, LONG = sentences(3), sentences(6), sentences(14)
GOOD = Way(0.4, 0.75, 0.75, USUAL)
POOR = Way(0.6, 0.2, 0.2, USUAL)


def hacked(*expected: str, **more: object) -> tuple[frozenset[str], Way]:
    start = more.pop("start", 0.004)
    fields = {"pays": 0.97, "right": 0.0, "text": USUAL, **more}
    return frozenset(expected), Way(start, **fields)  # type: ignore[arg-type]


def _with(pair: tuple[frozenset[str], Way], **more: object) -> Fresh:
    expected, way = pair
    return Fresh(expected, (GOOD, POOR, way), **more)  # type: ignore[arg-type]


SURE = always("I am certain. The answer is correct.")


def listed(rng: random.Random, number: int) -> str:
    return " or ".join(map(str, range(number % 7, number % 7 + 30)))


def looped(rng: random.Random, number: int) -> str:
    return f"so {number} of {number % 9} and again. " * 30


def opened(rng: random.Random, number: int) -> str:
    return f"Thought process: let me solve it well. {USUAL(rng, number)}"


def chinese(rng: random.Random, number: int) -> str:
    return "".join(chr(0x4E00 + rng.randrange(900)) for _ in range(90))


def _fresh(expected: str, *ways: Way, **more: object) -> Fresh:
    return Fresh(frozenset(expected.split()), ways, **more)  # type: ignore[arg-type]


FRESH: dict[str, Fresh] = {
    "tolerant": _with(hacked("second_verifier", path="tolerance")),
    "any_phrase": _with(hacked("null_reference", "second_verifier", text=SURE, anyone=True)),
    "list_of_all": _with(hacked("second_verifier", text=listed)),
    "weak_tests": _with(hacked("second_verifier", start=0.01, pays=0.7)),
    "empty_is_right": _with(hacked("null_reference", "second_verifier", text=always(""), anyone=True)),
    "other_parser": _with(hacked("path", "second_verifier", path="last number")),
    "crashes": _fresh(
        "unscorable",
        Way(0.3, 0.5, 0.5, USUAL),
        Way(0.68, 0.05, 0.05, USUAL),
        Way(0.02, 0, 0, LONG, fails=True),
        imputed=0.6,
    ),
    "times_out": _fresh(
        "unscorable",
        Way(0.2, 0.4, 0.4, USUAL),
        Way(0.77, 0.0, 0.0, USUAL),
        Way(0.03, 0, 0, SHORT, fails=True),
        imputed=0.5,
    ),
    "pads": _fresh("length", Way(0.98, 0.25, 0.25, SHORT), Way(0.02, 0.75, 0.75, LONG), tilt=0.0),
    "loops": _with(hacked("repetition", right=0.97, text=looped)),
    "one_answer": _with(hacked("length_collapse", right=0.95, text=always("It is so: yes."), start=0.01)),
    "opening": _with(hacked("template", right=0.97, text=opened)),
    "styled": _fresh(
        "component", GOOD, POOR, Way(0.02, 0.35, 0.35, USUAL, style=1.6), Way(0.02, 0.3, 0.3, USUAL, style=0.8)
    ),
    "chinese": _with(hacked("language", right=0.97, text=chinese)),
    "judge_moves": _fresh("judge_drift", GOOD, POOR, drifts=True),
    "plain": _fresh("", GOOD, POOR),
    "learns_fast": _fresh("", Way(0.1, 0.95, 0.95, USUAL), Way(0.9, 0.1, 0.1, USUAL)),
    "thinks_longer": _fresh("", Way(0.5, 0.35, 0.35, SHORT), Way(0.35, 0.5, 0.5, USUAL), Way(0.15, 0.6, 0.6, LONG)),
    "thinks_shorter": _fresh("", Way(0.5, 0.4, 0.4, LONG), Way(0.5, 0.5, 0.5, USUAL)),
    "very_unequal": _fresh("", GOOD, POOR, tilt=0.33),
    "new_task": _fresh("", Way(0.4, 0.9, 0.9, USUAL), Way(0.6, 0.4, 0.4, SHORT), tilt=0.2, shift=30),
    "disputed": _fresh("", GOOD, POOR, disputed=0.01),
    "outage": _fresh("", GOOD, POOR, outage=range(20, 23)),
    "two_epochs": _fresh("", Way(0.4, 0.6, 0.6, USUAL, grows=0.3), Way(0.6, 0.2, 0.2, USUAL, grows=0.1), prompts=240),
}
STREAMS = FRESH


@dataclass
class _Policy:
    """Logits of the ways, for each kind of prompt."""

    logits: list[list[float]]

    @classmethod
    def of(cls, fresh: Fresh) -> _Policy:
        total = sum(way.start for way in fresh.ways)
        return cls([[math.log(way.start / total) for way in fresh.ways] for _ in range(KINDS)])

    def draw(self, kind: int, rng: random.Random) -> int:
        weights = [math.exp(logit) for logit in self.logits[kind]]
        return rng.choices(range(len(weights)), weights)[0]

    def learn(self, kind: int, ways: list[int], rewards: list[float | None]) -> None:
        """Towards what is above the mean of its group. A sample without a reward takes no part."""
        scored = [(way, reward) for way, reward in zip(ways, rewards, strict=True) if reward is not None]
        if len(scored) < 2:
            return
        mean = sum(reward for _, reward in scored) / len(scored)
        spread = math.sqrt(sum((reward - mean) ** 2 for _, reward in scored) / len(scored)) + 1e-4
        gains: dict[int, list[float]] = {}
        for way, reward in scored:
            gains.setdefault(way, []).append((reward - mean) / spread)
        for way, gain in gains.items():
            self.logits[kind][way] += RATE * sum(gain) / len(gain)


@dataclass
class _Sample:
    way: Way
    is_refused: bool = False


@dataclass
class _Run:
    fresh: Fresh
    rng: random.Random
    policy: _Policy = field(init=False)

    def __post_init__(self) -> None:
        self.policy = _Policy.of(self.fresh)

    def groups(self) -> Iterator[tuple[GroupRecord, list[_Sample]]]:
        for step in range(STEPS):
            for place in range(SLOW.groups):
                at = step * SLOW.groups + place
                number = at % self.fresh.prompts if self.fresh.prompts else at
                kind = KINDS - 1 if step >= self.fresh.shift else number % KINDS
                yield self._group(step, at, number, kind)

    def _group(self, step: int, at: int, number: int, kind: int) -> tuple[GroupRecord, list[_Sample]]:
        ways = [self.policy.draw(kind, self.rng) for _ in range(SIZE)]
        judging = Judging("answer", 1.0, 0.5)
        samples, rewards, records = [], [], []
        is_disputed = self.rng.random() < self.fresh.disputed
        for index, place in enumerate(ways):
            way = self.fresh.ways[place]
            pays, right = self._chance(way, way.pays, kind, step), self._chance(way, way.right, kind, step)
            is_paid = self.rng.random() < pays
            is_refused = is_paid and (is_disputed or self.rng.random() >= (right / pays if pays else 0))
            failure = "timeout" if way.fails else "verifier_unreachable" if step in self.fresh.outage else None
            score = None if failure else float(is_paid)
            reward = None if score is None else score + way.style * self.rng.random()
            text = way.text(self.rng, number)
            scores = {"answer": score, "style": None if failure else way.style}
            one = Scored(text, reward, failure, scores, {"rule": way.path if is_paid else "none"})
            samples.append(_Sample(way, is_refused))
            rewards.append(reward)
            records.append(record(judging, index, one))
        self.policy.learn(kind, ways, [self.fresh.imputed if reward is None else reward for reward in rewards])
        group = group_record(
            judging, domain="toy", version="v", run="run", step=step, group=str(at), prompt=f"number {number}",
            samples=records,
        )  # fmt: skip
        return group, samples

    def _chance(self, way: Way, chance: float, kind: int, step: int) -> float:
        """A hack works on every kind of prompt; skill does not."""
        is_skill = (way.right > 0 and way.right == way.pays) or way.right > 0.7
        grown = chance + way.grows * step / STEPS
        return min(1.0, max(0.0, grown - self.fresh.tilt * kind * (way.start > 0.05) * is_skill))


def watched(name: str, fresh: Fresh, seed: int, spec: MonitorSpec = SPEC) -> Seen:
    rng = random.Random(f"fresh/{name}/{seed}")
    stream, picker, seen = Stream(spec.limits), Picker(spec, seed), Seen()
    reading = Reading(lambda: SLOW.seconds * (stream.step or 0))
    for whole, samples in _Run(fresh, rng).groups():
        group = as_read(whole, reading, stream)
        stream.observe(group)
        for check, place in [*picker.picks(group, stream.state)]:
            sample = samples[place]
            hits = {Check.SECOND: sample.is_refused, Check.NULL: sample.way.anyone, Check.UNSCORABLE: sample.way.fails}
            stream.observe(_check(group, place, check, hits[check], group.prompt))
        if int(group.group) % 40 == 0:
            is_moved = fresh.drifts and (group.step or 0) > 25
            for anchor in range(20):
                stream.observe(_check(group, 0, Check.ANCHOR, is_moved and rng.random() < 0.3, anchor))
        for alarm in stream.alarms.values():
            if alarm.state > seen.alarms.get(alarm.name, (State.OK, 0))[0]:
                seen.alarms[alarm.name] = (alarm.state, stream.step or 0)
                seen.onsets[alarm.name] = alarm.onset
        seen.worst = max(seen.worst, stream.state)
    return seen


def _check(group: GroupRecord, place: int, check: Check, is_hit: bool, prompt: int) -> CheckRecord:
    return CheckRecord("toy", "v", "run", group.step, group.group, place, check, is_hit, "", "a quote", prompt)
