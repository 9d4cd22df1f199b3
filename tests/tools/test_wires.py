"""Every wire of the tools service, against a real server: its own, Search-R1's, open-instruct's, SandboxFusion's, MCP."""

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

pytestmark = pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="tier A needs root on Linux")


@pytest.fixture(scope="module")
def url(serve):
    with serve("tools", TOUCHSTONE_TOOLS_CALL_S="5") as (url, _):
        yield url


@pytest.fixture(scope="module")
def client(url):
    with httpx.Client(base_url=url, timeout=60) as client:
        yield client


def call(client, session, name, arguments):
    reply = client.post("/call", json={"session": session, "name": name, "arguments": arguments})
    assert reply.status_code == 200, reply.text
    return reply.json()


def trace(client, session):
    return client.get(f"/sessions/{session}").json()


def test_its_own_wire(client):
    listed = client.get("/tools").json()
    assert listed["missing"] == {}
    functions = {one["function"]["name"]: one["function"] for one in listed["tools"]}
    assert set(functions) == {"calculate", "search", "open", "python"}
    assert functions["search"]["parameters"]["required"] == ["query"]
    assert client.post("/sessions", json={"session": "own"}).json() == {"session": "own"}
    assert trace(client, "own") == {"session": "own", "calls": [], "beyond": 0, "trouble": ""}
    assert call(client, "own", "calculate", {"expression": "2**70"})["output"] == str(2**70)
    assert call(client, "own", "python", '{"code": "n = 5"}')["outcome"] == "ok"
    assert call(client, "own", "python", {"code": "n + 1"})["output"] == "6\n"
    assert call(client, "own", "open", {"id": "town-1"})["output"].startswith("Velmora\n")
    assert [one["tool"] for one in trace(client, "own")["calls"]] == ["calculate", "python", "python", "open"]
    assert client.delete("/sessions/own").status_code == 200
    assert call(client, "own", "calculate", {"expression": "1"})["cause"] == "budget"
    many = client.post("/traces", json={"sessions": ["own", None, "never"]}).json()["traces"]
    assert [len(one["calls"]) for one in many] == [5, 0, 0]
    assert [bool(one["trouble"]) for one in many] == [False, False, True]
    assert client.get("/sessions/never").status_code == 404
    assert len(client.post("/sessions", json={}).json()["session"]) == 32


@pytest.mark.slow
def test_ctrl_c_in_a_terminal_ends_the_service_and_says_nothing_of_its_jails(free_port):
    """A terminal sends the signal to all processes of its foreground group."""
    command = [sys.executable, "-m", "reward_api", "serve", "tools", "--port", str(free_port)]
    process = subprocess.Popen(command, process_group=0, stderr=subprocess.PIPE, text=True)
    url = f"http://127.0.0.1:{free_port}"
    while True:
        try:
            if httpx.get(f"{url}/readyz").status_code == 200:
                break
        except httpx.TransportError:
            time.sleep(0.05)
    body = {"session": "a", "name": "python", "arguments": {"code": "6 * 7"}}
    assert httpx.post(f"{url}/call", json=body, timeout=60).json()["output"] == "42\n"
    os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert "Traceback" not in said


def test_what_a_model_wrote_never_breaks_a_request(client):
    body = b'{"session": "odd", "name": "python", "arguments": {"code": "print(\\"\\ud800 \\u0000 x\\")"}}'
    reply = client.post("/call", content=body, headers={"content-type": "application/json"})
    assert reply.status_code == 200, reply.text
    for arguments in (None, [], "x", 3, {"code": None}, {"expression": 2**80}, '{"code": NaN}'):
        assert call(client, "odd", "python", arguments)["outcome"] == "refused"
    assert client.post("/call", json={"session": "a/b", "name": "python"}).status_code == 422


def test_search_r1s_retrieve(client):
    asked = {"queries": ["Who founded Velmora?", "qqq zzz"], "topk": 2, "return_scores": True}
    first, second = client.post("/retrieve", json=asked).json()["result"]
    assert first[0]["document"]["contents"].startswith('"Velmora"\nVelmora is a town')
    assert first[0]["score"] >= first[1]["score"] > 0
    assert second == []
    [plain] = client.post("/retrieve", json={"queries": ["Velmora"], "topk": 1}).json()["result"]
    assert "Velmora" in plain[0]["contents"]
    [one] = client.post("/retrieve", json={"query": "Velmora"}).json()["result"]
    assert len(one) == 3
    client.post("/retrieve?session=r1", json=asked)
    assert [one["arguments"]["query"] for one in trace(client, "r1")["calls"]] == asked["queries"]


def test_open_instructs_execute(client):
    def execute(code, query=""):
        return client.post(f"/execute{query}", json={"code": code, "timeout": 3}).json()

    assert execute("print(6 * 7)") == {"output": "42\n", "error": None, "success": True}
    failed = execute("1 / 0")
    assert failed["success"] is False
    assert "ZeroDivisionError" in failed["error"]
    execute("kept = 1", "?session=oi")
    assert execute("kept", "?session=oi")["output"] == "1\n"
    assert execute("kept")["success"] is False


def test_sandbox_fusions_run_jupyter(client):
    reply = client.post("/run_jupyter", json={"cells": ["a = 123", "a", "raise RuntimeError('oh')", "a"]}).json()
    assert (reply["status"], len(reply["cells"])) == ("Failed", 3)
    assert reply["cells"][1]["stdout"] == "123\n"
    assert (reply["cells"][2]["error"][0]["ename"], reply["cells"][2]["error"][0]["evalue"]) == ("RuntimeError", "oh")
    assert client.post("/run_jupyter", json={"cells": ["1"]}).json()["status"] == "Success"
    files = client.post("/run_jupyter", json={"cells": ["1"], "fetch_files": ["x"]}).json()
    assert files["status"] == "SandboxError"


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_mcp_by_its_own_client_with_a_url_for_each_episode(url, client, mode):
    async with Client(f"{url}/mcp/episode-{mode}", mode=mode) as mcp:
        tools = (await mcp.list_tools()).tools
        assert {tool.name for tool in tools} == {"calculate", "search", "open", "python"}
        assert tools[0].input_schema["required"]
        await mcp.call_tool("python", {"code": "kept = 3"})
        result = await mcp.call_tool("python", {"code": "kept * 14"})
        assert (result.content[0].text, result.is_error) == ("42\n", False)
        refused = await mcp.call_tool("calculate", {"expression": "1 +"})
        assert (refused.is_error, refused.meta["touchstone/outcome"]) == (True, "refused")
    assert [one["outcome"] for one in trace(client, f"episode-{mode}")["calls"]] == ["ok", "ok", "refused"]


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_session_of_mcp_is_a_session_here_and_ends_with_it(url, client, mode):
    seen = []

    async def note(response):
        if "mcp-session-id" in response.headers:
            seen.append(response.headers["mcp-session-id"])

    async with (
        httpx.AsyncClient(event_hooks={"response": [note]}, timeout=60) as http,
        Client(streamable_http_client(f"{url}/mcp", http_client=http), mode=mode) as mcp,
    ):
        assert trace(client, seen[0])["calls"] == []  # before its first call, so that one without calls has a trace
        await mcp.call_tool("calculate", {"expression": "1 + 1"})
    assert [one["output"] for one in trace(client, seen[0])["calls"]] == ["2"]
    assert call(client, seen[0], "calculate", {"expression": "1"})["outcome"] == "refused"


def test_sessions_at_once_are_all_answered(client):
    def episode(number):
        made = [call(client, f"many-{number}", "calculate", {"expression": f"{number} + {step}"}) for step in range(3)]
        return [one["output"] for one in made]

    with ThreadPoolExecutor(16) as threads:
        outputs = list(threads.map(episode, range(100)))
    assert outputs == [[str(number + step) for step in range(3)] for number in range(100)]


def test_metrics_count_calls_by_outcome(client):
    page = client.get("/metrics").text
    assert 'reward_tools_calls_total{outcome="refused",tool="python"}' in page
    assert "reward_tools_sessions" in page


@pytest.mark.slow
def test_keys_guard_every_route_and_the_end_is_clean(serve):
    with serve("tools", TOUCHSTONE_SCORE_KEYS="sesame") as (url, server):
        for method, path in (
            ("GET", "/tools"),
            ("POST", "/call"),
            ("POST", "/traces"),
            ("POST", "/mcp"),
            ("POST", "/mcp/a"),
        ):
            assert httpx.request(method, url + path, json={}).status_code == 401, path
        key = {"authorization": "Bearer sesame"}
        body = {
            "session": "a",
            "name": "python",
            "arguments": {"code": "import subprocess; subprocess.Popen(['sleep', '424243'])\n1"},
        }
        assert httpx.post(f"{url}/call", json=body, headers=key, timeout=60).json()["outcome"] == "ok"
        server.send_signal(signal.SIGTERM)
        server.wait(30)
    assert not any(b"424243" in one for one in _command_lines())


def _command_lines():
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/cmdline", "rb") as file:
                yield file.read()
        except OSError:
            continue
