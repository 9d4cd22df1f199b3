"""What judging has cost, for Prometheus."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

from preference_model.judge.usage import Usage


class UsageCollector(Collector):
    """Calls, tokens and repeated questions of a service's judges."""

    def __init__(self, usage: Callable[[], Usage]) -> None:
        self._usage = usage

    def collect(self) -> Iterator[CounterMetricFamily]:
        usage = self._usage()
        yield CounterMetricFamily("judge_calls", "Requests to judges.", value=usage.calls)
        yield CounterMetricFamily("judge_cached", "Judgements that an earlier one answered.", value=usage.cached)
        yield CounterMetricFamily("judge_cost", "Cost of judges, at the prices that are set.", value=usage.cost)
        tokens = CounterMetricFamily("judge_tokens", "Tokens of judges.", labels=["kind"])
        tokens.add_metric(["prompt"], usage.prompt_tokens)
        tokens.add_metric(["completion"], usage.completion_tokens)
        yield tokens


def install(registry: CollectorRegistry, usage: Callable[[], Usage]) -> None:
    registry.register(UsageCollector(usage))
