"""The wire of a tools service: what is sent again, and what an answer outside the contract comes to."""

import itertools

import httpx
import pytest

from trainer_client import retry, tools_client
from trainer_client.adapters.tool_calls import ToolCalls
from trainer_client.tools_client import ToolReply, ToolsAway, ToolsClient

OK = httpx.Response(200, json={"outcome": "ok", "output": "42"})


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(retry, "FIRST_S", 0.01)
    monkeypatch.setattr(retry, "SPREAD_S", 0.0)


@pytest.fixture
def service():
    """service(answers…) → (client, requests); the last answer stands for ever."""
    clients = []

    def make(*answers, **more):
        requests = []

        def handle(request):
            requests.append(request)
            answer = answers[min(len(requests), len(answers)) - 1]
            if isinstance(answer, Exception):
                raise answer
            return answer

        clients.append(ToolsClient("http://tools", transport=httpx.MockTransport(handle), **more))
        return clients[-1], requests

    yield make
    for client in clients:
        client.close()


def call(client, **more):
    return client.call("s", "calculate", {"expression": "6*7"}, **{"begin": True, **more})


@pytest.mark.parametrize("passing", [httpx.Response(429), httpx.Response(503), httpx.ConnectError("refused")])
def test_a_call_that_was_not_run_is_sent_again(service, passing):
    client, requests = service(passing, passing, OK)
    assert call(client) == ToolReply("ok", "42")
    assert len({request.content for request in requests}) == 1
    assert len(requests) == 3


@pytest.mark.parametrize(
    "last", [httpx.Response(500), httpx.Response(404), httpx.ReadTimeout("late"), httpx.RemoteProtocolError("cut off")]
)
def test_a_call_that_may_have_been_run_is_not(service, last):
    client, requests = service(last, OK)
    with pytest.raises(ToolsAway):
        call(client)
    assert len(requests) == 1


def test_a_wait_that_is_longer_than_it_may_be_is_not_begun(service):
    client, requests = service(httpx.Response(429, headers={"retry-after": "31"}), OK)
    with pytest.raises(ToolsAway, match="429"):
        call(client)
    assert len(requests) == 1


def test_one_that_takes_no_connection_is_away_sooner_than_one_that_is_full(service, monkeypatch):
    monkeypatch.setattr(tools_client, "AWAY_S", 0.0)
    client, _ = service(httpx.ConnectError("refused"), OK)
    with pytest.raises(ToolsAway, match="cannot be reached"):
        call(client)
    client, _ = service(httpx.Response(429), OK)
    assert call(client).output == "42"


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(200, content=b"<html>a proxy</html>"),
        httpx.Response(200, content=b"\xff\xfe"),
        httpx.Response(200, content=b"[" * 100_000),
        httpx.Response(200, json=[1]),
        httpx.Response(200, json={"outcome": "ok"}),
        httpx.Response(200, json={"outcome": "fine", "output": "42"}),
        httpx.Response(200, json={"outcome": ["ok"], "output": "42"}),
        httpx.Response(200, json={"outcome": "ok", "output": 42}),
        httpx.Response(200, content=b'"' + b"x" * (5 << 20) + b'"'),
    ],
)
def test_an_answer_outside_the_contract_loses_the_episode(service, answer):
    """A trainer shows any other error to the model, and the episode would go on to a number."""
    client, _ = service(answer)
    calls = ToolCalls("http://tools")
    calls.service = client
    with pytest.raises(ToolsAway):
        calls.call("s", "calculate", {})
    with pytest.raises(ToolsAway):
        client.tools()


def test_what_the_model_wrote_never_spoils_the_request(service):
    client, requests = service(OK)
    for name, value in (("calculate", float("nan")), ("calc\ud800", "\ud800"), ("\0", "\0")):
        assert client.call("s", name, {"expression": value}, begin=False).outcome == "ok"
    assert all(request.content.isascii() for request in requests)


def test_an_answer_without_end_is_not_read_to_its_end(service):
    chunks = itertools.repeat(b"x" * 65_536)
    sent = []

    def endless():
        for chunk in chunks:
            sent.append(len(chunk))
            assert sum(sent) < 2 * tools_client.MAX_REPLY_BYTES
            yield chunk

    client, _ = service(httpx.Response(200, content=endless()))
    with pytest.raises(ToolsAway, match="more than"):
        call(client)
