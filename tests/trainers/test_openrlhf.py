"""openrlhf 0.11.2's own client, tensors and batches against the gateway: `make test-trainers`."""

import json
import math
from pathlib import Path

import pytest

pytestmark = pytest.mark.long
ROOT = Path(__file__).parents[2]
PROMPT = "<|im_start|>user\nWhat is 1/2 + 1/3?<|im_end|>\n<|im_start|>assistant\n<think>\n"
THOUGHT = "The common denominator is six, so we have three sixths and two sixths.</think>\n"
RIGHT, WRONG = THOUGHT + "<answer>5/6</answer><|im_end|>", THOUGHT + "<answer>2/5</answer><|im_end|>"


@pytest.fixture
def gateway(serve, tmp_path):
    (tmp_path / "math.yaml").write_text((ROOT / "domains" / "math.yaml").read_text())
    (tmp_path / "toy.yaml").write_text("components: [{verifier: 'toys:Toy', name: toy}]\n")
    (tmp_path / "whole.yaml").write_text("components: [{verifier: 'toys:Relative', name: relative}]\n")
    with serve(TOUCHSTONE_DOMAINS=str(tmp_path)) as (url, _):
        yield f"{url}/compat/openrlhf"


@pytest.fixture
def roll(run_with, gateway):
    def roll(path, completions, labels, **more):
        asked = {"prompt": PROMPT, "completions": completions, "labels": labels, **more}
        return run_with("openrlhf", "rollouts.py", f"{gateway}/{path}", json.dumps(asked))

    return roll


def test_a_group_becomes_a_batch_with_the_domains_rewards(roll):
    told = roll("math", [RIGHT, WRONG, RIGHT, WRONG], ["5/6"] * 4)
    assert told["rewards"] == [3.0, 2.0, 3.0, 2.0]
    assert told["scores"] == [1.0, 0.0, 1.0, 0.0]
    assert (told["shapes"], told["dtypes"]) == (["[1]"], ["torch.float32"])
    assert told["advantages"] == [0.5, -0.5, 0.5, -0.5]
    assert told["is_kept_by_dynamic_filtering"] is True
    assert told["logs"]["answer"] == [1.0, 0.0, 1.0, 0.0]
    assert told["logs"]["format"] == [1.0] * 4, "the prompt's <think> is part of the completion"
    assert told["logs"]["valid"] == [1.0] * 4


def test_a_prompt_that_was_cut_is_still_told_apart(roll):
    # Of the prompt's 66 tokens (bytes, and special tokens) the last 50 are left.
    told = roll("math", [RIGHT], ["5/6"], max_tokens=100, max_length=150)
    assert told["rewards"] == [3.0]


def test_a_sample_without_a_verdict_has_no_advantage(roll):
    told = roll("toy?group_size=4", ["yes", "crash", "no", "yes"], ["yes"] * 4)
    assert told["rewards"] == pytest.approx([1.0, 2 / 3, 0.0, 1.0])
    assert told["advantages"][1] == pytest.approx(0.0, abs=1e-6)
    assert told["advantages"][0] == pytest.approx(1 / 3)
    assert told["logs"]["valid"] == [1.0, 0.0, 1.0, 1.0]
    assert told["logs"]["imputed"] == [0.0, 1.0, 0.0, 0.0]


def test_a_group_without_any_verdict_has_no_advantages(roll):
    told = roll("toy?group_size=3", ["crash", "raise", "bad reference"], ["yes"] * 3)
    assert told["rewards"] == [1.0] * 3
    assert told["advantages"] == [0.0] * 3


def test_nan_has_dynamic_filtering_draw_the_group_anew(roll):
    told = roll("toy?no_verdict=nan", ["yes", "crash"], ["yes"] * 2)
    assert [math.isnan(reward) for reward in told["rewards"]] == [False, True]
    assert told["is_kept_by_dynamic_filtering"] is False


def test_samples_that_come_one_by_one_are_judged_as_a_group(roll):
    told = roll("whole?group_size=3", ["aaaa", "a", "aa"], [None] * 3)
    assert told["rewards"] == [1.0, 0.25, 0.5]


def test_what_a_wrong_url_does(roll):
    """Its client tries five times and goes on with None, at which its trainer stops: here only for a wrong setting."""
    told = roll("nowhere", ["yes"], ["yes"])
    assert told["rewards"] == [None]
    assert told["seconds"] > 4
