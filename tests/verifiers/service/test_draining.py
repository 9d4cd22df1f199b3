"""The end of a service: not ready, no new work, what is at work finishes within the grace, and the rest is told so."""

import asyncio
import signal
import threading
import time

import httpx
import pytest
from toy_gateway import REMOTE

from reward_verifiers.service.draining import Deadlines, Draining


async def test_an_idle_service_ends_at_once():
    await Draining().drain(1000)


async def test_work_may_finish_within_the_grace():
    draining, go, called_off = Draining(), asyncio.Event(), []

    async def work():
        with draining.at_work():
            await go.wait()

    working = asyncio.create_task(work())
    await asyncio.sleep(0)
    draining.cancellations.add(lambda: called_off.append(1))
    end = asyncio.create_task(draining.drain(1000))
    await asyncio.sleep(0)
    assert draining.begun
    assert not end.done()
    go.set()
    await end
    await working
    assert not called_off
    assert not draining.deadlines.called_off


async def test_after_the_grace_deadlines_are_brought_forward_and_then_requests_are_cancelled(monkeypatch):
    monkeypatch.setattr("reward_verifiers.service.draining.REPLY_S", 0.01)
    draining, order = Draining(), []

    async def bounded():
        with draining.at_work():
            try:
                async with draining.deadlines.at(asyncio.get_running_loop().time() + 1000):
                    await asyncio.Event().wait()
            except TimeoutError:
                order.append("deadline")

    async def endless():
        with draining.at_work():
            draining.cancellations.add(task_of.cancel)
            try:
                await asyncio.Event().wait()
            finally:
                order.append("cancelled")

    first, task_of = asyncio.create_task(bounded()), asyncio.create_task(endless())
    await asyncio.sleep(0)
    await draining.drain(0)
    await asyncio.gather(first, task_of, return_exceptions=True)
    assert order == ["deadline", "cancelled"]


async def test_work_that_begins_after_the_end_has_no_time():
    deadlines = Deadlines()
    deadlines.call_off()
    with pytest.raises(TimeoutError):
        async with deadlines.at(asyncio.get_running_loop().time() + 1000):
            await asyncio.Event().wait()


SLOW = {"completions": [f"hang {number}" for number in range(40)], "reference": "yes", "deadline_s": 60}


def in_the_background(post):
    replies = []
    thread = threading.Thread(target=lambda: replies.append(post()))
    thread.start()
    return thread, replies


@pytest.mark.slow
def test_a_terminated_service_answers_what_it_has_and_refuses_what_is_new(serve):
    with serve("toys:Toy", "--workers", "1", TOUCHSTONE_SHUTDOWN_GRACE_S="1") as (url, process):
        thread, replies = in_the_background(lambda: httpx.post(f"{url}/verify", json=SLOW, timeout=60))
        until(lambda: "reward_inflight_samples 40.0" in httpx.get(f"{url}/metrics").text)
        process.send_signal(signal.SIGHUP)
        process.terminate()
        until(lambda: httpx.get(f"{url}/readyz").status_code == 503)
        refused = httpx.post(f"{url}/verify", json=SLOW)
        assert httpx.get(f"{url}/healthz").status_code == 200
        thread.join()
    for reply in (refused, *replies):
        assert reply.status_code == 503
        assert reply.headers["content-type"] == "application/problem+json"
        assert reply.headers["retry-after"]


@pytest.mark.slow
def test_a_terminated_gateway_says_of_each_sample_that_it_was_cancelled(serve, tmp_path):
    (tmp_path / "toy.yaml").write_text("components: [{verifier: 'toys:Toy', name: toy}]\n")
    environment = {"TOUCHSTONE_SHUTDOWN_GRACE_S": "1", "TOUCHSTONE_VERIFIER_URLS": REMOTE}
    with serve("--domains", str(tmp_path), "--workers", "1", **environment) as (url, process):
        thread, replies = in_the_background(lambda: httpx.post(f"{url}/score/toy", json=SLOW, timeout=60))
        until(lambda: "reward_inflight_samples 40.0" in httpx.get(f"{url}/metrics").text)
        process.terminate()
        until(lambda: httpx.get(f"{url}/readyz").status_code == 503)
        thread.join()
    [reply] = replies
    assert reply.status_code == 200
    kinds = {result["failure"]["kind"] for result in reply.json()["results"]}
    assert kinds == {"cancelled"}


def until(holds):
    give_up = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < give_up
        time.sleep(0.01)
