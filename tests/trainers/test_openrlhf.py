"""openrlhf 0.11.2's own client, tensors and batches against the gateway: `make test-trainers`."""

import json
import math
from pathlib import Path

import pytest
from toy_gateway import RELATIVE

pytestmark = pytest.mark.long
PROMPT = "<|im_start|>user\nWhat is 1/2 + 1/3?<|im_end|>\n<|im_start|>assistant\n<think>\n"
THOUGHT = "The common denominator is six, so we have three sixths and two sixths.</think>\n"
RIGHT, WRONG = THOUGHT + "<answer>5/6</answer><|im_end|>", THOUGHT + "<answer>2/5</answer><|im_end|>"

ADAPTER = Path(__file__).parents[2] / "trainer_client/trainer_client/adapters/openrlhf.py"

GROUPS = {
    "math": ("math", [RIGHT, WRONG, RIGHT, WRONG], ["5/6"] * 4, {}),
    # Of the prompt's 66 tokens (bytes, and special tokens) the last 50 are left.
    "cut": ("math", [RIGHT], ["5/6"], {"max_tokens": 100, "max_length": 150}),
    "one without a verdict": ("toy?group_size=4", ["yes", "crash", "no", "yes"], ["yes"] * 4, {}),
    "none with a verdict": ("toy?group_size=3", ["crash", "raise", "bad reference"], ["yes"] * 3, {}),
    "nan": ("toy?no_verdict=nan", ["yes", "crash"], ["yes"] * 2, {}),
    "whole": ("whole?group_size=3", ["aaaa", "a", "aa"], [None] * 3, {}),
    "by file": ("", ["yes", "crash", "no", "yes"], ["yes"] * 4, {"url": str(ADAPTER)}),
    "wrong url": ("nowhere", ["yes"], ["yes"], {}),
}


@pytest.fixture(scope="module")
def message(run_with, serve, toy_domains):
    """What OpenRLHF makes of each group; one process of it for all."""
    folder = toy_domains("math", whole=RELATIVE)
    with serve(TOUCHSTONE_DOMAINS=str(folder)) as (url, _):
        requests = {
            name: {
                "url": f"{url}/compat/openrlhf/{path}",
                "prompt": PROMPT,
                "completions": texts,
                "labels": labels,
                **more,
            }
            for name, (path, texts, labels, more) in GROUPS.items()
        }
        by_file = {"URL": url, "DOMAIN": "toy", "GROUP_SIZE": "4", "STOP_AT": "1"}
        settings = {f"TOUCHSTONE_{name}": value for name, value in by_file.items()}
        return run_with("openrlhf", "rollouts.py", json.dumps(requests), **settings)


def test_a_group_becomes_a_batch_with_the_domains_rewards(message):
    got = message["math"]
    assert got["rewards"] == [3.0, 2.0, 3.0, 2.0]
    assert got["scores"] == [1.0, 0.0, 1.0, 0.0]
    assert (got["shapes"], got["dtypes"]) == (["[1]"], ["torch.float32"])
    assert got["advantages"] == [0.5, -0.5, 0.5, -0.5]
    assert got["is_kept_by_dynamic_filtering"] is True
    assert got["logs"]["answer"] == [1.0, 0.0, 1.0, 0.0]
    assert got["logs"]["format"] == [1.0] * 4, "the prompt's <think> is part of the completion"
    assert got["logs"]["valid"] == [1.0] * 4


def test_a_prompt_that_was_cut_is_still_told_apart(message):
    assert message["cut"]["rewards"] == [3.0]


def test_a_sample_without_a_verdict_has_no_advantage(message):
    got = message["one without a verdict"]
    assert got["rewards"] == pytest.approx([1.0, 2 / 3, 0.0, 1.0])
    assert got["advantages"][1] == pytest.approx(0.0, abs=1e-6)
    assert got["advantages"][0] == pytest.approx(1 / 3)
    assert got["logs"]["valid"] == [1.0, 0.0, 1.0, 1.0]
    assert got["logs"]["imputed"] == [0.0, 1.0, 0.0, 0.0]


def test_the_file_gives_what_the_url_gives(message):
    by_file, by_url = message["by file"], message["one without a verdict"]
    assert by_file["rewards"] == by_url["rewards"]
    assert (by_file["shapes"], by_file["dtypes"]) == (by_url["shapes"], by_url["dtypes"])
    assert by_file["advantages"] == by_url["advantages"]
    assert {name: by_file["logs"][name] for name in ("toy", "valid", "imputed")} == {
        name: by_url["logs"][name] for name in ("toy", "valid", "imputed")
    }


def test_a_group_without_any_verdict_has_no_advantages(message):
    assert message["none with a verdict"]["rewards"] == [1.0] * 3
    assert message["none with a verdict"]["advantages"] == [0.0] * 3


def test_nan_has_dynamic_filtering_draw_the_group_anew(message):
    assert [math.isnan(reward) for reward in message["nan"]["rewards"]] == [False, True]
    assert message["nan"]["is_kept_by_dynamic_filtering"] is False


def test_samples_that_come_one_by_one_are_judged_as_a_group(message):
    assert message["whole"]["rewards"] == [1.0, 0.25, 0.5]


def test_what_a_wrong_url_does(message):
    """Its client tries five times and goes on with None, at which its trainer stops: here only for a wrong setting."""
    assert message["wrong url"]["rewards"] == [None]
    assert message["wrong url"]["seconds"] > 4
