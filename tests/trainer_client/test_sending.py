"""Many groups on few connections, through a real gateway."""

import gzip
import json

import httpx
import pytest
from replies import reply, result

from trainer_client import BadGroup, RewardClient, RolloutGroup, RolloutSample, sending


def groups(count, size=2):
    return [RolloutGroup("toy", [str(number), "no"][:size], str(number)) for number in range(count)]


def test_many_groups_share_few_requests(toy_url, recording):
    with RewardClient(toy_url, transport=recording, connections=4) as client:
        scored = client.score_many(groups(300))
    assert [one.rewards for one in scored] == [[1.0, 0.0]] * 300
    assert 300 / sending.BATCH_BODIES <= len(recording.scoring) < 30
    keys = [key for request in recording.scoring for key in request.headers["idempotency-key"].split(", ")]
    assert len(set(keys)) == len(keys) == 300


class Counted(httpx.AsyncHTTPTransport):
    """How many requests are under way at once, and over how many connections."""

    now = most = 0

    async def handle_async_request(self, request):
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            answer = await super().handle_async_request(request)
            await answer.aread()
            self.connections = len(self._pool.connections)
            return answer
        finally:
            self.now -= 1


def test_connections_are_bounded_and_used_again(toy_url):
    transport = Counted()
    with RewardClient(toy_url, transport=transport, connections=3) as client:
        handles = [client.submit(RolloutSample("toy", f"{number}", "7")) for number in range(500)]
        rewards = [handle.result().reward for handle in handles]
        assert transport.connections <= 3
    assert rewards == [float(number == 7) for number in range(500)]
    assert transport.most <= 3


def test_a_refused_group_does_not_take_the_others_with_it(toy_url):
    asked = groups(40)
    asked[17] = RolloutGroup("toy", ["a"], ["not", "a", "reference"])
    asked[23] = RolloutGroup("toy", ["a"], {"answer": "nul \0"})
    with RewardClient(toy_url, connections=1) as client:
        scored = client.score_many(asked)
        with pytest.raises(BadGroup, match="reference"):
            client.score(asked[17])
    assert [number for number, one in enumerate(scored) if not all(one.valid)] == [17, 23]
    assert scored[17].failures[0]["kind"] == "refused"
    assert "reference" in scored[17].failures[0]["message"]
    assert "NUL" in scored[23].failures[0]["message"]


def test_a_domain_that_is_not_there_is_the_programs_fault(toy_url):
    with RewardClient(toy_url, connections=1) as client:
        with pytest.raises(BadGroup, match="Unknown domain"):
            client.score_many([*groups(5), RolloutGroup("nowhere", ["a"], "r")])
        handles = [client.submit(item) for item in [*groups(5), RolloutGroup("nowhere", ["a"], "r"), *groups(5)]]
        with pytest.raises(BadGroup, match="Unknown domain"):
            handles[5].result()
        assert [handle.result().rewards for handle in handles[:5] + handles[6:]] == [[1.0, 0.0]] * 10


def test_a_large_body_is_compressed_and_a_small_one_is_not(toy_url, recording):
    with RewardClient(toy_url, transport=recording) as client:
        assert client.score("toy", ["x" * sending.GZIP_BYTES, "yes"], reference="yes").rewards == [0.0, 1.0]
        assert client.score("toy", ["yes"], reference="yes").rewards == [1.0]
    large, small = recording.scoring
    assert large.headers["content-encoding"] == "gzip"
    assert len(large.content) < sending.GZIP_BYTES / 50
    assert json.loads(gzip.decompress(large.content))["completions"][1] == "yes"
    assert "content-encoding" not in small.headers


def test_a_group_too_large_for_one_body_goes_in_parts(toy_url, recording):
    texts = [*("x" * (900 << 10) + str(number) for number in range(5)), "yes"]
    with RewardClient(toy_url, transport=recording) as client:
        scored = client.score("toy", texts, reference="yes")
        whole = client.score("whole", texts, reference="yes")
    assert scored.rewards == [0.0] * 5 + [1.0]
    bodies = [json.loads(gzip.decompress(request.content)) for request in recording.scoring]
    parts = [body for body in bodies if body["domain"] == "toy"]
    assert sorted(index for part in parts for index in part["indices"]) == list(range(6))
    assert len(parts) == 3
    assert [body["completions"] for body in bodies if body["domain"] == "whole"] == [texts]
    assert whole.components["relative"] == pytest.approx([1.0] * 5 + [3 / len(texts[0])])


def test_a_batch_that_is_cut_off_is_asked_again_for_what_is_missing(scripted):
    line = json.dumps({"index": 0, **json.loads(reply(result(1.0)))}).encode() + b"\n"
    client, transport = scripted(reply(result(0.0)), line, reply(result(0.5)), connections=1)
    scored = client.score_many([RolloutGroup("toy", [text], "r") for text in "abc"])
    assert [one.rewards for one in scored] == [[0.0], [1.0], [0.5]]
    assert [body.get("completions") for body, _ in transport.asked] == [["a"], None, ["c"]]


def test_score_many_writes_no_more_than_there_is_room_for(toy_url, monkeypatch):
    from trainer_client import background_loop

    monkeypatch.setattr(background_loop, "MANY_BYTES", 64 << 10)
    written, done, most = 0, 0, 0
    write = background_loop.write

    def counting(group):
        nonlocal written, most
        written += 1
        most = max(most, written - done)
        return write(group)

    monkeypatch.setattr(background_loop, "write", counting)
    scored_before = background_loop.ClientMetrics.scored

    def counted(self, group):
        nonlocal done
        done += 1
        scored_before(self, group)

    monkeypatch.setattr(background_loop.ClientMetrics, "scored", counted)
    with RewardClient(toy_url) as client:
        scored = client.score_many(
            [RolloutGroup("toy", ["x" * (16 << 10), str(number)], "yes") for number in range(60)]
        )
    assert [one.rewards for one in scored] == [[0.0, 0.0]] * 60
    assert most <= 5


class Poisoned(httpx.AsyncHTTPTransport):
    """The network to a gateway that breaks down at one completion."""

    def __init__(self, trouble):
        super().__init__()
        self.trouble = trouble

    async def handle_async_request(self, request):
        if b"poison" in request.content:
            if isinstance(self.trouble, Exception):
                raise self.trouble
            return httpx.Response(self.trouble)
        return await super().handle_async_request(request)


@pytest.mark.parametrize("trouble", [500, httpx.RemoteProtocolError("cut off"), httpx.ReadError("reset")])
def test_a_group_that_breaks_the_gateway_does_not_take_the_others_with_it(toy_url, trouble):
    asked = groups(40)
    asked[17] = RolloutGroup("toy", ["poison"], "yes")
    with RewardClient(toy_url, connections=1, deadline_s=2, transport=Poisoned(trouble)) as client:
        scored = client.score_many(asked)
    assert [number for number, one in enumerate(scored) if not all(one.valid)] == [17]
    assert scored[17].failures[0]["kind"] in ("verifier_error", "verifier_unreachable")
