"""Prometheus metrics. Labels come from configuration only (domains, verifiers, failure kinds), never from requests."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import Counter as Counts
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Metric, generate_latest
from prometheus_client.core import HistogramMetricFamily
from prometheus_client.registry import Collector

from reward_verifiers.contract import ANSWER_NOT_READ, SampleResult, Verdict, has_flag

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)


class ScoreHistogram(Collector):
    """Scores by verifier. It takes the scores of a group at once; Prometheus's own histogram is slow, one by one."""

    BOUNDS = (-1.0, -0.5, 0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0, 2.0)

    def __init__(self) -> None:
        self._counts: defaultdict[str, list[int]] = defaultdict(lambda: [0] * (len(self.BOUNDS) + 1))
        self._sums: defaultdict[str, float] = defaultdict(float)

    def observe(self, verifier: str, scores: Sequence[float]) -> None:
        counts = self._counts[verifier]
        for score in scores:
            counts[bisect_left(self.BOUNDS, score)] += 1
        self._sums[verifier] += math.fsum(scores)

    def collect(self) -> Iterator[Metric]:
        family = HistogramMetricFamily("reward_value", "Scores.", labels=["verifier"])
        for verifier, counts in self._counts.items():
            bounds = [*map(str, self.BOUNDS), "+Inf"]
            family.add_metric([verifier], [*zip(bounds, accumulate(counts), strict=True)], self._sums[verifier])
        yield family


class Metrics:
    """One registry an app, so that two apps in one process do not share counts."""

    def __init__(self, version: str) -> None:
        self.registry = CollectorRegistry()
        registry = self.registry
        self._requests = Counter("reward_requests", "Groups scored.", ["domain", "outcome"], registry=registry)
        self._samples = Counter("reward_samples", "Verdicts.", ["verifier", "status"], registry=registry)
        self._seconds = Histogram(
            "reward_request_duration_seconds", "Time to score a group.", ["domain"], buckets=_SECONDS, registry=registry
        )
        self._verifier_seconds = Histogram(
            "reward_verifier_duration_seconds",
            "Time for a group's verdicts.",
            ["verifier"],
            buckets=_SECONDS,
            registry=registry,
        )
        self._not_read = Counter(
            "reward_answers_not_read", "Answers that a verifier could not read whole.", ["verifier"], registry=registry
        )
        self._values = ScoreHistogram()
        registry.register(self._values)
        self._rejected = Counter("reward_rejected_samples", "Samples refused.", ["reason"], registry=registry)
        self._in_flight = Gauge("reward_inflight_samples", "Samples at work.", registry=registry)
        self._lookups = Gauge(
            "reward_cache_lookups",
            "Samples looked up in the cache so far, and groups whose reply was replayed.",
            ["result"],
            registry=registry,
        )
        self._up = Gauge("reward_backend_up", "Whether a verifier answers.", ["backend"], registry=registry)
        Gauge("reward_build_info", "Version.", ["version"], registry=registry).labels(version).set(1)

    def scored(self, domain: str, results: Sequence[SampleResult], seconds: float) -> None:
        valid = sum(result.valid for result in results)
        outcome = "complete" if valid == len(results) else "partial" if valid else "failed"
        self._requests.labels(domain, outcome).inc()
        self._seconds.labels(domain).observe(seconds)

    def verified(self, verifier: str, verdicts: Sequence[Verdict], seconds: float) -> None:
        self._verifier_seconds.labels(verifier).observe(seconds)
        outcomes = Counts(verdict.failure.kind.value if verdict.failure else "scored" for verdict in verdicts)
        for outcome, count in outcomes.items():
            self._samples.labels(verifier, outcome).inc(count)
        if not_read := sum(has_flag(verdict, ANSWER_NOT_READ) for verdict in verdicts):
            self._not_read.labels(verifier).inc(not_read)
        self._values.observe(verifier, [verdict.score for verdict in verdicts if verdict.score is not None])

    def rejected(self, reason: str, samples: int) -> None:
        self._rejected.labels(reason).inc(samples)

    def watch(self, in_flight: Callable[[], float], lookups: dict[str, Callable[[], float]]) -> None:
        """Values that are read when the page is."""
        self._in_flight.set_function(in_flight)
        for result, count in lookups.items():
            self._lookups.labels(result).set_function(count)

    def up(self, backend: str, answers: bool) -> None:
        self._up.labels(backend).set(answers)

    def page(self) -> bytes:
        return generate_latest(self.registry)
