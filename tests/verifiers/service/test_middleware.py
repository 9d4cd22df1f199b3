"""The middleware around a small app, in-process; what needs a real connection is in test_server."""

import asyncio
import gzip
import io
import json
import logging

import httpx
import pytest
from fastapi import Depends, Request
from pydantic import BaseModel, ConfigDict, Field

from reward_verifiers.service.app import bare_app
from reward_verifiers.service.keys import require_admin
from reward_verifiers.service.middleware import ServiceLimits, setup_logging
from reward_verifiers.service.streams import run_or_cancel


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid")

    text: str
    count: int = Field(default=1, le=10)


def app_with(**limits):
    app = bare_app("test", "1", ServiceLimits(**limits))
    app.state.cancelled = asyncio.Event()
    app.state.started = asyncio.Event()

    @app.post("/echo")
    async def echo(body: Body) -> dict[str, int]:
        return {"length": len(body.text)}

    @app.post("/wait")
    async def wait(request: Request, body: Body) -> dict[str, int]:
        async def for_ever() -> None:
            app.state.started.set()
            try:
                await asyncio.Event().wait()
            finally:
                app.state.cancelled.set()

        await run_or_cancel(request, for_ever())
        return {}

    @app.put("/change", dependencies=[Depends(require_admin)])
    async def change() -> dict[str, bool]:
        return {"changed": True}

    @app.get("/healthz")
    async def healthz() -> dict[str, bool]:
        return {"ok": True}

    @app.get("/bug")
    async def bug() -> None:
        raise RuntimeError("with the input in its message")

    return app


def client_of(app, **more):
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://service", **more)


JSON = {"content-type": "application/json"}


async def test_a_good_request_passes():
    reply = await client_of(app_with()).post("/echo", json={"text": "four"})
    assert (reply.status_code, reply.json()) == (200, {"length": 4})
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert reply.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({}, "text"),
        ({"text": 5}, "text"),
        ({"text": "x", "count": 11}, "count"),
        ({"text": "x", "cuont": 1}, "cuont"),
        ({"text": "x", "<script>": 1}, "<unknown key>"),
        ({"text": "x", "k" * 100: 1}, "<unknown key>"),
        ("text", ""),
    ],
)
async def test_a_field_that_does_not_fit_is_named_and_its_value_is_not(body, path):
    reply = await client_of(app_with()).post("/echo", json=body)
    assert reply.status_code == 422
    assert [error["path"] for error in reply.json()["errors"]] == [path]
    assert reply.headers["content-type"] == "application/problem+json"


async def test_many_bad_fields_are_told_in_part():
    body = {"text": "x", **{f"field{i}": 1 for i in range(50)}}
    problem = (await client_of(app_with()).post("/echo", json=body)).json()
    assert len(problem["errors"]) == 20
    assert problem["detail"] == "30 more fields do not fit."


@pytest.mark.parametrize("path", ["/nowhere", "/echo/"])
async def test_an_unknown_path_is_a_problem(path):
    reply = await client_of(app_with()).get(path)
    assert (reply.status_code, reply.json()["title"]) == (404, "Not found")


async def test_another_method_is_a_problem():
    reply = await client_of(app_with()).get("/echo")
    assert (reply.status_code, reply.headers["allow"]) == (405, "POST")


async def test_a_bug_is_told_without_its_message():
    reply = await client_of(app_with()).get("/bug")
    assert (reply.status_code, reply.json()["title"]) == (500, "Internal error")
    assert "input" not in reply.text


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("application/json", 200),
        ("application/json; charset=utf-8", 200),
        ('Application/JSON;charset="UTF-8"', 200),
        ("application/json; charset=latin-1", 415),
        ("text/plain", 415),
        ("application/x-www-form-urlencoded", 415),
        ("application/vnd.api+json", 415),
        ("", 415),
    ],
)
async def test_only_json_in_utf8_is_read(content_type, status):
    reply = await client_of(app_with()).post("/echo", content=b'{"text":"x"}', headers={"content-type": content_type})
    assert reply.status_code == status


async def test_a_body_is_bounded_by_its_length_and_by_what_comes():
    client = client_of(app_with(max_body_bytes=100))
    body = json.dumps({"text": "x" * 200}).encode()

    async def pieces():
        for start in range(0, len(body), 10):
            yield body[start : start + 10]

    for content in (body, pieces()):
        reply = await client.post("/echo", content=content, headers=JSON)
        assert reply.status_code == 413, reply.text
    for length in ("-1", "1e3", "9" * 30, "0x10"):
        reply = await client.post("/echo", content=b"{}", headers={**JSON, "content-length": length})
        assert reply.status_code == 413


async def test_gzip_is_inflated_within_the_bound():
    client = client_of(app_with(max_body_bytes=100_000))
    zipped = {**JSON, "content-encoding": "gzip"}
    good = gzip.compress(json.dumps({"text": "x" * 90_000}).encode())
    assert (await client.post("/echo", content=good, headers=zipped)).json() == {"length": 90_000}
    bomb = gzip.compress(b" " * 100_000_000)
    assert (await client.post("/echo", content=bomb, headers=zipped)).status_code == 413
    assert (await client.post("/echo", content=b"not gzip", headers=zipped)).status_code == 400
    small = gzip.compress(b'{"text": ""}')
    for cut in (small[:-3], small + gzip.compress(b" "), b""):
        assert (await client.post("/echo", content=cut, headers=zipped)).status_code == 400
    reply = await client.post("/echo", content=good[:-20], headers=zipped)
    assert reply.status_code == 400
    assert (await client.post("/echo", content=good, headers={**JSON, "content-encoding": "br"})).status_code == 415


async def test_a_body_that_dawdles_is_given_up():
    async def dawdle():
        yield b'{"text":'
        await asyncio.sleep(3600)
        yield b'"x"}'

    reply = await client_of(app_with(body_timeout_s=0.05)).post("/echo", content=dawdle(), headers=JSON)
    assert reply.status_code == 408
    assert reply.headers["connection"] == "close"


async def test_bodies_in_memory_are_bounded_together():
    app = app_with(max_inflight_bytes=1000)
    client = client_of(app)
    waiting = asyncio.create_task(client.post("/wait", json={"text": "x" * 900}))
    await app.state.started.wait()
    refused = await client.post("/echo", json={"text": "x" * 200})
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "1")

    async def pieces():
        for piece in (b'{"text":"', b"x" * 200, b'"}'):
            yield piece

    assert (await client.post("/echo", content=pieces(), headers=JSON)).status_code == 429
    assert (await client.post("/echo", json={"text": "x"})).status_code == 200
    waiting.cancel()


async def test_keys():
    app = app_with(score_keys=frozenset({"s1", "s2"}), admin_keys=frozenset({"a"}))

    async def status(method, path, key=None):
        headers = {"authorization": f"Bearer {key}"} if key else {}
        return (await client_of(app, headers=headers).request(method, path, json={"text": "x"})).status_code

    assert [await status("POST", "/echo", key) for key in (None, "no", "s1", "s2", "a")] == [401, 401, 200, 200, 200]
    assert [await status("PUT", "/change", key) for key in (None, "no", "s1", "a")] == [401, 401, 403, 200]
    assert await status("GET", "/healthz") == 200


async def test_without_an_admin_key_nothing_can_be_changed():
    reply = await client_of(app_with(), headers={"authorization": "Bearer anything"}).put("/change")
    assert reply.status_code == 403
    assert "TOUCHSTONE_ADMIN_KEYS" in reply.json()["detail"]


async def test_a_request_has_an_id():
    client = client_of(app_with())
    assert (await client.get("/healthz", headers={"x-request-id": "r-1"})).headers["x-request-id"] == "r-1"
    new = (await client.get("/healthz", headers={"x-request-id": "new\tline" * 40})).headers["x-request-id"]
    assert len(new) == 16


@pytest.mark.parametrize(
    ("log_format", "is_terminal", "start"),
    [("auto", True, ""), ("auto", False, "{"), ("text", False, ""), ("json", True, "{")],
)
def test_log_lines_are_for_a_person_on_a_terminal(monkeypatch, log_format, is_terminal, start):
    stream = io.StringIO()
    stream.isatty = lambda: is_terminal
    monkeypatch.setattr("sys.stderr", stream)
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", root.handlers[:])
    monkeypatch.setattr(root, "level", root.level)
    setup_logging("INFO", log_format)
    logging.getLogger("a").info("domain loaded", extra={"domain": "math", "parts": ["首先", "\\boxed"]})
    logging.getLogger("a").error("it raised", extra={"traceback": "  File brevity.py, line 3\n"})
    first, *rest = stream.getvalue().splitlines()
    if start:
        assert [json.loads(line)["message"] for line in (first, *rest)] == ["domain loaded", "it raised"]
    else:
        assert first.endswith(" info    domain loaded  domain=math  parts=首先, \\boxed")
        assert rest[0].endswith(" error   it raised")
        assert rest[1:] == ["  File brevity.py, line 3"]
