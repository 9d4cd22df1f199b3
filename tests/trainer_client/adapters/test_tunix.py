"""tunix's reward function against a real gateway, called as reward_manager.py (tunix 0.1.7) and MaxText 0.2.5 do.

tunix's own manager runs in tests/trainers.
"""

import importlib.util
import json
import subprocess
import sys

import numpy
import pytest

from trainer_client import BadGroup, NoVerdict
from trainer_client.adapters import siblings, tunix


@pytest.fixture(autouse=True)
def _forgetful(monkeypatch, asked_with):
    monkeypatch.setattr(siblings, "_groups", {})


def rewards(*texts, prompts="Which?", answers="yes", **columns):
    count = len(texts)
    columns.setdefault("answer", numpy.array([answers] * count))
    return tunix.reward(prompts=numpy.array([prompts] * count), completions=list(texts), mode="train", **columns)


def test_the_columns_are_arrays():
    assert rewards("yes", "no", "yes<|im_end|>") == [1.0, 0.0, 1.0]
    assert rewards("no", answers=b"yes".decode()) == [0.0]
    assert tunix.reward([], [], answer=[]) == []


def test_a_reference_may_be_an_object():
    assert rewards("yes", reference=[{"answer": "yes"}], answer=["no"]) == [1.0]
    assert rewards("yes", reference=numpy.array(['{"answer": "yes"}'], dtype=object)) == [1.0]


def test_siblings_are_compared_wherever_they_stand():
    columns = {"domain": ["whole"] * 4, "answer": ["no"] * 4}
    assert tunix.reward(["p", "q", "p", "q"], ["a", "aa", "aa", "aaaa"], **columns) == [0.5, 0.5, 1.0, 1.0]


def test_no_verdict_leaves_the_siblings_advantages():
    assert rewards("yes", "crash", "no", "yes") == pytest.approx([1.0, 2 / 3, 0.0, 1.0])


def test_a_group_without_a_verdict_gets_the_domains_mean():
    """PPO has groups of one, so it must not be 0."""
    prompts = [f"Which of {number}?" for number in range(17)]
    texts = ["yes"] * 12 + ["no"] * 4 + ["crash"]
    assert tunix.reward(prompts, texts, answer=["yes"] * 17)[-1] == 0.75


def test_before_anything_is_scored_no_number_is_made_up():
    with pytest.raises(NoVerdict, match="worker_crashed"):
        rewards("crash", "crash")
    with pytest.raises(NoVerdict, match="bad_reference"):
        rewards("yes", answer=[None])
    with pytest.raises(BadGroup):
        rewards("yes", domain=["nowhere"])


async def test_also_inside_a_running_loop():
    assert rewards("yes") == [1.0]


@pytest.mark.parametrize(
    ("answer", "text", "score"),
    [
        (json.dumps(["yes", "yes"]), "yes", 1.0),
        (json.dumps(["yes"]), '["yes"]', 0.0),
        ("yes", "yes", 1.0),
        ("[1, 2]", "[1, 2]", 1.0),
        ("72", "72", 1.0),
    ],
)
def test_maxtext_has_a_json_list_of_answers(answer, text, score):
    assert rewards(text, answers=answer, tmvp_config=object()) == [score]
    assert rewards(text, answers=answer, tmvp_config=object(), question="Which?") == [score]


def test_maxtexts_other_answers_are_aliases(monkeypatch):
    sent = []
    monkeypatch.setattr(
        tunix, "grouped", lambda *given: sent.append(given[3]) or pytest.skip("the rest is tested above")
    )
    with pytest.raises(pytest.skip.Exception):
        tunix.reward(["p", "q"], ["a", "b"], answer=[json.dumps(["10", "A", "10"]), "7"], tmvp_config=object())
    assert (sent[0]["answer"], sent[0]["aliases"]) == (["10", "7"], [["A"], []])


def test_tunix_takes_all_public_functions_of_the_module():
    """As tunix's cli/config.py does; a second one would be summed."""
    own = [name for name, value in vars(tunix).items() if callable(value) and value.__module__ == tunix.__name__]
    assert [name for name in own if not name.startswith("_")] == ["reward"]


def test_maxtext_loads_the_file_that_the_module_prints():
    command = [sys.executable, "-m", "trainer_client.adapters.tunix"]
    path = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    spec = importlib.util.spec_from_file_location("_user_module_reward", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.reward(prompts=["Which?"], completions=["yes"], answer=['["yes"]'], tmvp_config=object()) == [1.0]
