"""The tools service with real clients, by a URL alone: Prime's verifiers 0.4.0, SandboxFusion's client 0.3.7, TRL 1.16.0.

`make test-trainers`. The official client of MCP is in tests/tools/test_wires.py.
"""

import json

import httpx
import pytest

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def url(serve):
    with serve("tools") as (url, _):
        yield url


def test_prime_verifiers_toolset_has_one_session_for_a_rollout(run_with, url):
    said = run_with("prime", "toolset.py", f"{url}/mcp")
    assert said["tools"] == ["calculate", "search", "open", "python"]
    assert said["texts"] == ["", "42\n"]
    calls = httpx.get(f"{url}/sessions/{said['session']}").json()["calls"]
    assert [(call["tool"], call["outcome"]) for call in calls] == [("python", "ok")] * 2


def test_sandbox_fusions_client_runs_a_notebook(run_with, url):
    cells = ["a = 1", "print(a + 1)", "a / 0"]
    reply = run_with("fusion", "notebook.py", json.dumps(cells), SANDBOX_FUSION_ENDPOINT=url)
    assert (reply["status"], [cell["stdout"] for cell in reply["cells"]]) == ("Failed", ["", "2\n", ""])
    assert reply["cells"][2]["error"][0]["ename"] == "ZeroDivisionError"


def test_trl_takes_the_environment_and_its_tools(run_with, url):
    said = run_with("trl", "environment.py", TOUCHSTONE_URL=url)
    assert sorted(said["schemas"]) == ["calculate", "open", "python", "search"]
    assert said["schemas"]["search"]["required"] == ["query"]
    assert said["outputs"] == ["42", "7\n", "refused: a number is missing at the end"]
    first, second = said["sessions"]
    assert first != second
    calls = httpx.get(f"{url}/sessions/{first}").json()["calls"]
    assert [call["outcome"] for call in calls] == ["ok", "ok", "ok", "refused"]
    assert httpx.get(f"{url}/sessions/{second}").json()["calls"] == []
