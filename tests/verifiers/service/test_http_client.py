"""The client that services use to call each other, against servers that misbehave on a real socket."""

from __future__ import annotations

import asyncio
import gzip
import threading
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from reward_verifiers.service.http_client import BrokenReply, HttpClient, Reply, UnreadableReply
from reward_verifiers.service.strict_json import BadJSON


@asynccontextmanager
async def server(*chunks: bytes, hold: bool = False) -> AsyncIterator[str]:
    """A server that sends these bytes whatever it is asked, and then closes the connection or holds it."""
    stop = asyncio.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        for chunk in chunks:
            writer.write(chunk)
        await writer.drain()
        if hold:
            await stop.wait()
        writer.close()

    listener = await asyncio.start_server(answer, "127.0.0.1", 0)
    host, port = listener.sockets[0].getsockname()
    try:
        yield f"http://{host}:{port}"
    finally:
        stop.set()
        listener.close()
        await listener.wait_closed()


async def exchange(url: str, timeout_s: float = 30) -> Reply:
    client = HttpClient(url, max_bytes=100)
    try:
        return await client.exchange("GET", "/", timeout_s=timeout_s)
    finally:
        await client.aclose()
        assert client.is_closed


async def test_a_reply_is_read_whole():
    async with server(b'HTTP/1.1 200 OK\r\ncontent-length: 8\r\nretry-after: 1.5\r\n\r\n{"a": 1}') as url:
        reply = await exchange(url)
    assert (reply.status, reply.json(), reply.retry_after_s()) == (200, {"a": 1}, 1.5)


async def test_a_redirect_is_an_answer_and_not_followed():
    async with server(b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:9/\r\ncontent-length: 0\r\n\r\n") as url:
        assert (await exchange(url)).status == 302


async def test_a_reply_without_end_is_cut_off():
    async with server(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n" + b" " * 200, hold=True) as url:
        with pytest.raises(UnreadableReply, match="more than 100 bytes"):
            await exchange(url)


async def test_a_reply_that_breaks_in_the_middle_is_told_from_one_that_never_began():
    async with server(b"HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\n{") as url:
        with pytest.raises(BrokenReply):
            await exchange(url)


async def test_a_server_that_stops_in_the_middle_is_given_up():
    async with server(b"HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\n{", hold=True) as url:
        with pytest.raises(TimeoutError):
            await exchange(url, timeout_s=0.2)


@pytest.mark.parametrize("header", ["", "retry-after: Wed, 21 Oct 2026 07:28:00 GMT\r\n", "retry-after: -1\r\n"])
async def test_a_wait_that_is_no_number_of_seconds_is_none(header):
    async with server(f"HTTP/1.1 429 No\r\n{header}content-length: 1\r\n\r\nx".encode()) as url:
        reply = await exchange(url)
    assert reply.retry_after_s() is None
    with pytest.raises(BadJSON):
        reply.json()


def packed(body: bytes, encoding: str = "gzip") -> bytes:
    head = f"HTTP/1.1 200 OK\r\ncontent-encoding: {encoding}\r\ncontent-length: {len(body)}\r\n\r\n"
    return head.encode() + body


async def test_a_reply_that_came_as_gzip_is_inflated():
    async with server(packed(gzip.compress(b'{"a": 1}'))) as url:
        assert (await exchange(url)).json() == {"a": 1}


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (packed(gzip.compress(b" " * 100_000_000, mtime=0)), "more than 100 bytes"),
        (packed(gzip.compress(b'{"a": 1}', mtime=0)[:-4]), "not valid gzip"),
        (packed(gzip.compress(b'{"a": 1}', mtime=0) + gzip.compress(b"]", mtime=0)), "not valid gzip"),
        (packed(b'{"a": 1}'), "not valid gzip"),
        (packed(b'{"a": 1}', "br"), "content-encoding 'br' is not read"),
        (packed(b'{"a": 1}', "gzip, gzip"), "content-encoding 'gzip, gzip' is not read"),
    ],
)
async def test_a_reply_that_cannot_be_inflated_whole_is_no_reply(reply, reason):
    async with server(reply) as url:
        with pytest.raises(UnreadableReply, match=reason):
            await exchange(url)


async def test_a_reply_is_inflated_beside_the_event_loop(monkeypatch):
    threads = []
    real = zlib.decompressobj

    class Watched:
        def __init__(self, **more):
            self._real = real(**more)

        def decompress(self, *arguments):
            threads.append(threading.current_thread())
            return self._real.decompress(*arguments)

        def __getattr__(self, name):
            return getattr(self._real, name)

    monkeypatch.setattr(zlib, "decompressobj", Watched)
    async with server(packed(gzip.compress(b'{"a": 1}'))) as url:
        await exchange(url)
    assert threads
    assert threading.main_thread() not in threads
