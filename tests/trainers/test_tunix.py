"""google-tunix 0.1.7's own reward manager with our function: `make test-trainers`."""

import json

import pytest

pytestmark = pytest.mark.long
GROUPS = {
    "none": ["crash", "raise"],
    "all": ["yes", "no"] * 8,
    "some": ["yes", "no", "crash", "yes"],
    "later": ["crash"],
}


@pytest.fixture(scope="module")
def message(run_with, toy_settings):
    return run_with("tunix", "rewards.py", json.dumps(GROUPS), **toy_settings)


def test_rewards_are_the_gateways(message):
    assert message["all"] == [1.0, 0.0] * 8


def test_a_row_without_a_verdict_gets_the_mean_of_its_siblings(message):
    assert message["some"] == pytest.approx([1.0, 0.0, 2 / 3, 1.0])


def test_a_group_without_any_is_the_domains_mean_or_an_error(message):
    assert message["none"].startswith("NoVerdict: worker_crashed: toy")
    assert message["later"] == [pytest.approx(10 / 19)]


def test_why_none_is_not_enough(message):
    assert message["naive"] == [1.0, 0.0]
