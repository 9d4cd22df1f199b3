"""verifiers 0.4.0's own NeMo-Gym task against /compat/…, and its own tasks with our plug: `make test-trainers`."""

import json

import pytest
from toy_gateway import RELATIVE

pytestmark = pytest.mark.long
PAIRS = [("yes", "yes"), ("no", "yes"), ("crash", "yes")]


@pytest.fixture(scope="module")
def gateway(serve, toy_domains):
    folder = toy_domains(whole=RELATIVE)
    with serve(TOUCHSTONE_DOMAINS=str(folder)) as (url, _):
        yield url


def test_no_verdict_is_an_error_of_the_trace_and_no_reward(run_with, gateway):
    right, wrong, failed = run_with("prime", "rollouts.py", f"{gateway}/compat/prime/toy", json.dumps(PAIRS))
    assert (right["rewards"], right["error"]) == ({"nemo_gym": 1.0}, None)
    assert (wrong["rewards"], wrong["error"]) == ({"nemo_gym": 0.0}, None)
    assert right["metrics"]["touchstone_toy"] == 1.0
    assert failed["rewards"] == {"nemo_gym": None}
    assert "503" in failed["error"]


def test_nemo_gyms_mask_would_be_a_reward_to_it(run_with, gateway):
    """Why there is /compat/prime: this client reads no mask."""
    [failed] = run_with("prime", "rollouts.py", f"{gateway}/compat/nemo_gym/toy", json.dumps(PAIRS[2:]))
    assert failed["rewards"]["nemo_gym"] is not None
    assert failed["metrics"]["mask_sample"] == 1.0


def test_a_plugged_reward_is_the_gateways(run_with, gateway):
    right, wrong, failed = run_with("prime", "plug.py", json.dumps(PAIRS), "toy", TOUCHSTONE_URL=gateway)
    assert (right["rewards"], right["error"]) == ({"touchstone": [1.0, 1.0]}, None)
    assert (wrong["rewards"], wrong["error"]) == ({"touchstone": [0.0, 1.0]}, None)
    assert right["metrics"] == {"touchstone_toy": 1.0}
    assert failed["rewards"] == {"touchstone": None}
    assert failed["error"].startswith("TaskError")
    assert "NoVerdict: worker_crashed" in failed["error"]


def test_a_domain_that_looks_at_siblings_is_an_error_and_no_reward(run_with, gateway):
    [message] = run_with("prime", "plug.py", json.dumps(PAIRS[:1]), "whole", TOUCHSTONE_URL=gateway)
    assert message["rewards"] == {"touchstone": None}
    assert "/compat/prime/whole?group_size=N" in message["error"]
