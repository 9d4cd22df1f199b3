"""verl 0.9.1's own reward managers, worker and advantages with our function and manager: `make test-trainers`."""

import json

import pytest
from toy_gateway import RELATIVE

pytestmark = pytest.mark.long
THOUGHT = "The common denominator is six, so we have three sixths and two sixths.</think>\n"
RIGHT, WRONG = THOUGHT + "<answer>\\boxed{\\frac{5}{6}}</answer>", THOUGHT + "<answer>2/5</answer>"


def rows(texts, **more):
    return [{"text": text, **more} for text in texts]


MATH = rows([RIGHT, WRONG], source="gsm8k", truth="5/6")
OTHER = {"uid": "v", "extra": {"index": 1}}
CASES = {
    "function": {"kind": "function", "settings": {"group_size": 4}, "rows": rows(["yes", "crash", "no", "yes"])},
    "mixed": {
        "kind": "function",
        "settings": {"group_size": 2},
        "rows": MATH + rows(["yes", "crash"], **OTHER),
    },
    "no sibling": {"kind": "function", "settings": {"group_size": 2}, "rows": rows(["crash", "raise"])},
    "manager": {"kind": "manager", "rows": rows(["yes", "no", "no", "yes"])},
    "math": {"kind": "manager", "size": 2, "rows": MATH},
    "measured": {"kind": "manager", "rows": rows(["yes", "crash"], extra={"split": "test"})},
    "relative": {"kind": "manager", "size": 3, "rows": rows(["a", "aa", "aaaa"], source="lengths")},
    "dropped": {"kind": "manager", "trainer": "v1", "rows": rows(["yes", "crash", "no", "yes"])},
}


@pytest.fixture(scope="module")
def gateway(serve, toy_domains):
    folder = toy_domains("math", whole=RELATIVE)
    with serve(TOUCHSTONE_DOMAINS=str(folder)) as (url, _):
        yield url


@pytest.fixture(scope="module")
def message(run_with, gateway):
    sources = {"gsm8k": "math", "toys": "toy", "lengths": "whole"}
    settings = {"url": gateway, "sources": sources, "stop_at": 1.0, "deadline_s": 15.0}
    requests = {name: {**case, "settings": {**settings, **case.get("settings", {})}} for name, case in CASES.items()}
    return run_with("verl", "rewards.py", json.dumps(requests))


KEYS = [
    "score", "acc", "pred", "failed", "failure",
    "touchstone_answer", "touchstone_format", "touchstone_language", "touchstone_reflection", "touchstone_relative",
    "touchstone_toy",
]  # fmt: skip


def test_a_failed_row_has_no_advantage_and_leaves_the_mean(message):
    got = message["function"]
    assert got["rewards"] == pytest.approx([1.0, 2 / 3, 0.0, 1.0])
    assert [extra["failed"] for extra in got["extras"]] == [0, 1, 0, 0]
    assert got["advantages"][1] == pytest.approx(0.0, abs=1e-5)
    # The mean is the scored rows'; the standard deviation is that of four rows, and thus smaller: said in the docs.
    assert got["advantages"][0] == pytest.approx(0.7071, abs=1e-3)


def test_mixed_domains_have_the_same_keys(message):
    extras = message["mixed"]["extras"]
    assert [list(extra) for extra in extras] == [KEYS] * 4
    assert extras[0]["pred"] == "5/6"
    assert extras[1]["pred"] == "2/5"
    assert (extras[0]["touchstone_answer"], extras[0]["touchstone_toy"]) == (1.0, None)
    assert extras[3]["failure"].startswith("worker_crashed: toy")


def test_verls_validation_computes_what_the_docs_say(message):
    metrics = message["mixed"]["metrics"]["gsm8k"]
    assert metrics["acc"]["mean@2"] == 0.5
    assert "maj@2/mean" in metrics["acc"], "pred is there"
    assert metrics["touchstone_format"]["mean@2"] == message["mixed"]["extras"][0]["touchstone_format"]
    assert message["mixed"]["metrics"]["toys"]["failed"]["mean@2"] == 0.5


def test_without_any_number_it_raises(message):
    assert [error.split(":")[0] for error in message["no sibling"]["errors"]] == ["NoVerdict"] * 2


def test_the_manager_sees_the_prompt(message):
    assert message["manager"]["rewards"] == [1.0, 0.0, 0.0, 1.0]
    assert message["math"]["extras"][0]["touchstone_format"] == 1.0, "the template wrote <think>"
    assert message["math"]["rewards"] == [3.0, 2.0]


def test_what_is_only_measured_is_not_dropped(message):
    assert message["measured"]["rewards"] == [1.0, 1.0]
    assert [extra["failed"] for extra in message["measured"]["extras"]] == [0, 1]


def test_the_manager_knows_the_group(message):
    assert [extra["touchstone_relative"] for extra in message["relative"]["extras"]] == [0.25, 0.5, 1.0]


def test_the_manager_drops_failed_rows_from_the_statistics(message):
    """verl's v1 worker, its postprocessing and its advantages: the row is not there, and the others have their own mean and
    standard deviation, as if there had been three."""
    got = message["dropped"]
    assert got["sessions"] == [0, 2, 3]
    assert got["advantages"] == pytest.approx([0.57735, -1.1547, 0.57735], abs=1e-4)


def test_the_reward_loop_in_ray(run_with, gateway, tmp_path):
    """verl's RewardLoopManager with its worker in an actor of a local Ray."""
    settings = {"url": gateway, "sources": {"toys": "toy"}, "group_size": 4, "stop_at": 1.0}
    requests = {"settings": settings, "rows": rows(["yes", "crash", "no", "yes"]), "folder": str(tmp_path)}
    got = run_with("verl", "loop.py", json.dumps(requests))
    assert got["rewards"] == pytest.approx([1.0, 2 / 3, 0.0, 1.0])
    assert got["keys"] == [*KEYS[:5], "touchstone_toy"]
    assert got["failed"] == [0, 1, 0, 0]
    assert got["advantages"][1] == pytest.approx(0.0, abs=1e-5)
