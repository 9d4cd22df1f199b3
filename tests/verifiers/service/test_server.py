"""The server over real connections: slow, greedy and vanishing clients."""

import json
import socket
import subprocess
import sys
import time

import httpx
import pytest

from reward_verifiers.service.server import BindError, refuse_open_bind


@pytest.fixture(scope="module")
def server(serve):
    with serve(
        "toys:Toy",
        "--workers",
        "1",
        TOUCHSTONE_HEADER_TIMEOUT_S="0.5",
        TOUCHSTONE_BODY_TIMEOUT_S="0.5",
        TOUCHSTONE_MAX_BODY_MB="1",
    ) as (url, _):
        yield url


def connect(url):
    host, port = url.removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)), timeout=10)


def until_closed(connection):
    received = b""
    while chunk := connection.recv(65536):
        received += chunk
    return received


def test_headers_that_dawdle_are_cut_off(server):
    for start in (b"", b"POST /verify HTTP/1.1\r\nhost: localhost\r\n"):
        with connect(server) as connection:
            connection.sendall(start)
            assert until_closed(connection).startswith(b"HTTP/1.1 408")


def test_the_second_request_of_a_connection_may_not_dawdle_either(server):
    with connect(server) as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\nGET /healthz HTTP/1.1\r\nho")
        received = until_closed(connection)
    assert received.startswith(b"HTTP/1.1 200")
    assert b"HTTP/1.1 408" in received


def test_headers_without_end_are_cut_off(server):
    with connect(server) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\n")
        received = b""
        try:
            for _ in range(100):
                connection.sendall(b"x-filler: " + b"y" * 8000 + b"\r\n")
            received = until_closed(connection)
        except OSError:  # it was closed under our feet, which is as good
            return
    assert received.startswith(b"HTTP/1.1 431")


def test_a_body_that_dawdles_is_cut_off(server):
    with connect(server) as connection:
        head = (
            "POST /verify HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{"
        )
        connection.sendall(head.encode())
        assert until_closed(connection).startswith(b"HTTP/1.1 408")


def test_a_chunked_body_over_the_limit_is_refused(server):
    def chunks():
        for _ in range(64):
            yield b" " * 65536

    reply = httpx.post(f"{server}/verify", content=chunks(), headers={"content-type": "application/json"})
    assert reply.status_code == 413


def test_slow_clients_do_not_hold_up_others(server):
    slow = [connect(server) for _ in range(50)]
    for connection in slow:
        connection.sendall(b"POST /verify HTTP/1.1\r\n")
    reply = httpx.post(f"{server}/verify", json={"completions": ["yes"], "reference": "yes"})
    assert reply.json()["verdicts"][0]["score"] == 1
    for connection in slow:
        connection.close()


def test_a_client_that_goes_away_cancels_its_work(server):
    body = json.dumps({"completions": [f"hang {i}" for i in range(100)], "reference": "yes"}).encode()
    with connect(server) as connection:
        head = "POST /verify HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
        head += f"content-length: {len(body)}\r\n\r\n"
        connection.sendall(head.encode() + body)
        wait_for(lambda: in_flight(server) == 100)
    wait_for(lambda: in_flight(server) == 0)
    # One worker: this could not be answered while fifty seconds of work were still queued.
    reply = httpx.post(f"{server}/verify", json={"completions": ["yes"], "reference": "yes"}, timeout=10)
    assert reply.json()["verdicts"][0]["score"] == 1


def in_flight(url):
    page = httpx.get(f"{url}/metrics").text
    [line] = [line for line in page.splitlines() if line.startswith("reward_inflight_samples ")]
    return float(line.split()[1])


def wait_for(holds):
    give_up = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < give_up
        time.sleep(0.01)


def test_the_service_describes_itself(server):
    about = httpx.get(server).json()
    assert (about["verifier"], about["version"], about["score_range"]) == ("toy", "1.0.0", [0.0, 2.0])
    assert about["options_schema"]["additionalProperties"] is False


def test_options_that_do_not_fit_are_named(server):
    reply = httpx.post(f"{server}/verify", json={"completions": ["a"], "options": {"bonus": "x"}})
    assert reply.status_code == 422
    assert reply.json()["errors"][0]["path"] == "options.bonus"


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "[::1]", "localhost"])
def test_loopback_is_open(host):
    refuse_open_bind(host, has_key=False, allow_open=False)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "example.org", ""])
def test_another_address_needs_a_key_or_a_word(host):
    with pytest.raises(BindError, match="TOUCHSTONE_SCORE_KEYS"):
        refuse_open_bind(host, has_key=False, allow_open=False)
    refuse_open_bind(host, has_key=True, allow_open=False)
    refuse_open_bind(host, has_key=False, allow_open=True)


def test_a_port_in_use_is_one_line(server):
    port = server.rpartition(":")[2]
    command = [sys.executable, "-m", "reward_api", "serve", "toys:Toy", "--port", port]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd="tests/toys")
    assert done.returncode == 1
    assert f"cannot bind 127.0.0.1:{port}" in done.stderr
    assert "Traceback" not in done.stderr
