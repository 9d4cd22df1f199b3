"""Failures that must be noticed, and the time that training waited."""

import logging

import pytest
from replies import reply, result

from trainer_client import TooManyFailures, client_metrics
from trainer_client.client_metrics import ClientMetrics
from trainer_client.results import ScoredGroup, ScoredSample, no_verdict


def scored(count):
    return ScoredGroup([ScoredSample(1.0, None, {}, "v")] * count)


def failed(count, kind="timeout"):
    return ScoredGroup([no_verdict(kind, "told")] * count)


def test_it_warns_once_when_the_share_of_failures_passes_5_percent(caplog):
    counts = ClientMetrics(stop_at=1)
    with caplog.at_level(logging.WARNING, "trainer_client"):
        counts.scored(scored(95))
        counts.scored(failed(5))
        assert not caplog.messages
        counts.scored(failed(1))
        counts.scored(failed(1, "overloaded"))
        assert caplog.messages == ["6% of the last 101 samples have no verdict: 6 timeout."]
        counts.scored(scored(900))
        counts.scored(failed(100))
        assert len(caplog.messages) == 2, "it was better in between"


def test_a_few_failures_at_the_start_are_no_share_yet():
    counts = ClientMetrics(stop_at=0.05)
    counts.scored(failed(client_metrics.ENOUGH - 1))
    counts.check()
    counts.scored(failed(1))
    with pytest.raises(TooManyFailures, match=r"100% of the last 64 .* 64 timeout"):
        counts.check()


def test_the_share_may_be_as_large_as_stop_at():
    counts = ClientMetrics(stop_at=0.5)
    counts.scored(scored(client_metrics.WINDOW // 2))
    counts.scored(failed(client_metrics.WINDOW // 2))
    counts.check()
    counts.scored(failed(1))
    with pytest.raises(TooManyFailures):
        counts.check()


def test_only_the_last_samples_count():
    counts = ClientMetrics(stop_at=0.5)
    window = client_metrics.WINDOW
    counts.scored(failed(window // 2 + 1))
    counts.scored(scored(window // 2 - 1))
    with pytest.raises(TooManyFailures):
        counts.check()
    counts.scored(scored(1))
    counts.check()


def test_a_run_without_verdicts_is_stopped(scripted):
    client, _ = scripted(reply(*[result(None, "worker_crashed")] * 32), stop_at=0.4)
    assert client.score("toy", ["a"] * 32, reference="r").rewards == [None] * 32
    with pytest.raises(TooManyFailures, match=r"worker_crashed.*stop_at"):
        client.score("toy", ["a"] * 32, reference="r")
    with pytest.raises(TooManyFailures):
        client.score("toy", ["a"] * 32, reference="r")


class Clock:
    now = 100.0

    def monotonic(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(client_metrics, "time", clock)
    return clock


def run(counts, clock, events):
    """Each event is (seconds later, what): a completion arrives, a request begins or ends."""
    at_work = []
    for seconds, what in events:
        clock.now += seconds
        if what == "arrive":
            counts.arrived()
            at_work.append(counts.working())
            at_work[-1].__enter__()
        else:
            at_work.pop(0).__exit__(None, None, None)
            counts.scored(scored(1))


def test_what_is_scored_while_others_are_generated_is_hidden(clock):
    counts = ClientMetrics(1)
    run(counts, clock, [(0, "arrive"), (2, "end"), (5, "arrive"), (1, "arrive"), (1, "end"), (1, "end")])
    figures = counts.step()
    # Generation ends with the last arrival, and the last reward comes 2 s later; the gateway was at work for 2 + 3 s.
    assert figures["reward/exposed_s"] == pytest.approx(2)
    assert figures["reward/hidden_frac"] == pytest.approx(1 - 2 / 5)
    assert figures["reward/latency_s/p50"] == pytest.approx(2)


def test_what_is_scored_after_generation_is_exposed(clock):
    counts = ClientMetrics(1)
    run(counts, clock, [(0, "arrive"), (0, "arrive"), (3, "end"), (1, "end")])
    figures = counts.step()
    assert (figures["reward/exposed_s"], figures["reward/hidden_frac"]) == (4, 0)


def test_waiting_group_by_group_adds_up(clock):
    counts = ClientMetrics(1)
    for _ in range(3):
        clock.now += 10
        with counts.waiting():
            run(counts, clock, [(0, "arrive"), (2, "end")])
    assert counts.step()["reward/exposed_s"] == 6
    run(counts, clock, [(0, "arrive"), (1, "end")])
    assert counts.step()["reward/exposed_s"] == 1, "a step begins anew"


def test_the_figures_are_logged_and_name_the_failures(clock, caplog):
    counts = ClientMetrics(1)
    assert counts.step() == {}
    run(counts, clock, [(0, "arrive"), (1, "end")])
    counts.scored(failed(3, "overloaded"))
    with caplog.at_level(logging.INFO, "trainer_client"):
        figures = counts.step()
    assert (figures["reward/failed_frac"], figures["failures/overloaded"]) == (0.75, 3)
    assert "reward/exposed_s 1, reward/hidden_frac 0" in caplog.messages[-1]


def test_a_client_measures_its_steps(toy_url):
    from trainer_client import RewardClient

    with RewardClient(toy_url) as client:
        client.score("toy", ["yes", "crash"], reference="yes")
        figures = client.step_metrics()
        assert client.step_metrics() == {}
    assert figures["reward/exposed_s"] > 0
    assert figures["reward/hidden_frac"] < 0.5
    assert (figures["reward/failed_frac"], figures["failures/worker_crashed"]) == (0.5, 1)
