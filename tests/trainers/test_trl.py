"""trl 1.16.0's own script on a tiny model, with a verifier that fails for some samples: `make test-trainers`."""

import json
from statistics import fmean, stdev

import pytest

pytestmark = pytest.mark.long
# Rows with one prompt are groups of their own, as their references differ.
ROWS = [{"prompt": "Q1,2,3=6:", "answer": "1+2+3", "note": number} for number in range(8)]
G = 4


@pytest.fixture(scope="module")
def gateway(serve, toy_domains):
    """A gateway whose domain asks a verifier in a process of its own, which one completion in four brings down."""
    with serve("toys:Moody") as (verifier, _):
        folder = toy_domains(
            moody=f"verifiers: {{moody: {{url: '{verifier}'}}}}\n"
            "components: [{verifier: moody}, {verifier: 'toys:Relative', name: relative, weight: 0.5}]\n"
        )
        with serve("--domains", str(folder)) as (url, _):
            yield {"TOUCHSTONE_URL": url, "TOUCHSTONE_DEADLINE_S": "30", "TOUCHSTONE_STOP_AT": "1"}


@pytest.fixture(scope="module", params=["reward", "reward_sync"])
def trained(request, run_with, gateway, tmp_path_factory):
    function = f"trainer_client.adapters.trl.{request.param}"
    message = {**gateway, "TOUCHSTONE_DOMAIN": "moody"}
    return run_with(
        "trl", "train.py", function, tmp_path_factory.mktemp("trl"), json.dumps(ROWS), **message
    ), request.param


def groups_of(rows):
    return [rows[start : start + G] for start in range(0, len(rows), G)]


def test_rows_without_a_verdict_leave_the_baseline_and_have_no_advantage(trained):
    message, name = trained
    rows = message["rows"]
    assert len(rows) == 16
    failed = [row for row in rows if row["failure"]]
    assert 0 < len(failed) < len(rows)
    assert {row["failure"] for row in failed} == {"worker_crashed"}
    assert [(row[name], row["moody"], row["advantage"]) for row in failed] == [(None, None, 0.0)] * len(failed)
    for group in groups_of(rows):
        scored = [row[name] for row in group if row[name] is not None]
        for row in group:
            if row[name] is not None and len(scored) > 1:
                expected = (row[name] - fmean(scored)) / (stdev(scored) + 1e-4)
                assert row["advantage"] == pytest.approx(expected, abs=1e-3)


def test_a_reward_is_the_gateways_sum(trained):
    message, name = trained
    for row in message["rows"]:
        if row[name] is not None:
            assert row[name] == pytest.approx(row["moody"] + 0.5 * row["relative"], abs=1e-5)


def test_each_groups_longest_is_measured_in_its_own_group(trained):
    message, _ = trained
    assert len({row["prompt"] for row in message["rows"]}) == 1, "only the references tell the groups apart"
    for group in groups_of(message["rows"]):
        longest = max(len(row["completion"]) for row in group)
        assert [row["relative"] for row in group] == pytest.approx([len(row["completion"]) / longest for row in group])


def test_training_goes_on_and_logs_components_and_failures(trained):
    message, name = trained
    assert message["moved"] > 1e-4
    steps = [entry for entry in message["logs"] if "loss" in entry]
    assert [entry["step"] for entry in steps] == [1, 2]
    assert {"rewards/moody/mean", "rewards/relative/mean", f"rewards/{name}/mean"} <= steps[0].keys() & steps[1].keys()
    shares = [sum(bool(row["failure"]) for row in message["rows"][start : start + 8]) / 8 for start in (0, 8)]
    assert [entry["reward/failed_frac"] for entry in steps] == pytest.approx(shares)


def test_async_grpo_scores_a_group_in_its_spawned_worker(run_with, gateway):
    groups = [["yes", "no", "crash", "yes"], ["crash", "raise", "crash", "raise"]]
    message = run_with("trl", "worker.py", json.dumps(groups), TOUCHSTONE_DOMAIN="toy", **gateway)
    assert message["exit"] == 0
    some, none = message["groups"]
    assert [one["advantage"] for one in some] == pytest.approx([0.7071, -1.4142, 0.0, 0.7071], abs=1e-3)
    assert [one["advantage"] for one in none] == [0.0] * 4
    assert some[2]["reward"] != some[2]["reward"], "no verdict is NaN to it"


def test_too_many_without_a_verdict_end_the_run(run_with, free_port, tmp_path):
    message = {
        "TOUCHSTONE_URL": f"http://127.0.0.1:{free_port}",
        "TOUCHSTONE_DEADLINE_S": "0.2",
        "TOUCHSTONE_DOMAIN": "toy",
    }
    with pytest.raises(AssertionError, match="TooManyFailures"):
        run_with("trl", "train.py", "trainer_client.adapters.trl.reward", tmp_path, json.dumps(ROWS), 9, **message)
