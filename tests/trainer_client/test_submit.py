"""Samples as they finish, and their groups put together again, through a real gateway."""

import json
import random
import time

import httpx
import pytest

from trainer_client import BadGroup, RewardClient, RolloutGroup, RolloutSample, retry


@pytest.fixture
def client(toy_url):
    with RewardClient(toy_url, run="r") as client:
        yield client


def sample(text, index=None, domain="toy", **more):
    return RolloutSample(domain, text, "yes", **{"group_id": "g", "group_size": 4, "index": index, **more})


TEXTS = ["yes", "no", "crash", "longer"]


def test_a_group_comes_together_whatever_the_order(client):
    for index in (2, 0, 3, 1):
        handle = client.submit(sample(TEXTS[index], index))
        assert (handle.group_id, handle.index) == ("g", index)
    scored = client.group("g").result(timeout=30)
    assert scored.rewards == [1.0, 0.0, None, 0.0]
    assert scored.failures[2]["kind"] == "worker_crashed"
    assert scored.components == {"toy": [1.0, 0.0, None, 0.0]}
    assert scored.version.startswith("sha256:")


def test_a_sample_has_its_own_result(client):
    handles = [client.submit(sample(text)) for text in TEXTS]
    assert [handle.index for handle in handles] == [0, 1, 2, 3]
    first = handles[0].result()
    assert (first.reward, first.valid, first.components) == (1.0, True, {"toy": 1.0})
    assert first.reasons["toy"] == "'yes' is compared"
    assert client.submit(RolloutSample("toy", "yes", "yes")).result().reward == 1.0


def test_a_whole_group_may_be_submitted_too(client):
    assert client.submit(RolloutGroup("toy", ["yes", "no"], "yes")).result().rewards == [1.0, 0.0]


def test_as_completed_gives_each_as_soon_as_it_is_there(client):
    slow = client.submit(sample("hang", group_size=2))
    quick = client.submit(sample("yes", group_size=2))
    assert list(client.as_completed([slow, quick])) == [quick, slow]
    assert slow.result().failure["kind"] == "timeout"
    with pytest.raises(TimeoutError):
        list(client.as_completed([client.submit(sample("hang anew"))], timeout=0.01))


def test_a_group_is_waited_for_until_all_are_submitted(client):
    client.submit(sample("yes", group_size=2))
    group = client.group("g")
    with pytest.raises(TimeoutError, match="no result after"):
        group.result(timeout=0.05)
    client.submit(sample("no", group_size=2))
    assert group.result(timeout=30).rewards == [1.0, 0.0]
    with pytest.raises(KeyError, match="'g'"):
        client.group("g")


def test_the_same_id_in_another_step_is_another_group(client):
    client.submit(sample("yes", 0, step=1))
    for index in range(4):
        client.submit(sample("no", index, step=2))
    assert client.group("g").result(timeout=30).rewards == [0.0] * 4


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"index": 4}, "index: 4"),
        ({"index": -1}, "index: -1"),
        ({"index": 0}, "index: 0 of group 'g' was submitted before"),
        ({"group_size": 5}, "group_size: differs"),
        ({"prompt": "another"}, "prompt: differs"),
        ({"group_id": None}, "group_id: needed"),
        ({"group_size": 0}, "group_size: give"),
    ],
)
def test_a_sample_that_does_not_fit_its_siblings_is_told(client, more, message):
    client.submit(sample("yes", 0))
    with pytest.raises(BadGroup, match=message):
        client.submit(sample("no", **more))


def test_a_sample_that_cannot_be_sent_leaves_its_place_free(client):
    client.submit(sample("no", group_size=2))
    group = client.group("g")
    with pytest.raises(BadGroup, match="completions"):
        client.submit(sample(None, group_size=2))
    client.submit(sample("yes", group_size=2))
    assert group.result(timeout=30).rewards == [0.0, 1.0]


# --- domains that look at the whole group -----------------------------------------------------------------------------


def test_a_domain_that_needs_the_siblings_gets_them_together(toy_url, recording):
    with RewardClient(toy_url, transport=recording, connections=2) as client:
        # More groups at once than connections: waiting for siblings at the gateway would end in a deadlock.
        places = [(group, index) for group in range(8) for index in range(4)]
        random.Random(0).shuffle(places)
        for group, index in places:
            client.submit(sample("x" * (index + 1), index, "whole", group_id=f"g{group}"))
        scored = [client.group(f"g{group}").result(timeout=30) for group in range(8)]
    assert {tuple(one.components["relative"]) for one in scored} == {(0.25, 0.5, 0.75, 1.0)}
    assert len([request for request in recording.requests if request.url.path == "/domains/whole"]) == 1


def test_without_the_last_sibling_finish_ends_the_wait(client):
    handles = [client.submit(sample("a", index, "whole")) for index in range(3)]
    done = client.submit(sample("yes", group_id="other", group_size=1))
    assert done.result().reward == 1.0
    while client._background and len(client._background._holding) == 0:
        time.sleep(0.01)
    client.finish(0.5)
    assert {handle.result(timeout=5).failure["kind"] for handle in handles} == {"cancelled"}
    scored = client.group("g").result(timeout=5)
    assert scored.valid == [False] * 4
    assert scored.failures[3]["message"] == "the sample was not submitted"


def sent(transport):
    """The completions that went out."""
    return [text for request in transport.scoring for text in json.loads(request.content)["completions"]]


def test_a_sample_whose_episode_failed_is_not_sent_and_is_counted(toy_url, recording):
    with RewardClient(toy_url, transport=recording) as client:
        handles = [client.submit(sample("yes", i, failure="tool_failed" if i == 1 else None)) for i in range(4)]
        scored = client.group("g").result(timeout=30)
        alone = client.submit(RolloutSample("toy", "yes", "yes", failure="tool_failed"))
        assert alone.result(timeout=30).failure["kind"] == "tool_failed"
        assert client.step_metrics()["failures/tool_failed"] == 2
    assert scored.rewards == [1.0, None, 1.0, 1.0]
    assert handles[1].result().failure["kind"] == "tool_failed"
    assert sent(recording) == ["yes"] * 3


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 2, 1, 0), (1, 3, 0, 2)])
def test_the_group_of_a_failed_sample_is_that_of_its_siblings(toy_url, recording, order):
    """Nobody waits for it, and the relative scores are those of the three."""
    texts = ["x", "x" * 500, "xx", "xxxx"]
    with RewardClient(toy_url, transport=recording) as client:
        for index in order:
            client.submit(sample(texts[index], index, "whole", failure="tool_failed" if index == 1 else None))
        scored = client.group("g").result(timeout=30)
    assert scored.components["relative"] == [0.25, None, 0.5, 1.0]
    assert texts[1] not in sent(recording)


def test_a_group_of_failed_samples_alone_asks_nothing(toy_url, recording):
    with RewardClient(toy_url, transport=recording) as client:
        for index in range(4):
            client.submit(sample("x", index, "whole", failure="tool_failed"))
        assert client.group("g").result(timeout=30).valid == [False] * 4
    assert recording.scoring == []


class Domainless(httpx.AsyncHTTPTransport):
    """The network to a gateway that does not say what its domains need, until `is_ready`."""

    is_ready = False

    async def handle_async_request(self, request):
        if request.url.path.startswith("/domains") and not self.is_ready:
            return httpx.Response(503)
        return await super().handle_async_request(request)


def test_a_sample_that_ran_out_of_time_does_not_hold_up_its_siblings(toy_url, monkeypatch):
    monkeypatch.setattr(retry, "LONGEST_S", 0.02)
    transport = Domainless()
    with RewardClient(toy_url, transport=transport) as client:
        first = client.submit(sample("aa", 0, "whole", group_size=3, deadline_s=0.1))
        assert first.result(timeout=30).failure["kind"] == "verifier_unreachable"
        transport.is_ready = True
        others = [client.submit(sample("aa", index, "whole", group_size=3, deadline_s=1)) for index in (1, 2)]
        kinds = {handle.result(timeout=30).failure["kind"] for handle in others}
    assert kinds == {"deadline_exceeded"}, "they were sent, and the gateway waited for the third"


def test_finish_leaves_what_is_out_so_many_seconds(client):
    handles = [client.submit(sample(f"hang {index}", index, group_size=16)) for index in range(16)]
    client.submit(RolloutSample("toy", "yes", "yes")).result()
    begun = time.monotonic()
    client.finish(0.05)
    kinds = {handle.result().failure["kind"] for handle in handles}
    assert time.monotonic() - begun < 2
    assert "deadline_exceeded" in kinds


@pytest.mark.slow
def test_a_resumed_run_finds_the_verdicts_of_its_samples(serve_toys):
    with serve_toys() as (url, _):
        for _ in range(2):
            with RewardClient(url, run="r1") as client:
                for index in range(4):
                    client.submit(sample(f"{index}", index, step=7))
                assert client.group("g").result(timeout=30).rewards == [0.0] * 4
        page = httpx.get(f"{url}/metrics").text
    assert 'reward_cache_lookups_total{result="replayed"} 4.0' in page
    assert 'reward_requests_total{domain="toy",outcome="complete"} 4.0' in page
