"""areal 1.0.4's own workflow and pool of processes with our function, and our workflow: `make test-trainers`."""

import json
from pathlib import Path

import pytest

pytestmark = pytest.mark.long
ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "reward_api" / "reward_api" / "domains" / "data"
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
def told(run_with, serve, tmp_path_factory):
    folder = tmp_path_factory.mktemp("domains")
    (folder / "math.yaml").write_text((SHIPPED / "math.yaml").read_text())
    (folder / "toy.yaml").write_text("components: [{verifier: 'toys:Toy', name: toy}]\n")
    with serve(TOUCHSTONE_DOMAINS=str(folder)) as (url, _):
        settings = {"TOUCHSTONE_URL": url, "TOUCHSTONE_SOURCES": "toys=toy,gsm8k=math"}
        return run_with("areal", "rollouts.py", json.dumps(ROWS), **settings)


@pytest.mark.parametrize("way", ["function", "workflow"])
def test_its_workflow_has_the_gateways_rewards(told, way):
    right, wrong, failed, math, *many = told[way]
    assert (right, wrong) == (1.0, 0.0)
    assert math == 3.0, "the template wrote <think>"
    if way == "workflow":
        assert failed is None, "AReaL's word for a rollout that is left out of its group"
    else:
        assert failed.startswith("NoVerdict: worker_crashed: toy")
    assert many == [1.0, 0.0] * 50
