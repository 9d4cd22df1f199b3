"""The plug for Prime's verifiers against a real gateway, with stand-ins for task and trace (tests/trainers has theirs)."""

import asyncio
from types import SimpleNamespace

import pytest
from pydantic import BaseModel

from trainer_client import BadGroup, NoVerdict
from trainer_client.adapters.prime import reward


class TaskData(BaseModel):
    idx: int | None = None
    prompt: str | None = None


class Data(TaskData):
    answer: str = "yes"
    domain: str | None = None


class Message(BaseModel):
    role: str
    content: str


def trace(text):
    given, said = Message(role="user", content="Which?"), Message(role="assistant", content=text)
    nodes = [SimpleNamespace(message=given, sampled=False), SimpleNamespace(message=said, sampled=True)]
    metrics = {}
    return SimpleNamespace(
        branches=[SimpleNamespace(nodes=nodes)], num_output_tokens=3, metrics=metrics, record_metrics=metrics.update
    )


async def test_components_are_metrics(asked_with):
    one = trace("yes")
    assert await reward(Data(), one) == 1.0
    assert one.metrics == {"touchstone_toy": 1.0}
    assert await reward(Data(), trace("no")) == 0.0


async def test_no_verdict_is_raised_with_its_cause(asked_with):
    one = trace("crash")
    with pytest.raises(NoVerdict, match="worker_crashed"):
        await reward(Data(), one)
    assert one.metrics == {}


async def test_a_gateway_that_is_away_is_no_verdict(asked_with, free_port):
    asked_with(URL=f"http://127.0.0.1:{free_port}", DEADLINE_S="0.5")
    with pytest.raises(NoVerdict, match="unreachable"):
        await reward(Data(), trace("yes"))


async def test_a_domain_that_looks_at_siblings_is_refused(asked_with):
    with pytest.raises(ValueError, match=r"/compat/prime/whole\?group_size"):
        await reward(Data(domain="whole"), trace("yes"))
    with pytest.raises(BadGroup, match="Unknown domain"):
        await reward(Data(domain="nowhere"), trace("yes"))


async def test_many_traces_at_once(asked_with):
    texts = ["yes", "no", "crash"] * 10
    failure_message = await asyncio.gather(*(reward(Data(), trace(text)) for text in texts), return_exceptions=True)
    assert [one if isinstance(one, float) else type(one) for one in failure_message] == [1.0, 0.0, NoVerdict] * 10
