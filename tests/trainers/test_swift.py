"""ms-swift 4.6.0 with our plug-in, its own rewards and advantages: `make test-trainers`."""

import json
import subprocess
import sys

import pytest
from toy_gateway import RELATIVE

pytestmark = pytest.mark.long
GROUPS = {"all": ["yes", "no", "no", "yes"], "some": ["yes", "no", "crash", "yes"], "none": ["crash", "raise"]}


@pytest.fixture(scope="module")
def message(run_with, serve, toy_domains):
    folder = toy_domains(whole=RELATIVE)
    path = subprocess.run([sys.executable, "-m", "trainer_client.adapters.swift"], capture_output=True, check=True)
    with serve(TOUCHSTONE_DOMAINS=str(folder)) as (url, _):
        environment = {"TOUCHSTONE_URL": url, "TOUCHSTONE_DOMAIN": "toy"}
        return run_with("swift", "rewards.py", path.stdout.decode().strip(), json.dumps(GROUPS), **environment)


def test_rewards_are_the_gateways(message):
    assert message["groups"]["all"]["rewards"] == [1.0, 0.0, 0.0, 1.0]
    assert message["groups"]["all"]["advantages"]["none"] == [0.5, -0.5, -0.5, 0.5]


def test_a_sample_without_a_verdict_has_no_advantage_and_leaves_the_mean(message):
    assert message["groups"]["some"]["rewards"] == pytest.approx([1.0, 0.0, 2 / 3, 1.0])
    for scale in ("group", "none", "gdpo"):
        assert message["groups"]["some"]["advantages"][scale][2] == pytest.approx(0.0, abs=1e-6)
    assert message["groups"]["some"]["advantages"]["none"] == pytest.approx([1 / 3, -2 / 3, 0.0, 1 / 3])


def test_a_group_without_any_verdict_has_no_advantages(message):
    assert message["groups"]["none"]["rewards"] == [None, None]
    assert set(map(tuple, message["groups"]["none"]["advantages"].values())) == {(0.0, 0.0)}


def test_why_none_is_not_enough(message):
    """A None among numbers is a 0 to ms-swift, and moves the policy."""
    assert message["naive"] == [0.5, -0.5]


def test_the_plug_in_hides_no_package(message):
    assert message["trl"].startswith("0.")
