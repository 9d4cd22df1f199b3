"""Tinker cookbook's group rewards against a real gateway, in the form of tinker_cookbook/rl/types.py."""

import pytest

from trainer_client import BadGroup, NoVerdict
from trainer_client.adapters.tinker import group_rewards

USER = [{"role": "user", "content": "Which?"}]


def said(text):
    return [{"role": "assistant", "content": text}]


async def test_a_group_is_answered_with_rewards_and_metrics(asked_with):
    assert await group_rewards(USER, [said("yes"), said("no<|im_end|>")], "yes") == [
        (1.0, {"toy": 1.0, "valid": 1.0}),
        (0.0, {"toy": 0.0, "valid": 1.0}),
    ]
    assert await group_rewards("Which?", ["yes"], {"answer": "yes"}, tokens=[3]) == [(1.0, {"toy": 1.0, "valid": 1.0})]
    assert await group_rewards(USER, [], "yes") == []


async def test_no_verdict_leaves_the_siblings_advantages(asked_with):
    rows = await group_rewards(USER, [said(text) for text in ("yes", "crash", "no", "yes")], "yes")
    rewards = [reward for reward, _ in rows]
    assert rewards == pytest.approx([1.0, 2 / 3, 0.0, 1.0])
    assert rows[1][1] == {"valid": 0.0}
    assert sum(rewards) / 4 == pytest.approx(2 / 3)


async def test_siblings_are_compared(asked_with):
    rows = await group_rewards(USER, ["a", "aa", "aaaa"], "no", domain="whole")
    assert [reward for reward, _ in rows] == [0.25, 0.5, 1.0]


async def test_a_group_without_any_verdict_raises(asked_with):
    with pytest.raises(NoVerdict, match="worker_crashed"):
        await group_rewards(USER, ["crash", "crash"], "yes")
    with pytest.raises(NoVerdict, match="bad_reference"):
        await group_rewards(USER, ["yes"], None)
    with pytest.raises(BadGroup):
        await group_rewards(USER, ["yes"], "yes", domain="nowhere")
