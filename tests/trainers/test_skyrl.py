"""skyrl-gym 0.4.0's own registry and metrics with our environment: `make test-trainers`."""

import json

import pytest
from toy_gateway import RELATIVE

pytestmark = pytest.mark.long
MATH = {"data_source": "gsm8k", "reward_spec": {"ground_truth": "5/6"}}
RIGHT = "<think>The common denominator is six, so three sixths and two sixths.</think><answer>5/6</answer><|im_end|>"


@pytest.fixture(scope="module")
def message(run_with, serve, toy_domains):
    folder = toy_domains("math", whole=RELATIVE)
    rows = [
        {"text": "yes"},
        {"text": "no"},
        {"text": "crash"},
        {"text": RIGHT, "extras": MATH},
        {"text": "a", "extras": {"domain": "whole"}},
        {"text": "yes", "extras": {"data_source": "unheard of"}},
        *({"text": ("yes", "no")[number % 2]} for number in range(200)),
    ]
    with serve(TOUCHSTONE_DOMAINS=str(folder)) as (url, _):
        settings = {"TOUCHSTONE_URL": url, "TOUCHSTONE_SOURCES": "toys=toy,gsm8k=math"}
        return run_with("skyrl", "steps.py", json.dumps(rows), **settings)


def test_a_step_has_the_gateways_reward(message):
    right, wrong, _, math, *_ = message["steps"]
    assert (right["reward"], right["done"], right["observations"]) == (1.0, True, [])
    assert wrong["reward"] == 0.0
    assert math["reward"] == 3.0
    assert math["metadata"]["canonical"] == "5/6"


def test_no_verdict_is_raised(message):
    assert message["steps"][2]["error"].startswith("NoVerdict: worker_crashed: toy")


def test_what_is_set_up_wrong_is_told(message):
    assert "looks at all siblings" in message["steps"][4]["error"]
    assert "TOUCHSTONE_SOURCES" in message["steps"][5]["error"]


def test_hundreds_of_steps_in_its_threads(message):
    assert [step["reward"] for step in message["steps"][6:]] == [1.0, 0.0] * 100


def test_skyrl_averages_the_components(message):
    assert message["metrics"]["toy"] == 0.5
    assert message["metrics"]["answer"] == 1.0
