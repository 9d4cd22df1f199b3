"""EasyR1's reward function against a real gateway, called as its verl/workers/reward/function.py (992d42d) does."""

import asyncio
import importlib.util
import math
import subprocess
import sys
from functools import partial

import pytest

from trainer_client import NoVerdict
from trainer_client.adapters import siblings
from trainer_client.adapters.easyr1 import compute_score


@pytest.fixture(autouse=True)
def _forgetful(monkeypatch, asked_with):
    monkeypatch.setattr(siblings, "_groups", {})


def inputs(*texts, answer="yes"):
    return [{"response": text, "response_length": 3, "ground_truth": answer} for text in texts]


def test_a_batch_is_answered_in_order():
    rows = compute_score(inputs("yes<|im_end|>", "no"))
    assert rows[0] == {"toy": 1.0, "overall": 1.0, "accuracy": 0.5, "valid": 1.0}
    assert rows[1] == {"toy": 0.0, "overall": 0.0, "accuracy": 0.0, "valid": 1.0}
    assert compute_score([]) == []


def test_a_single_input_is_answered_alone():
    assert compute_score(inputs("yes")[0])["overall"] == 1.0


def test_no_verdict_is_the_domains_mean_and_the_keys_are_the_same():
    rows = compute_score(inputs(*["yes"] * 12, *["no"] * 4, "crash"))
    assert (rows[-1]["overall"], rows[-1]["valid"]) == (0.75, 0.0)
    assert len({tuple(row) for row in rows}) == 1
    assert not any(math.isnan(number) for row in rows for number in row.values())


def test_before_anything_is_scored_no_number_is_made_up(asked_with):
    asked_with(DEADLINE_S="1")
    with pytest.raises(NoVerdict, match="worker_crashed"):
        compute_score(inputs("crash"))


def test_other_questions_with_the_same_answer_are_no_siblings(asked_with):
    asked_with(DEADLINE_S="1")
    with pytest.raises(NoVerdict):
        compute_score(inputs("yes", "yes", "crash"))


def test_settings_are_reward_function_kwargs(asked_with):
    asked_with(DOMAIN="")
    with pytest.raises(ValueError, match="TOUCHSTONE_DOMAIN"):
        compute_score(inputs("yes"))
    assert partial(compute_score, domain="toy")(inputs("yes"))[0]["overall"] == 1.0
    with pytest.raises(ValueError, match="looks at all siblings"):
        compute_score(inputs("yes"), domain="whole")


async def test_also_inside_a_thread_beside_a_loop():
    assert (await asyncio.to_thread(compute_score, inputs("yes")))[0]["overall"] == 1.0


def test_easyr1_loads_the_file_that_the_module_prints(monkeypatch):
    command = [sys.executable, "-m", "trainer_client.adapters.easyr1"]
    path = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    spec = importlib.util.spec_from_file_location("custom_reward_fn", path)
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "custom_reward_fn", module)
    spec.loader.exec_module(module)
    assert module.compute_score(inputs("yes"))[0]["overall"] == 1.0
