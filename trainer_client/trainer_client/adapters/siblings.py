"""Samples that a trainer hands over one by one: who is whose sibling, and what stands for one without a verdict.

    sample ─▶ its group: by id, or by prompt and reference, within a window of time ─▶ the client ─▶ a verdict
                                                                                   └─▶ none: a stand-in, see `judged`

For trainers whose word for a reward is a number. A group is known as far as its members come to one process.
"""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import logging
import os
import threading
import time
from collections import Counter, OrderedDict, deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, replace
from fractions import Fraction

from trainer_client.adapters.settings import AdapterSettings, client
from trainer_client.client import AsyncRewardClient
from trainer_client.domains import Domain
from trainer_client.errors import BadGroup, NoVerdict
from trainer_client.future import RewardFuture
from trainer_client.results import ScoredSample, no_verdict
from trainer_client.wire import RolloutSample

log = logging.getLogger("trainer_client")

Numbers = dict[str, float]
"""A sample's reward under `reward`, and its scores under `score/<component>`."""
WINDOW_S = 600.0
MOST_GROUPS = 32_768
RECENT, ENOUGH = 512, 16
"""Rewards of a domain that are remembered, and below how many their mean says nothing."""
# A data set's trouble is every sibling's: nothing is gained by waiting for them.
SHARED = frozenset({"bad_reference", "unsupported", "refused"})
# What the client adds to a deadline before it settles a sample by itself.
GRACE_S = 1.0

_serial = itertools.count()


@dataclass(frozen=True)
class Judged:
    """A sample's reward to train on.

    domain: which judged it. scored: what the gateway said. numbers: with stand-ins where it has none. source: `verdict`,
    `siblings` or `domain`.
    """

    domain: Domain
    scored: ScoredSample
    numbers: Numbers
    source: str

    @property
    def reward(self) -> float:
        return self.numbers["reward"]

    @property
    def accuracy(self) -> float:
        """The score of the first component that counts."""
        counted = next((name for name, weight in self.domain.components.items() if weight), None)
        score = self.score(counted) if counted else None
        return self.reward if score is None else score

    @property
    def failed(self) -> bool:
        return self.source != "verdict"

    @property
    def failure(self) -> str:
        """The cause as one line; empty with a verdict."""
        return told(self.scored)

    def score(self, component: str) -> float | None:
        return self.numbers.get(f"score/{component}")


def told(scored: ScoredSample) -> str:
    """A failure as one line; empty with a verdict."""
    found = scored.failure
    if found is None:
        return ""
    return ": ".join(part for part in (found["kind"], found["component"], found["message"]) if part)


async def judged(settings: AdapterSettings, sample: RolloutSample, *, size: int | None = None) -> Judged:
    """The sample's reward, by its deadline. Without a verdict the stand-in is

    1. the mean of its scored siblings, for which it waits: until all of `size` are judged or, where that is not known, until
       one is scored and none is at work
    2. without any, the mean of the domain's last rewards, once there are 16: the same number for all of the group

    size: completions a prompt; needed where a component looks at the siblings (ValueError says so). Raises NoVerdict with
    the cause when there is no stand-in, BadGroup for a wrong key, URL or domain, and TooManyFailures.
    """
    gateway = client(settings)
    until = time.monotonic() + (sample.deadline_s or settings.deadline_s)
    domain = await known(gateway, sample.domain)
    if domain.needs_siblings and size is None:
        raise ValueError(
            f"group_size: domain {sample.domain!r} looks at all siblings: say how many (TOUCHSTONE_GROUP_SIZE)"
        )
    family = _family(settings.url)
    group = family.enter(sample, size)
    try:
        scored = await _scored(
            gateway, replace(sample, group_id=group.name if size else None, group_size=size or 1), until
        )
    except BaseException:
        group.leave()
        raise
    found = numbers_of(scored)
    recent = family.recent(sample.domain)
    if scored.reward is not None:
        group.tell(found)
        recent.tell(found, scored.version)
        return Judged(domain, scored, found, "verdict")
    group.tell(None)
    log.info("no verdict: %s", told(scored))
    if scored.failure is None or scored.failure["kind"] not in SHARED:
        await group.changes.until(group.is_settled, until)
    if not group.scored.numbers:
        await recent.changes.until(recent.is_enough, until)
    stand_in, source = group.stand_in(recent)
    if not stand_in:
        raise NoVerdict(f"{told(scored)}; nor is there a scored sibling, or {ENOUGH} rewards of the domain")
    return Judged(domain, scored, stand_in | found, source)


async def known(gateway: AsyncRewardClient, domain: str) -> Domain:
    """The domain. Raises NoVerdict when the gateway does not answer, BadGroup when there is none of this name."""
    try:
        return await gateway.domain(domain)
    except TimeoutError:
        raise unknown(domain) from None


def unknown(domain: str) -> NoVerdict:
    return NoVerdict(f"verifier_unreachable: the gateway did not say what domain {domain!r} is")


async def _scored(gateway: AsyncRewardClient, sample: RolloutSample, until: float) -> ScoredSample:
    """The result, soon after `until` at the latest: a group that lacks members would be waited for without end."""
    try:
        handle = gateway.submit(sample)
    except BadGroup as error:
        return no_verdict("refused", str(error))
    waiting = asyncio.ensure_future(_awaited(handle))
    try:
        done, _ = await asyncio.wait({waiting}, timeout=max(until - time.monotonic(), 0) + GRACE_S)
    finally:
        waiting.cancel()
    if done:
        return waiting.result()
    return no_verdict("deadline_exceeded", "its siblings did not come in time")


async def _awaited(handle: RewardFuture[ScoredSample]) -> ScoredSample:
    return await handle


def numbers_of(scored: ScoredSample) -> Numbers:
    """What there is of them: without a verdict only those that were found all the same."""
    found = {f"score/{name}": score for name, score in scored.components.items() if score is not None}
    return found if scored.reward is None else {"reward": scored.reward, **found}


# --- groups -----------------------------------------------------------------------------------------------------------


class Changes:
    """Wakes whoever waits for a state to be reached, in whatever thread and event loop."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: set[Future[None]] = set()

    def tell(self) -> None:
        with self._lock:
            waiting, self._waiting = self._waiting, set()
        for change in waiting:
            if change.set_running_or_notify_cancel():
                change.set_result(None)

    async def until(self, reached: Callable[[], bool], deadline: float) -> None:
        """Returns when it is reached, or at the deadline, a time of time.monotonic."""
        while (left := deadline - time.monotonic()) > 0:
            change: Future[None] = Future()
            with self._lock:
                self._waiting.add(change)
            try:
                if reached():  # looked at after the entry above, so that no change is missed
                    return
                await asyncio.wait({asyncio.wrap_future(change)}, timeout=left)
            finally:
                change.cancel()
                with self._lock:
                    self._waiting.discard(change)


class Mean:
    """The mean of each number over the samples that have it, exact but for the last rounding: their order is of no
    account, and equal numbers keep their value, as they must: a group of equal rewards has no advantages."""

    def __init__(self) -> None:
        self._totals: dict[str, Fraction] = {}
        self._counts: Counter[str] = Counter()

    @property
    def numbers(self) -> Numbers:
        return {name: float(total / self._counts[name]) for name, total in self._totals.items()}

    def add(self, row: Numbers) -> None:
        for name, number in row.items():
            self._counts[name] += 1
            self._totals[name] = self._totals.get(name, Fraction()) + Fraction(number)


class Group:
    """One group as far as it has come. `size` is None where nobody said it."""

    def __init__(self, size: int | None) -> None:
        self.name = f"{os.getpid()}-{next(_serial)}-{time.time_ns():x}"
        self.begun = time.monotonic()
        self.size = size
        self.scored = Mean()
        self.changes = Changes()
        self._entered = self._judged = 0
        self._stand_in: Numbers = {}
        self._lock = threading.Lock()

    def enter(self) -> bool:
        """False when there is no room left."""
        with self._lock:
            has_room = self.size is None or self._entered < self.size
            self._entered += has_room
        return has_room

    def leave(self) -> None:
        """The member was given up before it was judged."""
        with self._lock:
            self._entered -= 1
        self.changes.tell()

    def tell(self, numbers: Numbers | None) -> None:
        """What a member was judged to be; None for no verdict."""
        with self._lock:
            self._judged += 1
            if numbers is not None:
                self.scored.add(numbers)
        self.changes.tell()

    def is_settled(self) -> bool:
        if self.size is not None:
            return self._judged >= self.size
        return bool(self.scored.numbers) and self._judged == self._entered

    def stand_in(self, recent: Recent) -> tuple[Numbers, str]:
        """(the numbers for a member without a verdict, their source); no numbers where there are none to be had."""
        with self._lock:
            if self.scored.numbers:
                return self.scored.numbers, "siblings"
            self._stand_in = self._stand_in or recent.mean()
            return self._stand_in, "domain"


class Recent:
    """The last rewards of one domain, of its newest version."""

    def __init__(self) -> None:
        self.changes = Changes()
        self._version: str | None = None
        self._rows: deque[Numbers] = deque(maxlen=RECENT)
        self._lock = threading.Lock()

    def tell(self, row: Numbers, version: str | None) -> None:
        with self._lock:
            if version != self._version:
                self._version = version
                self._rows.clear()
            self._rows.append(row)
        self.changes.tell()

    def is_enough(self) -> bool:
        return len(self._rows) >= ENOUGH

    def mean(self) -> Numbers:
        """Empty below ENOUGH."""
        mean = Mean()
        with self._lock:
            for row in self._rows if self.is_enough() else ():
                mean.add(row)
        return mean.numbers


class _Family:
    """The groups and domains of one gateway, in this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: OrderedDict[bytes, Group] = OrderedDict()
        self._recent: dict[str, Recent] = {}

    def enter(self, sample: RolloutSample, size: int | None) -> Group:
        """The sample's group, entered. One of which nothing tells the siblings is a group of its own."""
        if sample.group_id is None and sample.prompt is None:
            group = Group(size)
            group.enter()
            return group
        key = _key(sample, size)
        with self._lock:
            self._forget()
            group = self._open.get(key) or Group(size)
            if not group.enter():
                group = Group(size)
                group.enter()
            if key not in self._open or self._open[key] is not group:
                self._open[key] = group
                self._open.move_to_end(key)
        return group

    def recent(self, domain: str) -> Recent:
        with self._lock:
            return self._recent.setdefault(domain, Recent())

    def _forget(self) -> None:
        """Groups whose window is over; the oldest come first."""
        now = time.monotonic()
        while self._open:
            oldest = next(iter(self._open.values()))
            if now - oldest.begun < WINDOW_S and len(self._open) < MOST_GROUPS:
                return
            self._open.popitem(last=False)


def _key(sample: RolloutSample, size: int | None) -> bytes:
    """Equal for the members of a group; so is all that they share, whoever named the group."""
    shared = [
        sample.group_id,
        sample.domain,
        sample.prompt,
        sample.reference,
        sample.prefix,
        sample.run,
        sample.step,
        size,
    ]
    return hashlib.sha256(repr(shared).encode("utf-8", "surrogatepass")).digest()


_families: dict[tuple[int, str], _Family] = {}


def _family(url: str) -> _Family:
    # A forked process begins anew: its parent's groups are not its own.
    return _families.setdefault((os.getpid(), url), _Family())
