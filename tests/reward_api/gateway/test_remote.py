"""Verifiers behind HTTP: the same contract as here, and services that break it."""

import asyncio
import json

import httpx
import pytest
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response

from reward_api.domains.spec import BadDomain, parse
from reward_api.gateway.remote import BadReply, Remote
from reward_verifiers import conformance
from reward_verifiers.contract import VerifyRequest
from reward_verifiers.runtime.local import Local, pool_for
from reward_verifiers.service import app as service
from reward_verifiers.service.app import bare_app
from reward_verifiers.service.middleware import ServiceLimits
from reward_verifiers.verifier import MAX_REASON, BadOptions, Overloaded

REQUEST = VerifyRequest(completions=["yes", "no"], reference={"answer": "yes"})


@pytest.fixture
async def toy():
    pool = pool_for(["toys:Toy"], size=1)
    await pool.start()
    yield Local("toys:Toy", pool)
    await pool.aclose()


async def test_a_remote_verifier_conforms_as_a_local_one(toy, monkeypatch):
    # Hostile text that JSON cannot carry is refused on the way; the rest must hold.
    portable = {name: text for name, text in conformance.HOSTILE.items() if name not in ("NUL", "lone surrogates")}
    monkeypatch.setattr(conformance, "HOSTILE", portable)
    remote = Remote("http://toy", transport=httpx.ASGITransport(service.create_app(toy)))
    await conformance.check(remote, REQUEST)
    assert await remote.describe() == await toy.describe()
    assert (await remote.verify(REQUEST)).verdicts[1] == (await toy.verify(REQUEST)).verdicts[1]
    await remote.aclose()


async def test_options_are_checked_by_the_schema_that_it_publishes(toy):
    remote = Remote("http://toy", transport=httpx.ASGITransport(service.create_app(toy)))
    await remote.check_options({"bonus": 0.5})
    for options, errors in (
        ({"bonus": "secret"}, [("bonus", "breaks `type`")]),
        ({"bonsu": 1}, [("bonsu", "unknown key; did you mean 'bonus'?")]),
    ):
        with pytest.raises(BadOptions) as caught:
            await remote.check_options(options)
        assert caught.value.errors == errors


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        ({"$ref": "{url}"}, "cannot be followed"),
        ({"properties": {"a": {"pattern": "(?=x)y"}}}, "cannot be followed"),
        ({"type": 7}, "cannot be followed"),
        ({"properties": {"a": {"pattern": "^(a+)+$"}}}, "breaks `pattern`"),  # not within a lifetime, by backtracking
    ],
)
async def test_a_schema_that_a_service_publishes_fetches_nothing_and_takes_no_time(schema, reason, free_port):
    fetched = []

    async def answer(reader, writer):
        fetched.append(await reader.readline())
        writer.close()

    about = {"verifier": "toy", "version": "1", "reference_schema": {}, "options_schema": schema}
    text = json.dumps(about).replace("{url}", f"http://127.0.0.1:{free_port}/schema")
    app = FastAPI()
    app.get("/")(lambda: JSONResponse(json.loads(text)))
    remote = Remote("http://toy", transport=httpx.ASGITransport(app))
    async with await asyncio.start_server(answer, "127.0.0.1", free_port):
        with pytest.raises(BadOptions, match=reason):
            await remote.check_options({"a": "a" * 60 + "!"})
    assert fetched == []


async def test_a_service_may_stand_under_a_path(toy):
    app = FastAPI()
    app.mount("/team/toy", service.create_app(toy))
    remote = Remote("http://toy/team/toy", transport=httpx.ASGITransport(app))
    assert (await remote.describe()).verifier == "toy"
    assert await remote.ready()
    assert [one.score for one in (await remote.verify(REQUEST)).verdicts] == [1, 0]
    assert not await Remote("http://toy/team", transport=httpx.ASGITransport(app)).ready()


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://toy/verify?key=x", "ends before"),
        ("http://toy/#x", "ends before"),
        ("http://user:word@toy/", "into its setting"),
        ("http://user@toy/", "into its setting"),
    ],
)
def test_what_is_no_base_url_is_refused_without_repeating_it(url, reason):
    with pytest.raises(BadDomain, match=reason) as caught:
        parse({"verifiers": {"toy": {"url": url}}, "components": [{"verifier": "toy"}]})
    assert "word" not in str(caught.value)


def answering(*replies):
    """A service that answers POST /verify with each of these in turn."""
    app = FastAPI()
    waiting = list(replies)

    @app.post("/verify")
    async def verify(request: Request) -> Response:
        app.state.authorization = request.headers.get("authorization")
        return waiting.pop(0)

    return app


def verdicts(*scores, **more):
    rows = [{"score": score, "valid": True, "failure": None, "reason": "said so", "evidence": {}} for score in scores]
    return {"verifier": "toy", "version": "1", "verdicts": rows, **more}


@pytest.mark.parametrize(
    "reply",
    [
        JSONResponse(verdicts(1.0)),
        JSONResponse(verdicts(1.0, 0.0, 0.0)),
        JSONResponse({"verdicts": "many"}),
        Response(b'{"verifier":"toy","version":"1","verdicts":[{"score":NaN,"valid":true,"reason":""}]}'),
        JSONResponse(verdicts(1.0, None)),
        JSONResponse({**verdicts(), "verdicts": [{"score": 0.0, "valid": False, "failure": None, "reason": ""}] * 2}),
        Response(b"<html>", media_type="text/html"),
        Response(b"", 500),
        Response(b"", 404),
        RedirectResponse("http://169.254.169.254/"),
    ],
)
async def test_an_answer_outside_the_contract_is_never_a_number(reply):
    remote = Remote("http://bad", transport=httpx.ASGITransport(answering(reply)))
    with pytest.raises(BadReply):
        await remote.verify(REQUEST)


async def test_an_answer_may_have_fields_that_are_not_known_yet():
    remote = Remote("http://new", transport=httpx.ASGITransport(answering(JSONResponse(verdicts(1, 0, news=1)))))
    assert [verdict.score for verdict in (await remote.verify(REQUEST)).verdicts] == [1, 0]


async def test_a_busy_service_is_overloaded_for_as_long_as_it_says():
    busy = Response(b"", 429, {"retry-after": "7"})
    remote = Remote("http://busy", transport=httpx.ASGITransport(answering(busy)))
    with pytest.raises(Overloaded) as caught:
        await remote.verify(REQUEST)
    assert caught.value.retry_after_s == 7


async def test_the_service_key_is_sent():
    app = answering(JSONResponse(verdicts(1, 0)))
    await Remote("http://keyed", key="s3cret", transport=httpx.ASGITransport(app)).verify(REQUEST)
    assert app.state.authorization == "Bearer s3cret"


async def test_an_endless_reply_is_cut_off(monkeypatch):
    monkeypatch.setattr("reward_api.gateway.remote.MAX_REPLY_BYTES", 1000)
    remote = Remote("http://big", transport=httpx.ASGITransport(answering(Response(b" " * 2000))))
    with pytest.raises(BadReply, match="more than 1000 bytes"):
        await remote.verify(REQUEST)


async def test_a_service_that_is_not_there():
    remote = Remote("http://127.0.0.1:9")
    with pytest.raises(httpx.ConnectError):
        await remote.verify(REQUEST)
    assert await remote.ready() is False


async def test_a_service_that_does_not_answer_is_given_up(monkeypatch):
    monkeypatch.setattr("reward_api.gateway.remote.GRACE_S", 0.05)
    app = FastAPI()

    @app.post("/verify")
    async def verify() -> None:
        await asyncio.Event().wait()

    remote = Remote("http://mute", transport=httpx.ASGITransport(app))
    with pytest.raises(TimeoutError):
        await remote.verify(REQUEST.model_copy(update={"deadline_s": 0.05}))


async def test_evidence_and_words_are_cut_as_in_this_process(toy):
    row = {"score": 1.0, "valid": True, "reason": "r" * 100_000, "evidence": {"text": "x" * 1_000_000}}
    reply = JSONResponse({"verifier": "toy", "version": "1", "verdicts": [row, row]})
    remote = Remote("http://big", transport=httpx.ASGITransport(answering(reply)))
    there = (await remote.verify(REQUEST)).verdicts[0]
    here = (await toy.verify(REQUEST.model_copy(update={"completions": ["big evidence"]}))).verdicts[0]
    assert there.evidence.keys() == here.evidence.keys() == {"dropped"}
    assert there.score == 1
    assert len(there.reason) == MAX_REASON


async def test_the_requests_id_and_trace_go_along():
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    seen = []

    class Transport(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request):
            seen.append((request.headers.get("x-request-id"), request.headers.get("traceparent")))
            return httpx.Response(200, json=verdicts(1.0, 0.0))

    app, remote = bare_app("test", "1", ServiceLimits()), Remote("http://toy", transport=Transport())

    @app.post("/go")
    async def go() -> None:
        await remote.verify(REQUEST)

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://gateway") as client:
        await client.post("/go", headers={"x-request-id": "r1", "traceparent": trace})
        await client.post("/go", headers={"x-request-id": "r2", "traceparent": "evil\r"})
    assert seen == [("r1", trace), ("r2", None)]
