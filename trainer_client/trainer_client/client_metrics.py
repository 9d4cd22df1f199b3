"""What a run must notice about its rewards: how many have no verdict, and how long training waited for them."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager

from trainer_client.errors import TooManyFailures
from trainer_client.results import ScoredGroup

log = logging.getLogger("trainer_client")

WARN_AT = 0.05
# The share of failures is that of the last so many samples, once there are enough to speak of a share.
WINDOW = 1024
ENOUGH = 64
# Latencies that are remembered of one step.
LATENCIES = 65_536


class ClientMetrics:
    """Counts of one client in one process; any thread may write or read."""

    def __init__(self, stop_at: float) -> None:
        self._stop_at = stop_at
        self._lock = threading.Lock()
        self._recent: deque[str | None] = deque()
        self._recent_failed = 0
        self._has_warned = False
        self._blocked = threading.local()
        self._at_work = 0
        self._since = 0.0
        self._clear()

    def _clear(self) -> None:
        self._samples = 0
        self._retries = 0
        self._failures: Counter[str] = Counter()
        self._latencies: deque[float] = deque(maxlen=LATENCIES)
        self._busy_s = 0.0
        self._last_in = self._last_out = time.monotonic()

    # --- written by the background loop -------------------------------------------------------------------------------

    def arrived(self) -> None:
        """A completion is finished, and its reward is wanted from now on."""
        with self._lock:
            self._last_in = time.monotonic()

    @contextmanager
    def working(self) -> Iterator[None]:
        """The gateway has something of ours to do."""
        begun = time.monotonic()
        with self._lock:
            self._since = self._since if self._at_work else begun
            self._at_work += 1
        try:
            yield
        finally:
            with self._lock:
                self._at_work -= 1
                self._last_out = now = time.monotonic()
                self._latencies.append(now - begun)
                if not self._at_work:
                    self._busy_s += now - self._since

    def retried(self) -> None:
        with self._lock:
            self._retries += 1

    def scored(self, scored: ScoredGroup) -> None:
        """Count a group; warns when the share of failures passes 5 %."""
        kinds = [sample.failure["kind"] if sample.failure else None for sample in scored]
        with self._lock:
            self._samples += len(kinds)
            self._remember(kinds)
            self._failures.update(kind for kind in kinds if kind)
            share, has_warned = self._share(), self._has_warned
            self._has_warned = share > WARN_AT
        if share > WARN_AT and not has_warned:
            log.warning("%s", self._failure_text(share))

    # --- read by the caller -------------------------------------------------------------------------------------------

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """This thread stands still for a reward."""
        begun = time.monotonic()
        try:
            yield
        finally:
            self._blocked.s = getattr(self._blocked, "s", 0.0) + time.monotonic() - begun

    def check(self) -> None:
        """Raises TooManyFailures when the share of samples without a verdict is above `stop_at`."""
        with self._lock:
            share = self._share()
        if share > self._stop_at:
            raise TooManyFailures(f"{self._failure_text(share)} The run stops above {self._stop_at:.0%} (stop_at).")

    def step(self) -> dict[str, float]:
        """The figures since the last call; logs them. Nothing scored since then: an empty dict."""
        with self._lock:
            if not self._samples:
                return {}
            figures = self._figures()
            self._clear()
        self._blocked.s = 0.0
        log.info("rewards: %s", ", ".join(f"{name} {value:.4g}" for name, value in figures.items()))
        return figures

    def _figures(self) -> dict[str, float]:
        now = time.monotonic()
        busy = self._busy_s + (now - self._since if self._at_work else 0.0)
        tail = (now if self._at_work else self._last_out) - self._last_in
        exposed = max(tail, getattr(self._blocked, "s", 0.0), 0.0)
        ordered = sorted(self._latencies) or [0.0]
        return {
            "reward/exposed_s": exposed,
            "reward/hidden_frac": min(max(1.0 - exposed / busy, 0.0), 1.0) if busy > 0 else 1.0,
            "reward/latency_s/p50": _quantile(ordered, 0.5),
            "reward/latency_s/p99": _quantile(ordered, 0.99),
            "reward/failed_frac": sum(self._failures.values()) / self._samples,
            "reward/retries": float(self._retries),
            **{f"failures/{kind}": float(count) for kind, count in sorted(self._failures.items())},
        }

    def _remember(self, kinds: list[str | None]) -> None:
        self._recent.extend(kinds)
        self._recent_failed += sum(kind is not None for kind in kinds)
        while len(self._recent) > WINDOW:
            self._recent_failed -= self._recent.popleft() is not None

    def _share(self) -> float:
        if len(self._recent) < ENOUGH:
            return 0.0
        return self._recent_failed / len(self._recent)

    def _failure_text(self, share: float) -> str:
        with self._lock:
            kinds = Counter(kind for kind in self._recent if kind).most_common(3)
            count = len(self._recent)
        causes = ", ".join(f"{number} {kind}" for kind, number in kinds)
        return f"{share:.0%} of the last {count} samples have no verdict: {causes}."


def _quantile(ordered: list[float], share: float) -> float:
    return ordered[min(math.ceil(share * len(ordered)), len(ordered)) - 1]
