"""Kill, stop and garbage, on every process in turn, under load: no wrong reward, no hang, full recovery.

    gateway ──▶ toy, in two replicas        each a server, its fork server and its workers

TOUCHSTONE_CHAOS_S is how long; a shorter run has fewer rounds.
"""

import itertools
import json
import os
import random
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import psutil
import pytest
from load import Load
from toy_gateway import REMOTE

SECONDS = float(os.environ.get("TOUCHSTONE_CHAOS_S", "600"))
pytestmark = [pytest.mark.long, pytest.mark.timeout(SECONDS + 600)]

ROOT = Path(__file__).parents[2]
TOYS = ROOT / "tests" / "toys"
DEADLINE_S, STOPPED_S = 5.0, 4.0


class Service:
    """One service. Nobody starts it again but the test that ends it."""

    def __init__(self, name, arguments, port, log, **environment):
        self.name, self.port = name, port
        self._command = [sys.executable, "-m", "reward_api", "serve", *arguments, "--port", str(port), "--workers", "2"]
        self._environment = {**os.environ, "PYTHONPATH": str(TOYS), "TOUCHSTONE_SHUTDOWN_GRACE_S": "1", **environment}
        self._log = log
        self.start()

    def start(self):
        with self._log.open("ab") as out:
            self._process = subprocess.Popen(self._command, cwd=ROOT, env=self._environment, stderr=out)

    def process(self, part):
        """The server, its fork server, or one of the workers; None while there is none."""
        try:
            server = psutil.Process(self._process.pid)
            if part == "server":
                return server
            [fork_server] = [
                one for one in server.children() if "reward_verifiers.runtime.fork_server" in one.cmdline()
            ]
            return fork_server if part == "fork server" else next(iter(fork_server.children()), None)
        except (psutil.NoSuchProcess, ValueError):
            return None

    def end(self, kill=False):
        self._process.kill() if kill else self._process.terminate()
        self._process.wait(60)


class Garbage(BaseHTTPRequestHandler):
    """A service that is in another mood at each request."""

    rng = random.Random(7)

    def answer(self):
        self.rfile.read(int(self.headers.get("content-length", 0)))
        row = {"score": self.rng.choice([1e6, -1, "1", True, None, 1]), "valid": True, "failure": None, "reason": ""}
        texts = [
            b"",
            b"<html>",
            b"{",
            b'{"verifier":"toy"}',
            json.dumps({"verifier": "other", "version": "1.0.0", "verdicts": [row] * 2}).encode(),
            json.dumps({"verifier": "toy", "version": "9", "verdicts": [row] * 2}).encode(),
            json.dumps({"verifier": "toy", "version": "1.0.0", "verdicts": [row]}).encode(),
        ]
        body = self.rng.choice(texts)
        self.send_response(self.rng.choice([200, 200, 200, 500, 503, 404]))
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body) + self.rng.choice([0, 0, 0, 5])))
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = True

    do_GET = do_POST = answer  # noqa: N815  # the names that http.server looks for

    def log_message(self, *_):
        pass


def free_ports(count):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


@pytest.fixture
def services(tmp_path):
    first, second, port = free_ports(3)
    urls = [f"http://127.0.0.1:{first}", f"http://127.0.0.1:{second}"]
    domains = tmp_path / "domains"
    domains.mkdir()
    (domains / "toy.yaml").write_text(
        f"verifiers: {{toy: {{url: {json.dumps(urls)}}}}}\n"
        "components: [{verifier: toy}, {verifier: 'toys:Toy', name: here, weight: 0, gate: true, at_least: 0}]\n"
    )
    running = [
        Service("first", ["toys:Toy"], first, tmp_path / "first.log"),
        Service("second", ["toys:Toy"], second, tmp_path / "second.log"),
        Service(
            "gateway", ["--domains", str(domains)], port, tmp_path / "gateway.log", TOUCHSTONE_VERIFIER_URLS=REMOTE
        ),
    ]
    until_whole(f"http://127.0.0.1:{port}")
    yield running
    for service in running:
        service.end()


def until_whole(url):
    """Every sample of fifty groups in a row has its reward."""
    give_up, good, last = time.monotonic() + 120, 0, None
    with httpx.Client(base_url=url, timeout=30) as client:
        while good < 50:
            assert time.monotonic() < give_up, last
            try:
                reply = client.post("/score/toy", json={"completions": [f"yes {good}"], "reference": f"yes {good}"})
                rewards = [result["reward"] for result in reply.json()["results"]]
                last = last if rewards == [1] else reply.text
                good = good + 1 if rewards == [1] else 0
            except httpx.TransportError as error:
                good, last = 0, error
            if not good:
                time.sleep(0.1)


def kill(service, part):
    if (process := service.process(part)) is not None:
        process.kill()
    if part == "server":
        service.end(kill=True)
        time.sleep(1)
        service.start()


def stop(service, part):
    if (process := service.process(part)) is not None:
        process.suspend()
        time.sleep(STOPPED_S)
        try:
            process.resume()
        except psutil.NoSuchProcess:  # it was replaced, because it did not answer
            return


def garbage(service, _):
    """Something else answers at its address for a while."""
    service.end(kill=True)
    server = ThreadingHTTPServer(("127.0.0.1", service.port), Garbage)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    time.sleep(STOPPED_S)
    server.shutdown()
    thread.join()
    server.server_close()
    service.start()


def terminate(service, _):
    service.end()
    service.start()


def test_every_process_in_turn(services, capsys):
    first, second, gateway = services
    rounds = [
        (act, one, part) for act in (kill, stop) for one in services for part in ("worker", "fork server", "server")
    ]
    rounds += [(act, one, "server") for act in (garbage, terminate) for one in (first, second)]
    random.Random(3).shuffle(rounds)
    url = f"http://127.0.0.1:{gateway.port}"
    end = time.monotonic() + SECONDS
    done = Counter()
    # What no deadline covers: the time that the gateway itself was stopped.
    timeout_s = DEADLINE_S + 2 * STOPPED_S + 10
    with Load(url, "toy", lambda answer: [(str(answer), 1), ("x", 0)], timeout_s, deadline_s=DEADLINE_S) as load:
        for act, service, part in itertools.cycle(rounds):
            act(service, part)
            done[act.__name__] += 1
            assert load.faults == [], (act.__name__, service.name, part, load.faults[:3])
            if time.monotonic() > end:
                break
            time.sleep(2)
    with capsys.disabled():
        print(f"\n{dict(done)}: {dict(load.seen)} {load.causes}")
    assert load.faults == []
    until_whole(url)
    assert load.seen["scored"] > load.seen["null"]
