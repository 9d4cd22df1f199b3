"""What the README says is what happens."""

import json
import re
import subprocess
from pathlib import Path

README = (Path(__file__).parents[2] / "README.md").read_text()


def block(language, holding):
    return next(text for text in re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL) if holding in text)


def test_the_curl_gives_the_answer_that_is_printed(math_suite):
    command = block("bash", "curl").replace("http://127.0.0.1:8700", math_suite)
    done = subprocess.run(["bash", "-c", command], capture_output=True, check=True)
    # What stands for the parts left out is a key of its own.
    printed = json.loads(re.sub(r", …(?=\})", "", block("json", "results")))
    assert_holds(json.loads(done.stdout), printed)


def assert_holds(reply, printed, path="reply"):
    """Everything that is printed is in the reply, as it is printed."""
    if isinstance(printed, dict):
        assert printed.keys() <= reply.keys(), path
        for key, value in printed.items():
            assert_holds(reply[key], value, f"{path}.{key}")
    elif isinstance(printed, list):
        assert len(printed) == len(reply), path
        for position, value in enumerate(printed):
            assert_holds(reply[position], value, f"{path}[{position}]")
    else:
        assert reply == printed, path


def test_the_page_is_short():
    assert len(README.splitlines()) < 130
    assert len(block("json", "results").splitlines()) <= 8


def test_the_trainer_snippet_gives_rewards(math_suite):
    names: dict = {}
    exec(block("python", "RewardClient").replace("http://127.0.0.1:8700", math_suite), names)
    rewards = names["touchstone"](["q", "q"], ["<think>t</think><answer>4</answer>", "5"], ["4", "4"], split="train")
    names["gateway"].close()
    assert rewards == [2.0, 0.0]
