"""ms-swift's reward function against a real gateway, called as swift/rl_core/grpo_algorithm.py of 4.6.0 does."""

import asyncio
import logging
import subprocess
import sys
from pathlib import Path

from trainer_client.adapters.swift import reward


def rows(*texts, answer="yes", question="Which?"):
    """ms-swift's columns: of itself a few, and the data set's."""
    return {
        "messages": [[{"role": "user", "content": question}, {"role": "assistant", "content": text}] for text in texts],
        "request_id": [f"chatcmpl-{index}" for index in range(len(texts))],
        "finish_reason": ["stop"] * len(texts),
        "response_token_ids": [[1, 2, 3]] * len(texts),
        "trainer_state": None,
        "solution": [answer] * len(texts),
    }


async def test_no_verdict_is_the_siblings_mean_and_is_told(asked_with, caplog):
    texts = ["yes", "no", "crash", "no"]
    with caplog.at_level(logging.WARNING, logger="trainer_client"):
        assert await reward(texts, **rows(*texts)) == [1.0, 0.0, 1 / 3, 0.0]
    assert "no verdict: 1 of 4, worker_crashed" in caplog.text


async def test_a_group_without_any_verdict_is_none(asked_with):
    texts = ["crash", "raise"]
    assert await reward(texts, **rows(*texts)) == [None, None]


async def test_siblings_are_those_of_the_same_question(asked_with):
    texts = ["yes", "crash"]
    columns = rows(*texts)
    columns["messages"][1][0] = {"role": "user", "content": "Another?"}
    assert await reward(texts, **columns) == [1.0, None]


def test_each_call_may_have_a_loop_of_its_own(asked_with):
    texts = ["yes", "no"]
    assert [asyncio.run(reward(texts, **rows(*texts))) for _ in range(3)] == [[1.0, 0.0]] * 3


def test_the_plug_ins_folder_hides_no_package():
    """ms-swift puts it first on the path: a module there that is named like a package would replace it."""
    command = [sys.executable, "-m", "trainer_client.adapters.swift"]
    plugin = Path(subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip())
    assert plugin.is_file()
    assert [path.name for path in plugin.parent.glob("*.py")] == ["touchstone_swift.py"]
