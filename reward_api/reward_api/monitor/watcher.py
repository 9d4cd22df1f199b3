"""All streams: one for each run of each domain. What clients call their runs is kept for the last few runs alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cachetools import LRUCache

from reward_api.monitor.alarms import State
from reward_api.monitor.observation import Record
from reward_api.monitor.spec import Limits
from reward_api.monitor.stream import Stream

RUNS = 8
"""Of each domain."""


@dataclass(slots=True)
class _Run:
    version: str
    stream: Stream


class Watcher:
    """Takes records in order. limits: of the domain of this name."""

    def __init__(self, limits: Callable[[str], Limits]) -> None:
        self._limits = limits
        self._domains: dict[str, LRUCache[str, _Run]] = {}

    def observe(self, record: Record) -> Stream:
        """The stream that the record belongs to, after it. With another version of the domain it begins anew."""
        runs = self._domains.get(record.domain)
        if runs is None:
            runs = self._domains[record.domain] = LRUCache(RUNS)
        run = runs.get(record.run)
        if run is None or run.version != record.version:
            run = runs[record.run] = _Run(record.version, Stream(self._limits(record.domain)))
        run.stream.limits = self._limits(record.domain)
        run.stream.observe(record)
        return run.stream

    def runs(self) -> list[tuple[str, str]]:
        """(domain, run) of all that are kept."""
        return [(name, run) for name, runs in self._domains.items() for run in runs]

    def state_of(self, domain: str, run: str) -> State:
        return self._domains[domain][run].stream.state

    def document(self) -> dict[str, Any]:
        """Domain → run → what is known of it."""
        return {
            name: {run: {"version": one.version, **one.stream.document()} for run, one in runs.items()}
            for name, runs in sorted(self._domains.items())
        }
