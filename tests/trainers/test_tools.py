"""The tools service with real clients, by settings alone: openreward 0.1.167, Prime's verifiers 0.4.0, SandboxFusion's
client 0.3.7, skyrl-gym 0.4.0, TRL 1.16.0, verl 0.9.1.

`make test-trainers`. The official client of MCP is in tests/tools/test_wires.py.
"""

import json
import socket
from statistics import fmean, stdev

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


def test_skyrls_search_environment_shows_what_was_found(run_with, url):
    turns = [
        "<think>Look.</think><search>When was Velmora founded?</search>",
        "<think>So.</think><answer>1261</answer>",
    ]
    asked, done = run_with("skyrl", "search.py", f"{url}/retrieve", json.dumps(turns), "1261")
    [observation] = asked["observations"]
    assert observation["role"] == "user"
    found = json.loads(observation["content"].strip().removeprefix("<information>").removesuffix("</information>"))
    assert found["result"].startswith('Doc 1: "Velmora"\nVelmora is a town')
    assert found["result"].count("Doc ") == 3
    assert (asked["done"], asked["reward"]) == (False, 0)
    assert (done["done"], done["reward"]) == (True, 1.0)


def test_skyrls_search_environment_asks_again_where_there_is_no_room(run_with, serve):
    """It tries again on 503, and takes any other answer for an observation."""
    turn = ["<search>Velmora</search>"]
    with serve("tools", TOUCHSTONE_TOOLS_MAX_INFLIGHT_CALLS="1") as (url, _):
        steps = run_with("skyrl", "search.py", f"{url}/retrieve", json.dumps(turn), "1261", 8)
    assert ["Doc 1: " in step["observations"][0]["content"] for step in steps] == [True] * 8


def test_openreward_calls_the_tools_of_a_session(run_with, serve, tmp_path):
    wide = {"name": "python", "input": {"code": "print(' ' * 6000 + 'x')"}}
    episodes = [
        [{"name": "python", "input": {"code": code}} for code in ("n = 6", "n * 7", "n / 0")],
        [wide, {"name": "calculate", "input": {"expression": "6 *"}}, {"name": "sing", "input": {}}],
        [{"name": "search", "input": {"query": "Velmora"}}, {"name": "calculate", "input": {"expression": "1"}}],
    ]
    with serve("tools", TOUCHSTONE_TOOLS_CORPUS=str(tmp_path / "none")) as (url, _):
        settings = {"OPENREWARD_SESSION_URL": url, "OPENREWARD_DISABLE_UPDATE_CHECK": "1"}
        told = run_with("ors", "episodes.py", json.dumps(episodes), **settings)
        traces = [httpx.get(f"{url}/sessions/{one['session']}").json()["calls"] for one in told]
    assert [one["prompt"] for one in told] == ["Question 0", "Question 1", "Question 2"]
    assert told[0]["tools"] == ["calculate", "python"]
    assert [call["text"] for call in told[0]["calls"][:2]] == ["", "42\n"]
    assert "ZeroDivisionError" in told[0]["calls"][2]["text"]
    assert all((call["reward"], call["finished"]) == (None, False) for call in told[0]["calls"])
    assert told[1]["calls"][0]["text"] == " " * 6000 + "x\n"
    assert [call["refused"][:17] for call in told[1]["calls"][1:]] == ["refused: a number", "refused: there is"]
    failed, after = told[2]["calls"]
    assert failed["failed"].startswith("ToolFailed: "), "not an output, and not the model's mistake"
    assert after["failed"].startswith("SessionTerminatedError: ")
    outcomes = [[call["outcome"] for call in trace] for trace in traces]
    assert outcomes == [["ok"] * 3, ["ok", "refused", "refused"], ["failed"]]


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


def calling(name, **arguments):
    return f"<tool_call>\n{json.dumps({'name': name, 'arguments': arguments})}\n</tool_call>"


# What each completion of a group does, turn by turn, and what came of it.
SCRIPT = [
    [calling("calculate", expression="17 * 23"), "<think>The tool knows.</think>\n<answer>{output}</answer>"],
    ["<think>I guess.</think>\n<answer>5</answer>"],
    [calling("search", query="17 * 23"), "<think>I know it.</think>\n<answer>391</answer>"],
    [calling("calculate", expression="17 *"), "<think>In my head.</think>\n<answer>391</answer>"],
]
OUTPUTS = [["391"], [], ["The tool failed. This is not your mistake."], ["refused: a number is missing at the end"]]
OUTCOMES = [["ok"], [], ["failed"], ["refused"]]


@pytest.fixture(scope="module")
def trained(run_with, serve, toy_domains, tmp_path_factory):
    """Two steps of TRL's GRPOTrainer with a gateway whose tools have no corpus: each search fails, and that is our doing."""
    rows = [{"prompt": [{"role": "user", "content": f"What is 17 * 23? ({n})"}], "answer": "391"} for n in range(4)]
    folder = tmp_path_factory.mktemp("trl")
    with serve("--domains", str(toy_domains("tools")), TOUCHSTONE_TOOLS_CORPUS=str(folder / "none")) as (url, _):
        settings = {"TOUCHSTONE_URL": url, "TOUCHSTONE_DOMAIN": "tools"}
        said = run_with("trl", "train_with_tools.py", folder / "run", json.dumps(rows), json.dumps(SCRIPT), **settings)
        said["traces"] = httpx.post(f"{url}/traces", json={"sessions": said["sessions"]}).json()["traces"]
    return said


def by_way(items):
    """The completions of one kind, of all groups: TRL keeps a group together, in its order."""
    return [items[way :: len(SCRIPT)] for way in range(len(SCRIPT))]


def test_trl_calls_the_tools_that_the_policy_names(trained):
    assert len(trained["rows"]) == 16
    for rows, outputs in zip(by_way(trained["rows"]), OUTPUTS, strict=True):
        for row in rows:
            assert [one["content"] for one in row["completion"] if one["role"] == "tool"] == outputs
            assert row["completion"][-1]["role"] == "assistant"
    for traces, outcomes in zip(by_way(trained["traces"]), OUTCOMES, strict=True):
        assert [[call["outcome"] for call in trace["calls"]] for trace in traces] == [outcomes] * 2


def test_trl_trains_on_what_the_policy_wrote_alone(trained):
    assert len(trained["seen"]) == 16
    for seen, turns, outputs in zip(by_way(trained["seen"]), SCRIPT, OUTPUTS, strict=True):
        own = "".join(turn.replace("{output}", "391") + "<|im_end|>" for turn in turns)
        for one in seen:
            assert one["own"] == own
            assert one["tools"].count("<tool_response>") == len(outputs)
            assert all(f"\n{output}\n</tool_response>" in one["tools"] for output in outputs)


def test_a_tool_of_ours_that_failed_leaves_its_sample_without_a_verdict(trained):
    used, guessed, failed, refused = by_way(trained["rows"])
    assert [(row["reward"], row["advantage"], row["failure"]) for row in failed] == [(None, 0.0, "verifier_error")] * 4
    assert [row["reward"] for row in used] == [pytest.approx(1.2)] * 4
    assert [row["reward"] for row in guessed] == [0.0] * 4
    assert all(1.0 < row["reward"] < 1.2 for row in refused), "right, with a call that was the model's mistake"
    for group in zip(used, guessed, refused, strict=True):
        scores = [row["reward"] for row in group]
        advantages = [(score - fmean(scores)) / (stdev(scores) + 1e-4) for score in scores]
        assert [row["advantage"] for row in group] == pytest.approx(advantages, abs=1e-3)


def test_trl_trains_and_logs(trained):
    assert trained["moved"] > 1e-4
    steps = [entry for entry in trained["logs"] if "loss" in entry]
    assert [entry["step"] for entry in steps] == [1, 2]
    for entry in steps:
        assert entry["tools/call_frequency"] == 0.75
        assert entry["tools/failure_frequency"] == 0.0, "to TRL nothing failed: it got an output each time"
        assert entry["reward/failed_frac"] == 0.25


VERL_TOOLS = """
tools:
  - class_name: trainer_client.adapters.verl_tools.TouchstoneTool
    config: {type: native, name: calculate}
  - class_name: trainer_client.adapters.verl_tools.TouchstoneTool
    config: {type: native, name: search, url: "http://127.0.0.1:%s"}
    tool_schema:
      type: function
      function: {name: search, description: "Away.", parameters: {type: object, properties: {query: {type: string}}}}
"""


@pytest.fixture(scope="module")
def verl(run_with, serve, toy_domains, tmp_path_factory):
    """verl's own loop and reward managers. Of its tools `search` is somewhere where nobody answers."""
    path = tmp_path_factory.mktemp("verl") / "tools.yaml"
    with socket.socket() as nobody, serve("--domains", str(toy_domains("tools"))) as (url, _):
        nobody.bind(("127.0.0.1", 0))  # and does not listen
        path.write_text(VERL_TOOLS % nobody.getsockname()[1])
        settings = {"url": url, "sources": {"sums": "tools"}, "stop_at": 1.0, "group_size": len(SCRIPT)}
        said = run_with("verl", "tool_agent.py", path, json.dumps(SCRIPT), json.dumps(settings), TOUCHSTONE_URL=url)
        sessions = [one["session"] for one in said["seen"]]
        said["traces"] = httpx.post(f"{url}/traces", json={"sessions": sessions}).json()["traces"]
    return said


def test_verls_loop_calls_the_tools_and_masks_what_they_wrote(verl):
    assert verl["schemas"]["calculate"]["function"]["parameters"]["required"] == ["expression"]
    outcomes = [[call["outcome"] for call in trace["calls"]] for trace in verl["traces"]]
    assert outcomes == [["ok"], [], [], ["refused"]]
    for seen, turns, output in zip(verl["seen"], SCRIPT, ["391", None, "cannot be reached", "refused: "], strict=True):
        assert seen["own"] == "".join(turn.replace("{output}", "391") + "<|im_end|>" for turn in turns)
        assert seen["tools"].count("<tool_response>") == len(turns) - 1
        assert output is None or output in seen["tools"]


def test_verls_reward_knows_the_session_of_a_trajectory(verl):
    used, guessed, away, refused = verl["rewards"]["manager"]
    assert (used["reward_score"], guessed["reward_score"]) == (pytest.approx(1.2), 0.0)
    assert 1.0 < refused["reward_score"] < 1.2
    assert away.startswith("NoVerdict: ")
    assert "knows no such session" in away


def test_verls_function_imputes_where_a_tool_was_away(verl):
    used, guessed, away, refused = verl["rewards"]["function"]
    scores = [one["reward_score"] for one in (used, guessed, refused)]
    assert away["reward_extra_info"]["failed"] == 1
    assert away["reward_score"] == pytest.approx(fmean(scores))
