"""Prometheus metrics. Labels come from configuration only (domains, verifiers, failure kinds), never from requests."""

from __future__ import annotations

from collections import Counter as Counts
from collections.abc import Callable, Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from reward_verifiers.contract import SampleResult, Verdict

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)


class Metrics:
    """One registry an app, so that two apps in one process do not share counts."""

    def __init__(self, version: str) -> None:
        self.registry = CollectorRegistry()
        made = self.registry
        self._requests = Counter("reward_requests", "Groups scored.", ["domain", "outcome"], registry=made)
        self._samples = Counter("reward_samples", "Verdicts.", ["verifier", "status"], registry=made)
        self._seconds = Histogram(
            "reward_request_duration_seconds", "Time to score a group.", ["domain"], buckets=_SECONDS, registry=made
        )
        self._verifier_seconds = Histogram(
            "reward_verifier_duration_seconds",
            "Time for a group's verdicts.",
            ["verifier"],
            buckets=_SECONDS,
            registry=made,
        )
        self._values = Histogram(
            "reward_value",
            "Scores.",
            ["verifier"],
            buckets=(-1, -0.5, 0, 0.1, 0.25, 0.5, 0.75, 0.9, 1, 2),
            registry=made,
        )
        self._rejected = Counter("reward_rejected_samples", "Samples refused.", ["reason"], registry=made)
        self._in_flight = Gauge("reward_inflight_samples", "Samples at work.", registry=made)
        self._lookups = Gauge(
            "reward_cache_lookups",
            "Samples looked up in the cache so far, and groups whose reply was replayed.",
            ["result"],
            registry=made,
        )
        self._imputed = Counter(
            "reward_imputed_samples", "No verdict, told as a number.", ["domain", "source"], registry=made
        )
        self._up = Gauge("reward_backend_up", "Whether a verifier answers.", ["backend"], registry=made)
        Gauge("reward_build_info", "Version.", ["version"], registry=made).labels(version).set(1)

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
        values = self._values.labels(verifier)
        for verdict in verdicts:
            if verdict.score is not None:
                values.observe(verdict.score)

    def rejected(self, reason: str, samples: int) -> None:
        self._rejected.labels(reason).inc(samples)

    def imputed(self, domain: str, source: str) -> None:
        self._imputed.labels(domain, source).inc()

    def watch(self, in_flight: Callable[[], float], lookups: dict[str, Callable[[], float]]) -> None:
        """Values that are read when the page is."""
        self._in_flight.set_function(in_flight)
        for result, count in lookups.items():
            self._lookups.labels(result).set_function(count)

    def up(self, backend: str, answers: bool) -> None:
        self._up.labels(backend).set(answers)

    def page(self) -> bytes:
        return generate_latest(self.registry)
