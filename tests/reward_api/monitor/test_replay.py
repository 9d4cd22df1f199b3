"""`touchstone monitor replay` over the log of a gateway, over scored groups and over rollouts."""

import json

import orjson
import pytest
from test_monitoring import ALL, LEAKY, SECOND, hacks, train
from typer.testing import CliRunner

from reward_api.cli.main import app


def replayed(*arguments):
    done = CliRunner().invoke(app, ["monitor", "replay", *map(str, arguments), "--json"])
    assert done.exit_code == 0, done.output
    return json.loads(done.output)


@pytest.fixture
async def log(watched, tmp_path):
    path = tmp_path / "monitor.jsonl"
    async with watched(LEAKY + "monitor:\n" + SECOND + ALL, monitor_log=path) as (client, monitoring):
        await train(client, monitoring, 12, hacks)
        report = (await client.get("/monitor")).json()["domains"]["leaky"]["runs"]
    return path, report


async def test_the_log_gives_the_same_states_again(log):
    path, report = log
    assert report["r1"]["state"] == "HACKING"
    assert replayed(path)["leaky"]["r1"] == report["r1"]


async def test_a_log_with_a_feature_that_nobody_reads_any_more_replays(log, tmp_path):
    path, report = log
    older = tmp_path / "older.jsonl"
    lines = [orjson.loads(line) for line in path.read_bytes().splitlines()]
    looked_at = [sample["features"] for line in lines for sample in line.get("samples", ()) if sample["features"]]
    assert looked_at
    for features in looked_at:
        features["words"] = 12
    older.write_bytes(b"".join(orjson.dumps(line) + b"\n" for line in lines))
    assert replayed(older)["leaky"]["r1"] == report["r1"]


async def test_other_limits_give_other_states(log, tmp_path):
    limits = tmp_path / "limits.yaml"
    limits.write_text(
        "limits: {second: 0.9, second_critical: 0.95, null_reference: 0.9, null_reference_critical: 0.95}\n"
    )
    run = replayed(log[0], "--limits", limits)["leaky"]["r1"]
    assert run["state"] == "WATCH"


def loops(step):
    return "so it goes on and " * 30 if step >= 20 else f"a short text about number {step} and little else of note"


def test_scored_groups_and_rollouts_say_what_their_shape_shows(tmp_path):
    scored, rollouts = tmp_path / "scored.jsonl", tmp_path / "rollouts.jsonl"
    part = {"score": 1.0, "weight": 1.0, "valid": True, "failure": None, "reason": "", "evidence": {"rule": "exact"}}
    results = [{"reward": 1.0, "valid": True, "failure": None, "components": {"answer": part}, "flags": []}] * 8
    groups, rows = [], []
    for step in range(60):
        texts = [f"{loops(step)} {index}" for index in range(8)]
        groups.append({"prompt": f"q{step}", "completions": texts, "results": results, "domain": "math", "version": "v",
                       "run": "r", "step": step, "id": str(step)})  # fmt: skip
        rows += [{"step": step, "group": f"{step}", "index": index, "prompt": f"q{step}", "completion": text, "tokens": 90,
                  "reward": 1.0, "failure": None, "components": {"answer": 1.0}, "domain": "math", "version": "v"}
                 for index, text in enumerate(texts)]  # fmt: skip
    for path, lines in ((scored, groups), (rollouts, rows)):
        path.write_bytes(b"".join(orjson.dumps(line) + b"\n" for line in lines))
        run = next(iter(replayed(path)["math"].values()))
        assert run["completions"] == 480
        assert "repetition" in {alarm["name"] for alarm in run["alarms"]}
        assert 20 <= next(a for a in run["alarms"] if a["name"] == "repetition")["onset_step"] <= 30


def test_a_file_of_something_else_is_refused_with_its_line(tmp_path):
    path = tmp_path / "other.jsonl"
    path.write_text('{"question": "what?"}\n')
    done = CliRunner().invoke(app, ["monitor", "replay", str(path)])
    assert done.exit_code == 2
    assert "line 1: neither a record, a scored group nor a rollout" in done.output


def test_the_table_quotes_what_a_terminal_would_obey_as_text(tmp_path):
    path = tmp_path / "rollouts.jsonl"
    rows = [
        {
            "step": at // 8,
            "group": str(at // 8),
            "prompt": f"{at // 8}",
            "completion": "\x1b[2J again and" * 60,
            "reward": 1.0,
        }
        for at in range(400)
    ]
    path.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))
    done = CliRunner().invoke(app, ["monitor", "replay", str(path)])
    assert done.exit_code == 0
    assert "repetition" in done.output
    assert "\x1b[2J" not in done.output
