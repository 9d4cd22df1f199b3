"""Which samples are siblings, when a trainer hands over a group's samples one by one.

Siblings have all in common but their completions, and arrive within a window of time. A group is known for two purposes:
verifiers that look at all siblings, which need the group's size, and the number that a trainer is given for a sample without
a verdict (`imputation`).
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import threading
import time
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from trainer_client.dialect.imputation import Mean, Numbers, RecentRewards, Source
from trainer_client.dialect.messages import Text
from trainer_client.dialect.waiting import Changes

WINDOW_S = 600.0
MAX_GROUPS = 32_768

_serial = itertools.count()


def group_key(
    scope: Sequence[Any],
    *,
    group_id: str | None,
    prompt: Text | None,
    reference: Mapping[str, Any],
    prefix: str,
    size: int | None,
) -> bytes | None:
    """Equal for siblings. None when neither an id nor a prompt tells them from strangers.

    scope: what else they share, their domain first. An id parts groups of one prompt. It does not join different prompts:
    two runs may number their groups alike. Without an id, two rows with one prompt are told apart by their references.
    """
    if group_id is None and not prompt:
        return None
    return digest(*scope, group_id, prompt, reference if group_id is None else None, prefix, size)


def digest(*parts: Any) -> bytes:
    """Equal for equal parts, whatever the order of their keys."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=repr).encode()).digest()


class SiblingGroup:
    """One group as far as it has arrived. Any thread may call.

    size: None where nobody says it. imputed: what its first member without a verdict got, when no sibling was scored.
    """

    def __init__(self, size: int | None) -> None:
        self.name = f"{os.getpid()}-{next(_serial)}-{time.time_ns():x}"
        self.size = size
        self.changes = Changes()
        self._scored = Mean()
        self._imputed: tuple[Numbers, Source] | None = None
        self._seats = 0
        self._vacant: defaultdict[bytes, list[int]] = defaultdict(list)
        self._judged: set[int] = set()
        self._lock = threading.RLock()

    @property
    def scored(self) -> Numbers:
        """The mean of the members' numbers; empty while none is scored."""
        with self._lock:
            return self._scored.numbers

    def enter(self, sample: bytes) -> int | None:
        """The member's index, or None when the group is full. A sample that left and comes again takes the place it had."""
        with self._lock:
            if vacant := self._vacant.get(sample):
                return vacant.pop()
            if self.size is not None and self._seats >= self.size:
                return None
            self._seats += 1
            return self._seats - 1

    def leave(self, sample: bytes, seat: int) -> None:
        """The member was given up before it was judged."""
        with self._lock:
            self._vacant[sample].append(seat)
        self.changes.announce()

    def take_back(self, sample: bytes, seat: int) -> None:
        """The member was refused, and may come again."""
        with self._lock:
            self._judged.discard(seat)
        self.leave(sample, seat)

    def judge(self, seat: int, numbers: Numbers | None) -> None:
        """The member is judged: its numbers, or None without a verdict."""
        with self._lock:
            self._judged.add(seat)
            if numbers is not None:
                self._scored.add(numbers)
        self.changes.announce()

    def is_settled(self) -> bool:
        """All members are judged; in a group of unknown size, one is scored and none is at work."""
        with self._lock:
            if self.size is not None:
                return len(self._judged) >= self.size
            at_work = self._seats - len(self._judged) - sum(map(len, self._vacant.values()))
            return bool(self._scored.numbers) and at_work == 0

    def impute(self, recent: RecentRewards, middle: Numbers | None = None) -> tuple[Numbers, Source] | None:
        """(numbers, their source) for a member without a verdict; None when there is nothing to impute from.

        middle: the middle of what the numbers can be, for a trainer that takes even that.
        """
        with self._lock:
            if scored := self._scored.numbers:
                return scored, "siblings"
            if self._imputed is None:
                self._imputed = _without_siblings(recent.mean(), middle)
            return self._imputed


def _without_siblings(mean: Numbers, middle: Numbers | None) -> tuple[Numbers, Source] | None:
    if mean:
        return mean, "domain"
    return (middle, "range") if middle else None


class SiblingGroups:
    """The groups of one gateway: at most MAX_GROUPS, each open to new members for `window_s` seconds from its first, or
    until it is full. Any thread may call."""

    def __init__(self, window_s: float = WINDOW_S, timer: Callable[[], float] = time.monotonic) -> None:
        self._window_s = window_s
        self._timer = timer
        self._lock = threading.Lock()
        self._open: OrderedDict[bytes, tuple[float, SiblingGroup]] = OrderedDict()

    def enter(self, key: bytes | None, size: int | None, sample: bytes) -> tuple[SiblingGroup, int]:
        """The group that the sample belongs to, and its index there. Without a key it is a group of its own."""
        if key is None:
            return _new(size, sample)
        with self._lock:
            self._close_old()
            if key in self._open:
                group = self._open[key][1]
                if (seat := group.enter(sample)) is not None:
                    return group, seat
                del self._open[key]
            elif len(self._open) >= MAX_GROUPS:
                self._open.popitem(last=False)
            group, seat = _new(size, sample)
            self._open[key] = self._timer(), group
        return group, seat

    def _close_old(self) -> None:
        """Groups whose window is over; the oldest come first."""
        now = self._timer()
        while self._open:
            begun, _ = next(iter(self._open.values()))
            if now - begun < self._window_s:
                return
            self._open.popitem(last=False)


def _new(size: int | None, sample: bytes) -> tuple[SiblingGroup, int]:
    group = SiblingGroup(size)
    seat = group.enter(sample)
    assert seat is not None  # noqa: S101
    return group, seat
