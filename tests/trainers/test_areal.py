"""areal 1.0.4's own workflow and pool of processes with our function, and our workflow: `make test-trainers`."""

import json

import pytest
from toy_gateway import RELATIVE

pytestmark = pytest.mark.long
MATH = {"answer": "5/6", "data_source": "gsm8k"}
RIGHT = "The common denominator is six, so three sixths and two sixths.</think><answer>5/6</answer>"
ROWS = [
    {"text": "yes"},
    {"text": "no"},
    {"text": "crash"},
    {"text": RIGHT, "columns": MATH},
    *({"text": ("yes", "no")[number % 2]} for number in range(100)),
]


@pytest.fixture(scope="module")
def message(run_with, serve, toy_domains):
    folder = toy_domains("math", whole=RELATIVE)
    with serve(TOUCHSTONE_DOMAINS=str(folder)) as (url, _):
        settings = {"TOUCHSTONE_URL": url, "TOUCHSTONE_SOURCES": "toys=toy,gsm8k=math"}
        return run_with("areal", "rollouts.py", json.dumps(ROWS), **settings)


@pytest.mark.parametrize("way", ["function", "workflow"])
def test_its_workflow_has_the_gateways_rewards(message, way):
    right, wrong, failed, math, *many = message[way]
    assert (right, wrong) == (1.0, 0.0)
    assert math == 3.0, "the template wrote <think>"
    if way == "workflow":
        assert failed is None, "AReaL's word for a rollout that is left out of its group"
    else:
        assert failed.startswith("NoVerdict: worker_crashed: toy")
    assert many == [1.0, 0.0] * 50
