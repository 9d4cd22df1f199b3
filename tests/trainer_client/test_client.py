"""The client against the golden files of the contract, and against a real gateway."""

import json
from pathlib import Path

import httpx
import pytest

from trainer_client import BadGroup, RewardClient

GOLDEN = Path(__file__).parents[2] / "docs" / "golden"
REQUEST = json.loads((GOLDEN / "score_request.json").read_text())


def client_answering(status, body, **more):
    def answer(request):
        client_answering.asked = request
        return httpx.Response(status, content=body, **more)

    return RewardClient("http://gateway", key="k", transport=httpx.MockTransport(answer))


def score(client):
    return client.score("math", **REQUEST)


def test_it_reads_the_golden_reply():
    with client_answering(200, (GOLDEN / "score_reply.json").read_bytes()) as client:
        scored = score(client)
    assert scored.rewards == [3.0, 1.0, 1.0]
    assert scored.valid == [True, True, True]
    assert list(scored.components) == ["answer", "format", "language", "reflection"]
    assert scored.components["answer"] == [1.0, 0.0, 1.0]
    assert scored.components["format"] == [1.0, 1.0, 0.0]
    asked = json.loads(client_answering.asked.content)
    assert {key: asked[key] for key in REQUEST} == REQUEST
    assert client_answering.asked.headers["authorization"] == "Bearer k"
    assert client_answering.asked.url.path == "/score/math"


def test_a_field_that_it_does_not_know_is_no_trouble():
    reply = json.loads((GOLDEN / "score_reply.json").read_text())
    reply["results"][0]["new"] = reply["new"] = {"from": "the future"}
    with client_answering(200, json.dumps(reply).encode()) as client:
        assert score(client).rewards == [3.0, 1.0, 1.0]


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_gateway_that_cannot_answer_gives_none_with_the_cause(status):
    with client_answering(status, b"") as client:
        scored = score(client)
    assert scored.rewards == [None] * 3
    assert scored.failures[0]["kind"] == "overloaded"


def test_a_gateway_that_is_not_there_gives_none_with_the_cause():
    with RewardClient("http://127.0.0.1:9") as client:
        scored = score(client)
    assert scored.rewards == [None] * 3
    assert scored.failures[0]["kind"] == "verifier_unreachable"


def test_a_request_at_fault_raises_with_the_field():
    with (
        client_answering(422, (GOLDEN / "problem.json").read_bytes()) as client,
        pytest.raises(BadGroup, match="colour"),
    ):
        score(client)


def test_against_a_real_gateway(serve):
    with serve() as (url, _), RewardClient(url) as client:
        assert score(client).rewards == [3.0, 1.0, 1.0]
        with pytest.raises(BadGroup, match="Unknown domain"):
            client.score("nowhere", ["x"], reference="1")
