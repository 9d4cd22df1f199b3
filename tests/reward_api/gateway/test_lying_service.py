"""A verifier service that lies, over real connections: no mood of it is ever a number, and none outlasts the deadline."""

import asyncio
import contextlib
import gzip
import json
import time

import httpx
import pytest
from toy_gateway import ELSEWHERE

from reward_api.app import create_app
from reward_api.gateway.gateway import Gateway
from reward_api.settings import GatewaySettings

pytestmark = pytest.mark.slow

ABOUT = {"verifier": "fake", "version": "1", "options_schema": {"type": "object"}, "reference_schema": {}}
DEADLINE_S = 0.7
ROW = {"score": 1.0, "valid": True, "failure": None, "reason": "fine", "evidence": {}}
GOOD = {"verifier": "fake", "version": "1", "verdicts": [ROW, ROW]}


def http(body, status="200 OK", content_type="application/json", length=None, **headers):
    """A reply as bytes."""
    body = body if isinstance(body, bytes) else json.dumps(body).encode()
    fields = {"content-length": len(body) if length is None else length, "connection": "close", **headers}
    if content_type:
        fields["content-type"] = content_type
    head = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in fields.items())
    return f"HTTP/1.1 {status}\r\n{head}\r\n".encode() + body


def row(**changes):
    """A reply of two verdicts, the second of which is changed; `...` takes a field away."""
    verdict = {name: value for name, value in (ROW | changes).items() if value is not ...}
    return http(GOOD | {"verdicts": [ROW, verdict]})


def reply(**changes):
    return http({name: value for name, value in (GOOD | changes).items() if value is not ...})


def text(changed, to):
    """The good reply with a piece of its text replaced."""
    return http(json.dumps(GOOD).replace(changed, to).encode())


GOOD_BYTES = json.dumps(GOOD).encode()
FAILED = {"kind": "timeout", "message": "late"}
DEEP = b"[" * 100_000

# Each is the bytes of a reply, or a list of (bytes, seconds to wait after them); what is left open ends with the client.
VERDICTS = {
    "above the range": row(score=1e6),
    "a little above the range": row(score=1.001),
    "below the range": row(score=-0.5),
    "text for a number": row(score="1"),
    "true for a number": row(score=True),
    "false for a number": row(score=False),
    "a list for a number": row(score=[1.0]),
    "an object for a number": row(score={"value": 1}),
    "valid without a score": row(score=None),
    "a score that is missing": row(score=...),
    "a score and a failure": row(failure=FAILED),
    "invalid with a score": row(valid=False),
    "invalid without a cause": row(score=None, valid=False),
    "invalid for a cause that does not exist": row(score=None, valid=False, failure={"kind": "tired", "message": ""}),
    "a failure of no kind": row(score=None, valid=False, failure={"message": "late"}),
    "valid as text": row(valid="true"),
    "valid as a number": row(valid=1),
    "valid that is missing": row(valid=...),
    "no reason": row(reason=...),
    "a reason that is a list": row(reason=["fine"]),
    "evidence that is text": row(evidence="fine"),
    "evidence that is a list": row(evidence=[1]),
    "NaN": text("1.0", "NaN"),
    "Infinity": text("1.0", "Infinity"),
    "minus Infinity": text("1.0", "-Infinity"),
    "a number beyond a float": text("1.0", "1e999"),
    "a number in words": text("1.0", "one"),
    "a score twice": text('"score": 1.0', '"score": 0.0, "score": 1.0'),
    "a verdict that is null": reply(verdicts=[ROW, None]),
    "a verdict that is a number": reply(verdicts=[1.0, 1.0]),
}
REPLIES = {
    "too few verdicts": reply(verdicts=[ROW]),
    "too many verdicts": reply(verdicts=[ROW, ROW, ROW]),
    "no verdicts": reply(verdicts=[]),
    "verdicts that are missing": reply(verdicts=...),
    "verdicts that are null": reply(verdicts=None),
    "verdicts by name": reply(verdicts={"0": ROW, "1": ROW}),
    "verdicts as text": reply(verdicts=json.dumps([ROW, ROW])),
    "verdicts twice": text('"verdicts"', '"verdicts": [], "verdicts"'),
    "another verifier": reply(verifier="other"),
    "another spelling of its name": reply(verifier="Fake"),
    "a verifier without a name": reply(verifier=...),
    "a verifier whose name is a number": reply(verifier=1),
    "another version": reply(version="3"),
    "a version that is a number": reply(version=1),
    "a version that is missing": reply(version=...),
    "a build that is a number": reply(build=7),
    "a list": http([GOOD]),
    "text": http(b'"fine"'),
    "a number": http(b"1.0"),
    "null": http(b"null"),
    "a problem with 200": http({"title": "Too much work in flight", "status": 429}),
}
BODIES = {
    "nothing": http(b""),
    "spaces": http(b"   "),
    "half of the document": http(GOOD_BYTES[:60]),
    "more behind the document": http(GOOD_BYTES + b" 1"),
    "the document twice": http(GOOD_BYTES * 2),
    "UTF-16": http(GOOD_BYTES.decode().encode("utf-16")),
    "a byte order mark": http(b"\xef\xbb\xbf" + GOOD_BYTES),
    "bytes that are no text": http(GOOD_BYTES.replace(b"fine", b"\xff\xfe")),
    "a lone surrogate": text("fine", "\\ud800"),
    "nested without end": http(DEEP),
    "a page": http(b"<html>1.0</html>", content_type="text/html"),
    "a page that is the document": http(GOOD_BYTES, content_type="text/html"),
    "an image": http(GOOD_BYTES, content_type="image/png"),
    "gzip that is none": http(GOOD_BYTES, content_encoding="gzip"),
    "gzip cut short": http(gzip.compress(GOOD_BYTES)[:-12], content_encoding="gzip"),
    "gzip of a page": http(gzip.compress(b"<html>"), content_encoding="gzip"),
    "gzip of very much": http(gzip.compress(b" " * 100_000_000), content_encoding="gzip"),
    "an encoding of its own": http(GOOD_BYTES[::-1], content_encoding="rot13"),
    "very much": http(b" " * 3_000_000),
}
PLAIN = (201, 202, 203, 204, 206, 300, 304, 400, 401, 403, 404, 409, 418, 422, 429, 500, 501, 502, 503, 504)
STATUSES = {f"status {status}": http(GOOD_BYTES, status=f"{status} Whatever") for status in PLAIN}
STATUSES |= {f"status {status}": http(GOOD_BYTES, f"{status} Moved", location="/") for status in (301, 302, 307, 308)}
CONNECTIONS = {
    "closed at once": b"",
    "closed in the headers": b"HTTP/1.1 200 OK\r\ncontent-le",
    "no HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "HTTP/0.9": GOOD_BYTES,
    "a status that is no number": b"HTTP/1.1 fine OK\r\ncontent-length: 2\r\n\r\n{}",
    "a body that breaks off": http(GOOD_BYTES, length=len(GOOD_BYTES) + 10),
    "a body that breaks off before its end": http(GOOD_BYTES[:50], length=len(GOOD_BYTES)),
    "a length that is too short": http(GOOD_BYTES, length=40),
    "a length below nothing": http(GOOD_BYTES, length=-1),
    "two lengths": http(GOOD_BYTES).replace(b"connection", b"content-length: 7\r\nconnection"),
    "chunks of no size": http(GOOD_BYTES, length="", transfer_encoding="chunked").replace(b"content-length: \r\n", b""),
    "chunks without an end": b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n%x\r\n%s\r\n"
    % (len(GOOD_BYTES), GOOD_BYTES),
    "never a word": [(b"", 60)],
    "headers alone": [(http(b"", length=len(GOOD_BYTES)), 60)],
    "half of the body and then nothing": [(http(GOOD_BYTES[:50], length=len(GOOD_BYTES)), 60)],
    "a byte at a time": [(bytes([byte]), 0.05) for byte in http(GOOD)],
    "headers without end": [(b"HTTP/1.1 200 OK\r\n", 0.0), *[(b"x-filler: " + b"y" * 8000 + b"\r\n", 0.0)] * 200],
    "interim replies without end": [(b"HTTP/1.1 102 Processing\r\n\r\n", 0.01)] * 1000,
    "a switch of protocols": b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n",
}
MOODS = VERDICTS | REPLIES | BODIES | STATUSES | CONNECTIONS
RIGHT = {
    "plain": http(GOOD),
    "zero": row(score=0),
    "with fields that are not known yet": reply(news=1),
    "without a content type": http(GOOD, content_type=""),
    "with a charset": http(GOOD, content_type="application/json; charset=utf-8"),
    "as another kind of JSON": http(GOOD, content_type="application/vnd.touchstone+json"),
    "as gzip": http(gzip.compress(GOOD_BYTES), content_encoding="gzip"),
    "in pieces": [(http(GOOD)[at : at + 40], 0.001) for at in range(0, len(http(GOOD)), 40)],
    "after an interim reply": b"HTTP/1.1 103 Early Hints\r\n\r\n" + http(GOOD),
    "without a length": http(GOOD).replace(b"content-length", b"x-length"),
}


class Service:
    """A verifier service, byte by byte."""

    def __init__(self):
        self.mood = http(GOOD)
        self.about = ABOUT
        self.writers = []

    async def serve(self, reader, writer):
        self.writers.append(writer)
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            if head.startswith(b"POST"):
                [length] = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")]
                await reader.readexactly(int(length.split(b":")[1]))
                await self._send(self.mood, writer)
            else:
                await self._send(http(self.about), writer)
        writer.close()

    async def _send(self, mood, writer):
        for piece, pause in [(mood, 0.0)] if isinstance(mood, bytes) else mood:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(pause)


@pytest.fixture
async def service():
    service = Service()
    server = await asyncio.start_server(service.serve, "127.0.0.1", 0)
    service.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    yield service
    server.close()
    for writer in service.writers:
        writer.transport.abort()
    await asyncio.sleep(0)


@pytest.fixture
async def score(tmp_path, service, monkeypatch):
    monkeypatch.setattr("reward_api.gateway.remote.MAX_REPLY_BYTES", 2_000_000)
    text = f"verifiers: {{fake: {{url: '{service.url}'}}}}\ncomponents: [{{verifier: fake}}]\n"
    (tmp_path / "f.yaml").write_text(text)
    gateway = Gateway(GatewaySettings(domains=tmp_path, workers=1, verifier_urls=ELSEWHERE))
    transport = httpx.ASGITransport(create_app(gateway))
    async with gateway.running(), httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:

        async def call(*completions, deadline_s=30.0):
            begun = time.monotonic()
            reply = await client.post("/score/f", json={"completions": completions, "deadline_s": deadline_s})
            call.seconds = time.monotonic() - begun
            assert reply.status_code == 200, reply.text
            return reply.json()["results"]

        yield call


def test_there_are_enough_moods():
    assert len(MOODS) >= 100


async def test_what_is_right_is_paid(service, score):
    for number, (name, mood) in enumerate(RIGHT.items()):
        service.mood = mood
        rewards = [result["reward"] for result in await score(f"a {number}", f"b {number}")]
        assert rewards == [1.0, 0.0 if name == "zero" else 1.0], name


FAMILIES = ["VERDICTS", "REPLIES", "BODIES", "STATUSES", pytest.param("CONNECTIONS", marks=pytest.mark.slow)]


@pytest.mark.parametrize("family", FAMILIES)
async def test_no_mood_is_a_number(service, score, family):
    for number, (name, mood) in enumerate(globals()[family].items()):
        service.mood = mood
        # Those that dawdle are given little time; the rest answer at once, however busy the machine is.
        deadline_s = DEADLINE_S if family == "CONNECTIONS" else 30.0
        results = await score(f"a {number}", f"b {number}", deadline_s=deadline_s)
        untouched = family == "VERDICTS" and results[0]["reward"] == 1.0  # the verdict beside the one that lies
        for result in results[1:] if untouched else results:
            assert (result["reward"], result["valid"]) == (None, False), name
            assert result["failure"]["kind"] in KINDS[family], (name, result["failure"])
            assert result["failure"]["component"] == "fake"
        assert score.seconds < deadline_s + 10, name
    service.mood = http(GOOD)
    assert [result["reward"] for result in await score("after", "all")] == [1.0, 1.0]


BAD = {"verifier_error"}
KINDS = {
    "VERDICTS": BAD,
    "REPLIES": BAD,
    "BODIES": BAD | {"verifier_unreachable", "deadline_exceeded"},  # what takes long to inflate
    "STATUSES": BAD | {"overloaded", "verifier_unreachable"},
    "CONNECTIONS": BAD | {"verifier_unreachable", "deadline_exceeded"},
}


ABOUTS = [
    {},
    [],
    None,
    "fake",
    ABOUT | {"verifier": "other"},
    ABOUT | {"verifier": 1},
    ABOUT | {"version": 1},
    ABOUT | {"score_range": [1, 0]},
    ABOUT | {"score_range": [0]},
    ABOUT | {"score_range": "wide"},
    ABOUT | {"score_range": [0, None]},
    ABOUT | {"pure": "no"},
    ABOUT | {"options_schema": True},
    {"title": "Not found", "status": 404},
]


async def test_a_service_that_lies_about_itself_is_not_paid(service, score):
    for number, about in enumerate(ABOUTS):
        service.about = about
        service.mood = reply(verifier="other", version="2")  # so that it is asked again what it is
        assert [result["reward"] for result in await score(f"a {number}", f"b {number}")] == [None, None], about
        service.mood = http(GOOD)
        service.about = ABOUT
        await until_paid(score)


async def until_paid(score):
    """It is asked again what it is when a group finds it another, and every two seconds."""
    for attempt in range(100):
        if [result["reward"] for result in await score(f"c {attempt}", "d")] == [1.0, 1.0]:
            return
        await asyncio.sleep(0.05)
    raise AssertionError
