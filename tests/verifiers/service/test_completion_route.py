"""A character that no text may hold costs the completion that has it, and never its group."""

import json

import httpx
import pytest
from fastapi import APIRouter, FastAPI, Request, Response

from reward_verifiers.service.problems import install
from reward_verifiers.service.strict_route import CompletionRoute, ReferenceRoute


async def _echo(request: Request, body: dict) -> Response:
    return Response(json.dumps(body, ensure_ascii=False), media_type="application/json")


@pytest.fixture
async def client():
    app, router = FastAPI(), APIRouter(route_class=CompletionRoute)

    router.add_api_route("/score", _echo, methods=["POST"])
    verify = APIRouter(route_class=ReferenceRoute)
    verify.add_api_route("/verify", _echo, methods=["POST"])
    app.include_router(router)
    app.include_router(verify)
    install(app)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://here") as client:
        yield client


async def _post(client, body):
    return await client.post("/score", content=body, headers={"content-type": "application/json"})


@pytest.mark.parametrize("bad", [rb"\u0000", rb"\ud800", rb"\udc00x", rb"\ud800\u0041"])
@pytest.mark.parametrize(
    "body",
    [
        b'{"completions": ["ok", "a%s"]}',
        b'{"groups": [{"completions": ["ok", "a%s"]}]}',
        b'{"completions": ["ok", [{"content": "a%s"}]]}',
    ],
)
async def test_a_completion_is_mended(client, body, bad):
    reply = await _post(client, body % bad)
    assert reply.status_code == 200
    assert '"ok"' in reply.text
    assert "a\ufffd" in reply.text


@pytest.mark.parametrize("bad", [rb"\u0000", rb"\ud800"])
@pytest.mark.parametrize(
    "body", [b'{"completions": ["ok"], "reference": "%s"}', b'{"completions%s": ["ok"]}', b'["%s"]']
)
async def test_everywhere_else_it_is_refused(client, body, bad):
    reply = await _post(client, body % bad)
    assert reply.status_code == 400


async def test_other_characters_stay_as_they_are(client):
    reply = await _post(client, b'{"completions": ["\\ud83d\\ude00 \\\\ud800 \\\\u0000", "\\u0000"]}')
    assert reply.json() == {"completions": ["😀 \\ud800 \\u0000", "\ufffd"]}


LARGE = 2**64


@pytest.mark.parametrize("path", ["/score", "/verify"])
@pytest.mark.parametrize(
    "body",
    [
        b'{"completions": ["ok"], "reference": {"tests": [{"args": [1], "expected": [%d]}]}}',
        b'{"completions": ["ok"], "reference": -%d}',
        b'{"groups": [{"completions": ["ok"], "reference": {"answer": %d}}]}',
    ],
)
async def test_a_reference_may_hold_large_integers(client, path, body):
    reply = await client.post(path, content=body % LARGE, headers={"content-type": "application/json"})
    assert reply.status_code == 200
    assert str(LARGE) in reply.text


@pytest.mark.parametrize("path", ["/score", "/verify"])
@pytest.mark.parametrize(
    "body",
    [
        b'{"completions": ["ok"], "reference": {"answer": %d}, "step": %d}',
        b'{"completions": ["ok"], "tokens": [%d], "id": %d}',
        b'{"groups": [{"completions": ["ok"], "reference": {"answer": %d}, "step": %d}]}',
        b"[%d, %d]",
    ],
)
async def test_elsewhere_large_integers_are_refused(client, path, body):
    reply = await client.post(path, content=body % (LARGE, LARGE), headers={"content-type": "application/json"})
    assert reply.status_code == 400
    assert "64 bits" in reply.text
