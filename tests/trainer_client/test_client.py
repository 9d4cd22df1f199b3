"""The client against the golden files of the contract, and against a real gateway."""

import json
from pathlib import Path

import httpx
import pytest

from trainer_client import BadGroup, NoVerdict, RewardClient, RolloutGroup, RolloutSample

GOLDEN = Path(__file__).parents[2] / "docs" / "golden"
REQUEST = json.loads((GOLDEN / "score_request.json").read_text())
REPLY = (GOLDEN / "score_reply.json").read_bytes()


def score(client):
    return client.score("math", **REQUEST)


def test_it_reads_the_golden_reply(scripted):
    client, transport = scripted(REPLY, key="k")
    scored = score(client)
    assert scored.rewards == [3.0, 1.0, 1.0]
    assert scored.valid == [True, True, True]
    assert list(scored.components) == ["answer", "format", "language", "reflection"]
    assert scored.components["answer"] == [1.0, 0.0, 1.0]
    assert scored.components["format"] == [1.0, 1.0, 0.0]
    assert scored.canonical == ["5/6", "2/5", "5/6"]
    assert scored.reasons["answer"][1] == "wrong: different numbers"
    asked, headers = transport.asked[0]
    assert 28 < asked.pop("deadline_s") < 30
    assert asked == {"domain": "math", **REQUEST}
    assert headers["authorization"] == "Bearer k"


def test_a_field_that_it_does_not_know_is_no_trouble(scripted):
    document = json.loads(REPLY)
    document["results"][0]["new"] = document["new"] = {"from": "the future"}
    client, _ = scripted(json.dumps(document).encode())
    assert score(client).rewards == [3.0, 1.0, 1.0]


def test_a_request_at_fault_raises_with_the_field(scripted):
    client, _ = scripted(httpx.Response(422, content=(GOLDEN / "problem.json").read_bytes()))
    with pytest.raises(BadGroup, match="colour"):
        score(client)


@pytest.mark.parametrize(("status", "content"), [(401, b""), (404, b"<html>"), (307, b""), (405, b"[]")])
def test_another_service_at_this_url_is_told_at_once(scripted, status, content):
    client, transport = scripted(httpx.Response(status, content=content))
    with pytest.raises(BadGroup, match=str(status)):
        score(client)
    assert len(transport.asked) == 1


def test_a_gateway_that_is_not_there_gives_none_with_the_cause():
    with RewardClient("http://127.0.0.1:9", deadline_s=0.5) as client:
        scored = score(client)
    assert scored.rewards == [None] * 3
    assert scored.version is None
    assert scored.failures[2]["kind"] == "verifier_unreachable"


def test_a_strict_client_raises_the_cause_instead():
    with (
        RewardClient("http://127.0.0.1:9", deadline_s=0.3, strict=True) as client,
        pytest.raises(NoVerdict, match="verifier_unreachable: the gateway cannot be reached"),
    ):
        score(client)


def test_a_strict_client_does_not_raise_for_one_sample(toy_url):
    with RewardClient(toy_url, strict=True) as client:
        scored = client.score("toy", ["yes", "crash"], reference="yes")
    assert scored.rewards == [1.0, None]
    assert scored.failures[1]["kind"] == "worker_crashed"


def test_against_a_real_gateway(math_suite):
    with RewardClient(math_suite) as client:
        assert score(client).rewards == [3.0, 1.0, 1.0]
        assert client.score(RolloutGroup("math", ["4"], 4)).canonical == ["4"]
        with pytest.raises(BadGroup, match="Unknown domain"):
            client.score("nowhere", ["x"], reference="1")


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"url": "gateway:8000"}, "url"),
        ({"deadline_s": 0}, "deadline_s"),
        ({"deadline_s": float("nan")}, "deadline_s"),
        ({"connections": 0}, "connections"),
        ({"stop_at": 5}, "stop_at"),
    ],
)
def test_settings_that_cannot_be_are_named(settings, field):
    with pytest.raises(ValueError, match=f"^{field}"):
        RewardClient(**{"url": "http://127.0.0.1:9", **settings})


def test_a_closed_client_says_so(toy_url):
    client = RewardClient(toy_url)
    assert client.score("toy", ["yes"], reference="yes").rewards == [1.0]
    client.close()
    client.close()
    with pytest.raises(RuntimeError, match="closed"):
        client.score("toy", ["yes"], reference="yes")


def test_what_was_out_when_the_client_closed_is_cancelled(toy_url):
    client = RewardClient(toy_url)
    lonely = client.submit(RolloutSample("whole", "a", "b", group_id="g", group_size=2))
    group = client.group("g")
    client.close()
    assert lonely.result(timeout=5).failure["kind"] == "cancelled"
    assert [failure["message"] for failure in group.result(timeout=5).failures] == [
        "the client was closed",
        "the sample was not submitted",
    ]
