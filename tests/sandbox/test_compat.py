"""Clients of other sandboxes: open-instruct's two routes, and SandboxFusion's bytes, through the service's real app."""

import base64
import json
import os
import pickle
import re
import zlib
from pathlib import Path

import httpx
import pytest

from reward_sandbox.api import sandbox_fusion
from reward_sandbox.backend import CodeBackend
from reward_sandbox.service import app_of
from reward_sandbox.settings import SandboxSettings

pytestmark = [pytest.mark.slow, pytest.mark.skipif(os.geteuid() != 0, reason="tier A needs root")]
GOLDEN = Path(__file__).parents[2] / "docs" / "golden" / "compat"
ADD = "def add(a, b): return a + b"


@pytest.fixture(scope="module")
async def backend():
    backend = CodeBackend(SandboxSettings(slots=2, python="/usr/bin/python3", max_programs=50))
    await backend.start()
    yield backend
    await backend.aclose()


@pytest.fixture(scope="module")
async def client(backend):
    app = app_of(backend)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://sandbox", timeout=60) as client:
        yield client


async def post(client, path, program, tests, **more):
    return await client.post(path, json={"program": program, "tests": tests, "max_execution_time": 2.0, **more})


@pytest.mark.parametrize(
    "case", json.loads((GOLDEN / "sandbox_fusion.json").read_text()), ids=lambda case: case["about"]
)
async def test_the_bytes_are_sandbox_fusions(client, case):
    """Written from its server's models: the order of their fields, their nulls, FastAPI's separators."""
    reply = await client.post("/run_code", content=json.dumps(case["request"]), headers=JSON)
    assert reply.status_code == 200
    assert re.sub(r'"execution_time":[0-9.e-]+', '"execution_time":0.0', reply.text) == case["reply"]


JSON = {"Content-Type": "application/json", "Accept": "application/json"}


async def test_an_overloaded_sandbox_answers_sandbox_fusions_clients_with_what_makes_them_try_again(
    client, monkeypatch
):
    async def overloaded(*_):
        raise sandbox_fusion.Overloaded(3)

    monkeypatch.setattr(sandbox_fusion, "run_once", overloaded)
    reply = await client.post("/run_code", json={"code": "print(1)", "language": "python"})
    assert (reply.status_code, reply.headers["retry-after"]) == (504, "3")


@pytest.mark.parametrize(
    "case", json.loads((GOLDEN / "open_instruct.json").read_text()), ids=lambda case: case["about"]
)
async def test_golden_programs(client, case):
    reply = await client.post(case["path"], json=case["request"])
    assert reply.status_code == 200
    body = reply.json()
    body["runtimes"] = [0.0 if 0 < seconds < 2 else seconds for seconds in body["runtimes"]]
    assert body == case["reply"]


@pytest.mark.parametrize(
    ("program", "tests", "results"),
    [
        (ADD, [], []),
        ("def add(a, b", ["assert add(1, 2) == 3"] * 2, [0, 0]),
        ("while True: pass", ["assert add(1, 2) == 3"], [0]),
        ("import os\nos._exit(0)", ["assert add(1, 2) == 3"], [0]),
        ("import sys\nsys.exit(0)", ["assert add(1, 2) == 3"], [0]),
        (
            f"class A:\n    def __eq__(self, o): return True\n{ADD.replace('a + b', 'A()')}",
            ["assert add(1, 2) == 3"],
            [0],
        ),
        (ADD, ["total = add(1, 2)\nassert total == 3", "assert sorted([add(2, 1)]) == [4]", "add(1)"], [1, 0, 0]),
        (ADD, ["import math\nassert math.isclose(add(0.1, 0.2), 0.3)"], [1]),
        ("import threading\n" + ADD, ["assert add(1, 2) == 3"], [1]),
        # Objects of the program's own classes only exist beside it.
        (
            "class Stack:\n    def __init__(self): self.items = []\n    def push(self, item): self.items.append(item)",
            ["s = Stack()\ns.push(1)\nassert s.items == [1]", "assert Stack().items == [1]"],
            [1, 0],
        ),
        # A program cannot ask to be run beside its tests: here it would win by an object that equals everything.
        (
            "class add:\n    def __init__(self, *_): pass\n    def __eq__(self, o): return True",
            ["total = add(1, 2)\nassert total == 3"],
            [0],
        ),
    ],
)
async def test_asserts(client, program, tests, results):
    reply = await post(client, "/test_program", program, tests)
    assert reply.status_code == 200, reply.text
    assert reply.json()["results"] == results
    runtimes = reply.json()["runtimes"]
    assert [seconds > 0 for seconds in runtimes] == [bool(passed) for passed in results]


async def test_programs_that_read_and_print(client):
    tests = [
        {"input": "1\n", "output": "2"},
        {"input": "7", "output": "9\n"},
        {"input": "5", "output": "6\n", "fn_name": None},
    ]
    reply = await post(client, "/test_program_stdio", "print(int(input()) + 1)", tests)
    assert reply.json()["results"] == [1, 0, 1]
    assert (await post(client, "/test_program_stdio", "print(", tests)).json()["results"] == [0, 0, 0]
    assert (await post(client, "/test_program_stdio", "print(1)", [])).json() == {"results": [], "runtimes": []}


async def test_a_pickle_is_refused_and_never_read(client, tmp_path):
    class Bomb:
        def __reduce__(self):
            return (os.mkdir, (str(tmp_path / "unpickled"),))

    packed = base64.b64encode(zlib.compress(pickle.dumps([Bomb()]))).decode()
    for path in ("/test_program", "/test_program_stdio"):
        reply = await post(client, path, ADD, packed)
        assert reply.status_code == 422
        [error] = reply.json()["errors"]
        assert error["path"] == "tests"
        assert "pickle" in error["reason"]
    assert not (tmp_path / "unpickled").exists()


async def test_tests_that_cannot_run_are_no_wrong_answer(client):
    reply = await post(client, "/test_program", ADD, ["assert add(1, 2) == 3", "assert add(("])
    assert reply.status_code == 422
    assert reply.json()["errors"][0]["path"] == "tests[1]"


async def test_what_fails_on_our_side_is_503_which_is_tried_again(client, backend, monkeypatch):
    full = await post(client, "/test_program", ADD, ["assert add(1, 2) == 3"] * 51)
    assert full.status_code == 200, "an idle service takes work of any size"

    async def broken(item):
        return backend.grader._failed(item, "worker_crashed", "the sandbox failed: no slot")

    monkeypatch.setattr(backend, "grade", broken)
    reply = await post(client, "/test_program", ADD, ["assert add(1, 2) == 3"])
    assert reply.status_code == 503
    assert reply.json()["title"] == "No verdict"


@pytest.mark.parametrize(
    ("path", "more", "where"),
    [
        ("/test_program", {"tests": [7]}, "tests[0]"),
        ("/test_program", {"tests": '{"a": 1}'}, "tests"),
        ("/test_program", {"max_execution_time": 0}, "max_execution_time"),
        ("/test_program", {"tests": ["assert add(1, 2) == 3"] * 1001}, "tests"),
        ("/test_program_stdio", {"tests": [{"input": "1"}]}, "tests[0].output"),
        ("/test_program_stdio", {"program": None}, "program"),
    ],
)
async def test_bad_requests_name_the_field(client, path, more, where):
    reply = await client.post(path, json={"program": ADD, "tests": [], **more})
    assert reply.status_code == 422
    assert where in [error["path"] for error in reply.json()["errors"]], reply.text
