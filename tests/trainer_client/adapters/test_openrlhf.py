"""OpenRLHF's reward function by file, against a real gateway, called as openrlhf/utils/agent.py of 0.11.2 does."""

import asyncio
import importlib.util
import itertools
import json
import subprocess
import sys

import httpx
import pytest

from trainer_client import AsyncRewardClient, BadGroup, NoVerdict
from trainer_client.adapters import siblings
from trainer_client.adapters.openrlhf import reward_func

_number = itertools.count()


@pytest.fixture
def prompt():
    return f"<|im_start|>user\nSay yes, {next(_number)}.<|im_end|>\n<|im_start|>assistant\n"


@pytest.fixture(autouse=True)
def _forgetful(monkeypatch, asked_with):
    monkeypatch.setattr(siblings, "_groups", {})


async def call(prompt, *texts, label="yes"):
    """One query a call, each in a thread of its own, as OpenRLHF's executor has them."""
    calls = (asyncio.to_thread(reward_func, [prompt + text + "<|im_end|>"], [prompt], [label]) for text in texts)
    return await asyncio.gather(*calls)


async def test_one_query_is_answered_with_scalars(prompt):
    right, wrong = await call(prompt, "yes", "no")
    assert right == {"rewards": 1.0, "scores": 0.5, "extra_logs": {"toy": 1.0, "valid": 1.0, "imputed": 0.0}}
    assert wrong == {"rewards": 0.0, "scores": 0.0, "extra_logs": {"toy": 0.0, "valid": 1.0, "imputed": 0.0}}


def test_more_queries_are_answered_with_lists(prompt):
    reply = reward_func([prompt + "yes", prompt + "no"], [prompt] * 2, ["yes", '{"answer": "yes"}'])
    assert reply["rewards"] == [1.0, 0.0]
    assert reply["extra_logs"] == {"toy": [1.0, 0.0], "valid": [1.0, 1.0], "imputed": [0.0, 0.0]}


async def test_no_verdict_is_the_siblings_mean_and_the_keys_are_the_same(asked_with, prompt):
    asked_with(GROUP_SIZE="4")
    rows = await call(prompt, "yes", "crash", "no", "yes")
    assert [row["rewards"] for row in rows] == pytest.approx([1.0, 2 / 3, 0.0, 1.0])
    assert [row["extra_logs"]["imputed"] for row in rows] == [0.0, 1.0, 0.0, 0.0]
    assert len({tuple(row["extra_logs"]) for row in rows}) == 1


async def test_a_query_without_its_prompt_is_not_guessed(asked_with, prompt):
    asked_with(GROUP_SIZE="2", DEADLINE_S="3")
    right, odd = await asyncio.gather(
        asyncio.to_thread(reward_func, [prompt + "yes"], [prompt], ["yes"]),
        asyncio.to_thread(reward_func, ["another text"], [prompt], ["yes"]),
    )
    assert (right["rewards"], odd["rewards"], odd["extra_logs"]["valid"]) == (1.0, 1.0, 0.0)


class Restarting(httpx.AsyncHTTPTransport):
    """A gateway that is away for the first `tries` requests."""

    def __init__(self, tries):
        super().__init__()
        self.tries = tries

    async def handle_async_request(self, request):
        if self.tries:
            self.tries -= 1
            raise httpx.ConnectError("away")
        return await super().handle_async_request(request)


async def test_it_waits_for_a_gateway_that_restarts(monkeypatch, toy_url, prompt):
    """Longer than the five tries of OpenRLHF's own client."""
    transport = Restarting(12)
    for module in ("domains", "sending"):
        monkeypatch.setattr(f"trainer_client.{module}.pause", lambda *_: 0.01)
    async with AsyncRewardClient(toy_url, transport=transport, deadline_s=60, stop_at=1) as client:
        for module in ("siblings", "openrlhf"):
            monkeypatch.setattr(f"trainer_client.adapters.{module}.client", lambda _: client)
        [row] = await call(prompt, "yes")
    assert (row["rewards"], transport.tries) == (1.0, 0)


def test_without_anything_to_impute_from_it_raises(asked_with, free_port, prompt):
    asked_with(DEADLINE_S="0.5", GROUP_SIZE="1")
    with pytest.raises(NoVerdict, match="worker_crashed"):
        reward_func([prompt + "crash"], [prompt], ["yes"])
    asked_with(DEADLINE_S="0.5", URL=f"http://127.0.0.1:{free_port}")
    with pytest.raises(NoVerdict, match="did not say"):
        reward_func([prompt + "yes"], [prompt], ["yes"])


def test_a_wrong_set_up_is_told(asked_with, prompt):
    asked_with(DOMAIN="whole")
    with pytest.raises(ValueError, match=r"looks at all siblings.*/compat/openrlhf/whole\?group_size=N"):
        reward_func([prompt + "yes"], [prompt], ["yes"])
    asked_with(DOMAIN="nowhere")
    with pytest.raises(BadGroup):
        reward_func([prompt + "yes"], [prompt], ["yes"])
    asked_with(DOMAIN="")
    with pytest.raises(ValueError, match="TOUCHSTONE_DOMAIN"):
        reward_func([prompt + "yes"], [prompt], ["yes"])


def test_openrlhf_loads_the_file_that_the_module_prints(prompt):
    command = [sys.executable, "-m", "trainer_client.adapters.openrlhf"]
    path = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    assert path.endswith(".py")
    spec = importlib.util.spec_from_file_location("reward_func", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert json.loads(json.dumps(module.reward_func([prompt + "yes"], [prompt], ["yes"])))["rewards"] == 1.0
