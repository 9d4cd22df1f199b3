"""slime's function against a real gateway, with a stand-in for its Sample: slime is not on PyPI.

The fields are those of `slime/utils/types.py` at THUDM/slime 0d234f3 (0.3.1 has the same).
"""

import asyncio
from dataclasses import dataclass, field
from enum import Enum
from types import SimpleNamespace
from typing import Any

import pytest

from trainer_client import NoVerdict
from trainer_client.adapters import siblings
from trainer_client.adapters.slime import custom_rm, group_rm


class Status(Enum):
    PENDING = "pending"
    COMPLETED = "completed"
    TRUNCATED = "truncated"
    ABORTED = "aborted"


@dataclass
class Sample:
    group_index: int | None = None
    index: int | None = None
    prompt: str | list[dict[str, str]] = "What?"
    tokens: list[int] = field(default_factory=list)
    response: str = ""
    response_length: int = 3
    label: str | None = "yes"
    reward: Any = None
    loss_mask: list[int] | None = None
    remove_sample: bool = False
    status: Status = Status.COMPLETED
    metadata: dict = field(default_factory=dict)


def arguments(**given):
    base = {"n_samples_per_prompt": 4, "reward_key": None, "eval_reward_key": None, "group_rm": False, "rm_type": None}
    return SimpleNamespace(**{**base, **given})


@pytest.fixture(autouse=True)
def _settings(monkeypatch, toy_url):
    monkeypatch.setattr(siblings, "_groups", {})
    monkeypatch.setenv("TOUCHSTONE_URL", toy_url)
    monkeypatch.setenv("TOUCHSTONE_STOP_AT", "1")
    monkeypatch.setenv("TOUCHSTONE_DOMAIN", "toy")


def samples(texts, **more):
    return [
        Sample(**{"group_index": 7, "index": number, "response": text, **more}) for number, text in enumerate(texts)
    ]


async def test_a_sample_without_a_verdict_is_removed_and_leaves_the_mean():
    group = samples(["yes", "crash", "no", "yes"])
    rewards = await asyncio.gather(*(custom_rm(arguments(), sample) for sample in group))
    assert rewards == pytest.approx([1.0, 2 / 3, 0.0, 1.0])
    assert [sample.remove_sample for sample in group] == [False, True, False, False]
    assert sum(rewards) / 4 == pytest.approx(
        sum(r for r, s in zip(rewards, group, strict=True) if not s.remove_sample) / 3
    )


async def test_a_list_is_a_group():
    group = samples(["yes", "crash", "no"])
    assert await group_rm(arguments(group_rm=True), group) == [1.0, 0.5, 0.0]
    assert await custom_rm(arguments(), samples(["yes", "no"], group_index=8)) == [1.0, 0.0], "a fan-out"
    assert await custom_rm(arguments(), []) == []


async def test_a_reward_key_gets_a_dictionary():
    rows = await group_rm(arguments(group_rm=True, reward_key="accuracy"), samples(["yes", "crash", "yes"]))
    assert rows[0] == {"toy": 1.0, "reward": 1.0, "accuracy": 0.5, "valid": 1.0, "imputed": 0.0}
    assert rows[1] == {"toy": 1.0, "reward": 1.0, "accuracy": 0.5, "valid": 0.0, "imputed": 1.0}


@pytest.mark.parametrize(
    ("metadata", "environment"),
    [
        ({"domain": "toy"}, {"TOUCHSTONE_DOMAIN": ""}),
        ({"rm_type": "toy"}, {"TOUCHSTONE_DOMAIN": ""}),
        ({"rm_type": "deepscaler"}, {"TOUCHSTONE_DOMAIN": "", "TOUCHSTONE_SOURCES": "deepscaler=toy"}),
        ({"data_source": "openai/gsm8k"}, {}),
        (None, {}),
    ],
)
async def test_the_domain_is_the_samples(monkeypatch, metadata, environment):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    [sample] = samples(["yes"], metadata=metadata)
    assert await custom_rm(arguments(), sample) == 1.0


async def test_a_sample_without_a_domain_is_told(monkeypatch):
    monkeypatch.delenv("TOUCHSTONE_DOMAIN")
    with pytest.raises(ValueError, match="names no domain: set TOUCHSTONE_DOMAIN"):
        await custom_rm(arguments(), samples(["yes"])[0])


async def test_relative_domains_have_the_trainers_group_size():
    group = samples(["a", "aa", "aaa", "aaaa"], metadata={"domain": "whole"})
    rows = await asyncio.gather(*(custom_rm(arguments(reward_key="reward"), sample) for sample in group))
    assert [row["relative"] for row in rows] == [0.25, 0.5, 0.75, 1.0]


async def test_an_evaluation_has_no_group_index(monkeypatch):
    group = samples(["a", "aa"], metadata={"domain": "whole"}, group_index=None)
    with pytest.raises(ValueError, match="TOUCHSTONE_GROUP_SIZE"):
        await custom_rm(arguments(), group[0])
    monkeypatch.setenv("TOUCHSTONE_GROUP_SIZE", "2")
    assert await asyncio.gather(*(custom_rm(arguments(), sample) for sample in group)) == [0.5, 1.0]


async def test_no_verdict_and_nothing_to_stand_for_it_raises(monkeypatch):
    monkeypatch.setenv("TOUCHSTONE_DEADLINE_S", "2")
    with pytest.raises(NoVerdict, match="worker_crashed"):
        await custom_rm(arguments(n_samples_per_prompt=1), samples(["crash"])[0])
