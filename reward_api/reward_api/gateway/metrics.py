"""Prometheus metrics. Labels come from configuration only (domains, verifiers, failure kinds), never from requests."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import Counter as Counts
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate, product
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Metric, generate_latest
from prometheus_client.core import HistogramMetricFamily
from prometheus_client.registry import Collector

from reward_api.monitor.observation import Check
from reward_verifiers.contract import ANSWER_NOT_READ, SampleResult, Verdict, has_flag

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)


GRADED = ("for", "against", "no_verdict")
"""What a second verdict says of the first."""
_JUDGE_COUNTS: tuple[tuple[str, str, list[str]], ...] = (
    ("calls", "Requests to judges.", []),
    ("cached", "Judgements that an earlier one answered.", []),
    ("cost", "Cost of judges, at the prices that are set.", []),
    ("tokens", "Tokens of judges.", ["kind"]),
)


def _sum(usages: Sequence[dict[str, Any]], name: str) -> float:
    counts: list[Any] = [usage.get(name) for usage in usages]
    return math.fsum(one for one in counts if type(one) in (int, float) and 0 <= one < math.inf)


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
        self._judges = {
            name: Counter(f"reward_judge_{name}", text, ["verifier", *labels], registry=registry)
            for name, text, labels in _JUDGE_COUNTS
        }
        self._not_read = Counter(
            "reward_answers_not_read", "Answers that a verifier could not read whole.", ["verifier"], registry=registry
        )
        self._values = ScoreHistogram()
        registry.register(self._values)
        self._scored = Counter(
            "reward_scored_samples", "Samples, with and without a reward.", ["domain"], registry=registry
        )
        self._nulls = Counter(
            "reward_null_samples",
            "Samples without a reward, by cause.",
            ["domain", "component", "cause"],
            registry=registry,
        )
        self._up = Gauge("reward_backend_up", "Whether a verifier answers.", ["backend"], registry=registry)
        self._monitor = Gauge(
            "reward_monitor_state",
            "What the monitor thinks of a domain's rewards: 0 OK, 1 WATCH, 2 SUSPECT, 3 HACKING.",
            ["domain"],
            registry=registry,
        )
        self._graded: dict[tuple[str, str, str], int] = {}
        self._regrades = Counter(
            "reward_monitor_regrades",
            "Completions that the monitor has graded again, by what that said of the first verdict.",
            ["domain", "check", "outcome"],
            registry=registry,
        )
        Gauge("reward_build_info", "Version.", ["version"], registry=registry).labels(version).set(1)

    def scored(self, domain: str, results: Sequence[SampleResult], seconds: float) -> None:
        valid = sum(result.valid for result in results)
        outcome = "complete" if valid == len(results) else "partial" if valid else "failed"
        self._requests.labels(domain, outcome).inc()
        self._seconds.labels(domain).observe(seconds)
        self._scored.labels(domain).inc(len(results))
        failures = Counts((one.component, one.kind.value) for result in results if (one := result.failure) is not None)
        for (component, kind), count in failures.items():
            self._nulls.labels(domain, component, kind).inc(count)

    def verified(self, verifier: str, verdicts: Sequence[Verdict], seconds: float) -> None:
        self._verifier_seconds.labels(verifier).observe(seconds)
        outcomes = Counts(verdict.failure.kind.value if verdict.failure else "scored" for verdict in verdicts)
        for outcome, count in outcomes.items():
            self._samples.labels(verifier, outcome).inc(count)
        self._judged(verifier, verdicts)
        if not_read := sum(has_flag(verdict, ANSWER_NOT_READ) for verdict in verdicts):
            self._not_read.labels(verifier).inc(not_read)
        self._values.observe(verifier, [verdict.score for verdict in verdicts if verdict.score is not None])

    def _judged(self, verifier: str, verdicts: Sequence[Verdict]) -> None:
        """What judges cost, by the `usage` in the evidence. A verifier behind a URL may send anything there."""
        usages = [usage for verdict in verdicts if isinstance(usage := verdict.evidence.get("usage"), dict)]
        if not usages:
            return
        for name in ("calls", "cached", "cost"):
            self._judges[name].labels(verifier).inc(_sum(usages, name))
        for kind in ("prompt", "completion"):
            self._judges["tokens"].labels(verifier, kind).inc(_sum(usages, f"{kind}_tokens"))

    def up(self, backend: str, answers: bool) -> None:
        self._up.labels(backend).set(answers)

    def monitored(self, states: Mapping[str, int], regrades: Mapping[tuple[str, str, str], int]) -> None:
        """The state of each domain, and how often it was graded again: (domain, check, outcome) → how often."""
        self._monitor.clear()
        for domain, state in states.items():
            self._monitor.labels(domain).set(state)
        for labels in [*product(states, Check, GRADED), *regrades]:
            count = regrades.get(labels, 0)
            self._regrades.labels(*labels).inc(count - self._graded.get(labels, 0))
            self._graded[labels] = count

    def page(self) -> bytes:
        return generate_latest(self.registry)
