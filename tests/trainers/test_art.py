"""openpipe-art 0.5.18's own groups, gathered and scored: `make test-trainers`."""

import json

import pytest

pytestmark = pytest.mark.long
GROUPS = {"all": ["yes", "no"], "some": ["yes", "crash", "no", None], "none": ["crash", "raise"]}


@pytest.fixture(scope="module")
def message(run_with, toy_settings):
    # ART imports litellm, which else fetches prices.
    return run_with("art", "groups.py", json.dumps(GROUPS), LITELLM_LOCAL_MODEL_COST_MAP="True", **toy_settings)


def test_rewards_are_the_gateways(message):
    assert message["all"]["rewards"] == {"yes": 1.0, "no": 0.0}
    assert sorted(message["all"]["metrics"]) == [0.0, 1.0]
    assert message["all"]["exceptions"] == []


def test_a_trajectory_without_a_verdict_is_an_exception_beside_arts_own(message):
    assert message["some"]["rewards"] == {"yes": 1.0, "no": 0.0}
    own, ours = message["some"]["exceptions"]
    assert own == "<class 'RuntimeError'>: a rollout of its own"
    assert ours.startswith("<class 'trainer_client.errors.NoVerdict'>: worker_crashed: toy")


def test_a_group_without_any_verdict_is_empty(message):
    assert message["none"]["rewards"] == {}
    assert len(message["none"]["exceptions"]) == 2
