"""What the README says is what happens."""

import json
import re
import subprocess
from pathlib import Path

README = (Path(__file__).parents[2] / "README.md").read_text()


def block(language, holding):
    return next(text for text in re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL) if holding in text)


def test_the_curl_gives_the_answer_that_is_printed(serve):
    with serve() as (url, _):
        command = block("bash", "curl").replace("http://127.0.0.1:8000", url)
        done = subprocess.run(["bash", "-c", command], capture_output=True, check=True)
    got = json.loads(done.stdout)
    printed = json.loads(block("json", "results"))
    assert still(got) == still(printed)


def still(reply):
    """Without what moves with the clock and with the verifiers' versions."""
    for result in reply["results"]:
        result["components"]["answer"]["evidence"].pop("ms")
    return reply | {"elapsed_ms": 0, "version": ""}


def test_the_trainer_snippet_gives_rewards(serve):
    with serve() as (url, _):
        names: dict = {}
        exec(block("python", "RewardClient").replace("http://127.0.0.1:8000", url), names)
        rewards = names["touchstone"](
            ["q", "q"], ["<think>t</think><answer>4</answer>", "5"], ["4", "4"], split="train"
        )
        names["gateway"].close()
    assert rewards == [2.0, 0.0]
