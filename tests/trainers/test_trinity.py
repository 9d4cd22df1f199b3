"""trinity-rft 0.6.0's own tasks and advantages with our workflow and our reward function: `make test-trainers`."""

import json

import pytest

pytestmark = pytest.mark.long
TASKS = {"all": ["yes", "no"], "some": ["yes", "crash", "no"], "lone": ["yes", "crash"], "none": ["crash", "raise"]}


@pytest.fixture(scope="module")
def message(run_with, toy_settings):
    return run_with("trinity", "tasks.py", json.dumps(TASKS), **toy_settings)


def test_rewards_are_the_gateways(message):
    assert message["all"]["rewards"] == [1.0, 0.0]
    assert message["own"] == [1.0, 0.0]


def test_a_response_without_a_verdict_leaves_its_group(message):
    assert message["some"] == message["all"]
    assert message["some"]["advantages"] == pytest.approx([0.7071, -0.7071], abs=1e-3)


@pytest.mark.parametrize("name", ["lone", "none"])
def test_a_task_of_which_no_group_is_left_fails(message, name):
    assert message[name].startswith("NoVerdict: worker_crashed: toy")
