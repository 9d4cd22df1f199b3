"""verifiers 0.4.0's own NeMo-Gym task against /compat/prime and /compat/nemo_gym: `make test-trainers`."""

import json

import pytest

pytestmark = pytest.mark.long
PAIRS = [("yes", "yes"), ("no", "yes"), ("crash", "yes")]


@pytest.fixture(scope="module")
def gateway(serve, tmp_path_factory):
    folder = tmp_path_factory.mktemp("domains")
    (folder / "toy.yaml").write_text("components: [{verifier: 'toys:Toy', name: toy}]\n")
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
