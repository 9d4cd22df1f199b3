"""The opt-in runner that holds the engine's socket: every submission in a container of its own, none left behind."""

import json
import os
import subprocess
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.compose

ROOT = Path(__file__).parents[2]
PROJECT = "touchstone-test-runner"
ITEMS = [
    {"id": "right", "language": "python", "code": "print(sum(map(int, input().split())))"},
    {"id": "wrong", "language": "python", "code": "print(4)"},
    {"id": "compiled", "language": "c", "code": '#include <stdio.h>\nint main(){puts("3");}'},
    {"id": "hostile", "language": "python", "code": "import os\nwhile True: os.fork()"},
]
TESTS = [{"stdin": "1 2", "stdout": "3"}, {"stdin": "2 1", "stdout": "3"}]
ASK = """
import sys, urllib.request as r
body = sys.stdin.buffer.read()
q = r.Request('http://127.0.0.1:8700/grade', body, {'content-type': 'application/json'})
sys.stdout.write(r.urlopen(q, timeout=100).read().decode())
"""


def run(*command: str, **more) -> str:
    environment = {**os.environ, "DOCKER_GROUP": str(os.stat("/var/run/docker.sock").st_gid)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, **more)
    assert done.returncode == 0, f"{command}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
    return done.stdout


@pytest.fixture
def runner():
    run("docker", "compose", "-p", PROJECT, "build", "sandbox")
    compose = ("docker", "compose", "-p", PROJECT, "-f", "docker-compose.yml", "-f", "deploy/docker-runner.yml")
    run(*compose, "up", "-d", "--build", "sandbox")
    try:
        container = run(*compose, "ps", "-q", "sandbox").strip()
        give_up = time.monotonic() + 120
        while run("docker", "inspect", "-f", "{{.State.Health.Status}}", container).strip() != "healthy":
            assert time.monotonic() < give_up, run("docker", "logs", container)
            time.sleep(0.2)
        yield container
    finally:
        run(*compose, "down", "--volumes", "--timeout", "20")


def test_the_runner_grades_in_containers_and_leaves_none(runner):
    [about] = json.loads(run("docker", "inspect", runner))
    assert (about["Config"]["User"], about["HostConfig"]["CapDrop"]) == ("10001", ["ALL"])
    limits = {"wall_s": 4, "cpu_s": 2, "processes": 8}
    body = json.dumps({"items": [{**item, "tests": TESTS, "limits": limits} for item in ITEMS]})
    reply = json.loads(run("docker", "exec", "-i", runner, "python3", "-c", ASK, input=body))
    assert {item["id"]: (item["valid"], item["passed"], item["tier"]) for item in reply["items"]} == {
        "right": (True, True, "A"),
        "wrong": (True, False, "A"),
        "compiled": (True, True, "A"),
        "hostile": (True, False, "A"),
    }, reply
    assert not run("docker", "ps", "-aq", "--filter", f"label=touchstone.sandbox={about['Config']['Hostname']}")
