"""Trying again: as long as the deadline allows, as late as the gateway wishes, under one key, never worsening a verdict."""

import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest
from replies import reply, result
from toy_gateway import toy_environment

from trainer_client import RewardClient, RolloutSample, retry
from trainer_client.retry import pause, retry_after

GOOD = reply(result(1.0))


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(retry, "FIRST_S", 0.01)
    monkeypatch.setattr(retry, "LONGEST_S", 0.05)
    monkeypatch.setattr(retry, "SPREAD_S", 0.0)


def score(client, *completions, **more):
    return client.score("toy", list(completions or ["a"]), reference="r", **more)


@pytest.mark.parametrize(
    "trouble",
    [
        httpx.Response(429),
        httpx.Response(500),
        httpx.Response(502, content=b"<html>"),
        httpx.Response(503),
        httpx.ConnectError("refused"),
        httpx.RemoteProtocolError("cut off"),
        b'{"results"',
    ],
)
def test_what_passes_is_tried_again_under_one_key_with_less_time(scripted, trouble):
    client, transport = scripted(trouble, trouble, GOOD)
    assert score(client).rewards == [1.0]
    (first, _), (_, _), (last, _) = transport.asked
    assert first.pop("deadline_s") > last.pop("deadline_s")
    assert first == last
    assert len({headers["idempotency-key"] for _, headers in transport.asked}) == 1
    assert client.step_metrics()["reward/retries"] == 2


def test_it_waits_as_long_as_it_was_told(scripted):
    client, _ = scripted(httpx.Response(429, headers={"retry-after": "1"}), GOOD)
    begun = time.monotonic()
    assert score(client).rewards == [1.0]
    assert time.monotonic() - begun >= 1


@pytest.mark.parametrize(
    ("trouble", "kind", "message"),
    [
        (httpx.Response(429, headers={"retry-after": "60"}), "overloaded", "answered 429"),
        (httpx.Response(503), "overloaded", "answered 503"),
        (httpx.Response(500), "verifier_error", "answered 500"),
        (httpx.ConnectError("refused"), "verifier_unreachable", "ConnectError"),
        (b"{}", "verifier_error", "outside the contract"),
    ],
)
def test_at_the_deadline_all_are_none_with_the_cause(scripted, trouble, kind, message):
    client, _ = scripted(trouble, deadline_s=0.3)
    begun = time.monotonic()
    scored = score(client, "a", "b")
    assert time.monotonic() - begun < 5
    assert scored.rewards == [None, None]
    assert all(failure["kind"] == kind and message in failure["message"] for failure in scored.failures)
    assert scored.version is None


def test_a_sample_that_may_pass_is_tried_again_and_what_was_scored_stays(scripted):
    first = reply(result(0.25), result(None, "overloaded"), result(None, "timeout"))
    again = reply(result(0.75), result(1.0), result(0.5))
    client, transport = scripted(first, again)
    scored = score(client, "a", "b", "c")
    assert scored.rewards == [0.25, 1.0, 0.5]
    assert scored.failures == [None, None, None]
    assert len(transport.asked) == 2


def test_a_failure_of_a_sample_that_does_not_pass_is_not_tried_again(scripted):
    client, transport = scripted(reply(result(0.25), result(None, "timeout")))
    scored = score(client, "a", "b")
    assert scored.rewards == [0.25, None]
    assert scored.failures[1] == {"kind": "timeout", "component": "toy", "message": "told"}
    assert len(transport.asked) == 1


def test_at_the_deadline_the_verdicts_that_there_are_are_kept(scripted):
    client, _ = scripted(reply(result(0.25), result(None, "overloaded")), deadline_s=0.3)
    scored = score(client, "a", "b")
    assert scored.rewards == [0.25, None]
    assert scored.failures[1]["component"] == "toy"


@pytest.mark.slow
def test_a_gateway_that_starts_late_still_scores(toy_folder, free_port):
    with RewardClient(f"http://127.0.0.1:{free_port}", deadline_s=60) as client:
        early = client.submit(RolloutSample("toy", "yes", "yes"))
        with pytest.raises(TimeoutError):
            early.result(timeout=0.2)
        command = [sys.executable, "-m", "reward_api", "serve", "--domains", toy_folder, "--port", str(free_port)]
        server = subprocess.Popen(command, env=toy_environment(), stderr=subprocess.DEVNULL)
        try:
            assert early.result().reward == 1.0
        finally:
            server.terminate()
            assert server.wait(30) == 0
        assert client.step_metrics()["reward/retries"] >= 1


def test_full_jitter_is_between_nothing_and_a_bound_that_grows(monkeypatch):
    monkeypatch.undo()
    for tries, most in ((0, 0.25), (3, 2.0), (10, 10.0), (10_000, 10.0)):
        waits = [pause(tries, None) for _ in range(2000)]
        assert 0 <= min(waits) < most * 0.05
        assert most * 0.95 < max(waits) <= most
    assert 7 <= pause(0, 7.0) <= 7.5


def test_retry_after_is_seconds_or_a_date():
    def read(value):
        return retry_after(httpx.Headers([(b"retry-after", value.encode("latin-1"))]))

    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    assert 25 < read(soon) <= 30
    assert read(format_datetime(datetime(2001, 1, 1, tzinfo=UTC), usegmt=True)) == 0
    assert read("3") == 3
    for nonsense in ("", "soon", "-1", "1e9", "\xb2"):
        assert read(nonsense) is None
    assert retry_after(httpx.Headers()) is None
