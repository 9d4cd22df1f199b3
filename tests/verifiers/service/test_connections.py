"""One client shuts nobody out: announced bodies, replies that nobody reads, more connections than there is room for."""

import asyncio
import json
import socket
import time
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager

import httpx
import pytest
import uvicorn
from toy_gateway import REMOTE

from reward_verifiers.service.admission import SMALL, Admission
from reward_verifiers.service.app import bare_app
from reward_verifiers.service.connections import Connections
from reward_verifiers.service.middleware import ServiceLimits
from reward_verifiers.service.server import configured
from reward_verifiers.service.settings import ServiceSettings
from reward_verifiers.verifier import Overloaded

JSON = {"content-type": "application/json"}


def connect(url, receive_buffer=0):
    host, port = url.removeprefix("http://").split(":")
    connection = socket.socket()
    if receive_buffer:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    connection.settimeout(20)
    connection.connect((host, int(port)))
    return connection


def post(path, body, **headers):
    fields = {"host": "localhost", **JSON, "content-length": str(len(body)), **headers}
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"POST {path} HTTP/1.1\r\n{head}\r\n".encode() + body


def until(holds):
    give_up = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < give_up
        time.sleep(0.01)


def test_small_work_finds_room_beside_large_work():
    admission = Admission(8 * SMALL, reserve=SMALL)
    with admission.enter(4 * SMALL):
        with pytest.raises(Overloaded), admission.enter(3 * SMALL + 1):
            pass
        with admission.enter(3 * SMALL):
            with pytest.raises(Overloaded), admission.enter(SMALL + 1):
                pass
            with admission.enter(SMALL):
                assert admission.in_flight == admission.limit
    assert admission.in_flight == 0


def test_what_is_only_announced_takes_no_room(serve):
    limits = {"TOUCHSTONE_MAX_INFLIGHT_MB": "8", "TOUCHSTONE_MAX_BODY_MB": "2", "TOUCHSTONE_BODY_TIMEOUT_S": "60"}
    with serve("toys:Toy", "--workers", "1", **limits) as (url, _), ExitStack() as stack:
        for _ in range(4):
            greedy = stack.enter_context(connect(url))
            greedy.sendall(post("/verify", b"{", **{"content-length": str(2 << 20)}))
        reply = httpx.post(f"{url}/verify", json={"completions": ["yes" + " " * 100_000], "reference": "yes"})
        assert reply.status_code == 200
        # And what has come, and waits for the rest, leaves room for a small one.
        greedy.sendall(b" " * ((2 << 20) - 100))
        until(lambda: metric(url, "reward_body_bytes") > 1 << 20)
        assert httpx.post(f"{url}/verify", json={"completions": ["yes"], "reference": "yes"}).status_code == 200


def metric(url, name):
    page = httpx.get(f"{url}/metrics").text
    [line] = [line for line in page.splitlines() if line.startswith(f"{name} ")]
    return float(line.split()[1])


@contextmanager
def stalled(url, groups, samples):
    """A stream of which nothing is read."""
    group = {"domain": "toy", "completions": ["big evidence"] * samples, "reference": "yes"}
    body = json.dumps({"groups": [group] * groups}).encode()
    with connect(url, receive_buffer=4096) as connection:
        connection.sendall(post("/score", body, accept="application/x-ndjson"))
        yield connection


@pytest.mark.slow
def test_a_reply_that_nobody_reads_is_given_up_and_gives_its_room_back(serve, toy_domains):
    environment = {"TOUCHSTONE_WRITE_TIMEOUT_S": "1", "TOUCHSTONE_VERIFIER_URLS": REMOTE}
    suite = serve("--domains", str(toy_domains()), "--workers", "1", **environment)
    with suite as (url, _), stalled(url, groups=200, samples=64):
        until(lambda: metric(url, "reward_inflight_samples") > 0)
        until(lambda: metric(url, "reward_inflight_samples") == 0)


@pytest.mark.slow
def test_a_stream_that_is_read_slowly_goes_on(serve, toy_domains):
    environment = {"TOUCHSTONE_WRITE_TIMEOUT_S": "0.5", "TOUCHSTONE_VERIFIER_URLS": REMOTE}
    suite = serve("--domains", str(toy_domains()), "--workers", "1", **environment)
    with suite as (url, _), stalled(url, groups=30, samples=64) as connection:
        received = bytearray()
        while not received.endswith(b"0\r\n\r\n"):
            time.sleep(0.002)  # a client that takes its time
            received += connection.recv(4096)
    assert received.count(b'{"index":') == 30


class Transport:
    def __init__(self):
        self.aborted = False

    def abort(self):
        self.aborted = True


class Connection:
    def __init__(self):
        self.transport = Transport()


def test_the_connection_that_waits_longest_makes_way():
    connections, ours = Connections(limit=2), [Connection() for _ in range(4)]
    for one in ours[:2]:
        connections.opened()
        connections.waits(one)
    connections.works(ours[0])
    connections.waits(ours[0])  # it had a request: now the other one waits longest
    connections.opened()
    assert [one.transport.aborted for one in ours] == [False, True, False, False]
    connections.closed(ours[1])
    assert not connections.is_full


@asynccontextmanager
async def served(limit):
    """A service with room for so many connections, in this process."""
    app = bare_app("test", "1", ServiceLimits())
    app.state.connections.limit = limit
    app.get("/healthz")(hello)
    app.post("/echo")(echo)
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(configured(app, ServiceSettings()))
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = server.force_exit = True
        await task


async def hello() -> dict[str, bool]:
    return {"ok": True}


async def echo(body: dict[str, str]) -> dict[str, str]:
    return body


async def test_idle_connections_shut_nobody_out_and_health_is_always_answered():
    async with served(limit=20) as url, AsyncExitStack() as stack:
        host, port = url.removeprefix("http://").split(":")

        async def opened(request):
            reader, writer = await asyncio.open_connection(host, int(port))
            stack.callback(writer.close)
            writer.write(request)
            return reader

        async def posted():
            async with httpx.AsyncClient() as client:
                return await client.post(f"{url}/echo", json={"a": "b"})

        for _ in range(100):
            idle = await opened(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n")
            assert (await idle.readline()).startswith(b"HTTP/1.1 200")
        assert (await posted()).status_code == 200
        for _ in range(25):  # at work, so that they cannot make way
            await opened(post("/echo", b"{", **{"content-length": "100"}))
        reply = await posted()
        assert reply.status_code == 503
        assert reply.headers["content-type"] == "application/problem+json"
        assert reply.headers["retry-after"]
        async with httpx.AsyncClient() as client:
            assert (await client.get(f"{url}/healthz")).status_code == 200
