"""Admission: work is let in while there is room, and refused at once when there is none.

Waiting rooms are where latency explodes; a refused trainer comes back after `Retry-After`.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from reward_verifiers.verifier import Overloaded

MAX_RETRY_AFTER_S = 30.0


SMALL = 64 << 10


class Admission:
    """Room for `limit` units (samples, or bytes) at a time. An idle service admits one piece of work of any size.

    reserve: units of the room that work of more than `SMALL` units cannot have, so that small work finds room. what: the
    name of the units, for whoever is refused.
    """

    def __init__(self, limit: int, reserve: int = 0, what: str = "work") -> None:
        self.limit = limit
        self._reserve, self._what = reserve, what
        self.in_flight = 0
        self.refused = 0
        """How often there was no room."""
        self._pace = _Pace()

    @contextmanager
    def enter(self, units: int) -> Iterator[Room]:
        """Hold `units` of room for the length of a `with` block. Raises Overloaded at once when there is none."""
        room = Room(self)
        try:
            room.grow(units)
            yield room
        finally:
            self.give_back(room.units)

    def give_back(self, units: int) -> None:
        self.in_flight -= units
        self._pace.finished(units)

    def check(self, units: int, holding: int = 0) -> None:
        """Raises Overloaded when `units` more do not fit beside what others hold. Takes no room."""
        limit = self.limit - (self._reserve if holding + units > SMALL else 0)
        excess = self.in_flight + units - limit
        if self.in_flight > holding and excess > 0:
            self.refused += 1
            raise Overloaded(
                self._pace.seconds_for(excess), f"There is no room for more {self._what}: the limit is {self.limit}."
            )

    def take(self, units: int, holding: int) -> None:
        """Hold `units` more. Raises Overloaded."""
        self.check(units, holding)
        self.in_flight += units


class Room:
    """What one piece of work holds of an Admission."""

    def __init__(self, admission: Admission) -> None:
        self._admission = admission
        self.units = 0

    def grow(self, units: int) -> None:
        """Hold `units` more. Raises Overloaded."""
        self._admission.take(units, self.units)
        self.units += units

    def shrink(self, units: int) -> None:
        """Give back `units` of what is held."""
        self._admission.give_back(units)
        self.units -= units


class _Pace:
    """How fast units finish: an exponential mean over the last seconds."""

    _HALF_LIFE_S = 5.0

    def __init__(self) -> None:
        self._per_s = 0.0
        self._since = time.monotonic()

    def finished(self, units: int) -> None:
        now = time.monotonic()
        elapsed = max(now - self._since, 1e-3)
        keep = 0.5 ** (elapsed / self._HALF_LIFE_S)
        self._per_s = keep * self._per_s + (1 - keep) * units / elapsed
        self._since = now

    def seconds_for(self, units: int) -> float:
        if self._per_s <= 0:
            return 1.0
        return min(max(units / self._per_s, 1.0), MAX_RETRY_AFTER_S)
