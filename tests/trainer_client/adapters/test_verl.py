"""verl's function against a real gateway; the real verl is in tests/trainers."""

import asyncio

import pytest

from trainer_client import AsyncRewardClient, NoVerdict
from trainer_client.adapters import siblings, verl
from trainer_client.adapters.verl import compute_score

KEYS = ["score", "acc", "pred", "failed", "failure", "touchstone_relative", "touchstone_toy"]


@pytest.fixture(autouse=True)
def _settings(monkeypatch, toy_url):
    monkeypatch.setattr(siblings, "_groups", {})
    monkeypatch.setattr(verl, "_components", {})
    monkeypatch.setenv("TOUCHSTONE_URL", toy_url)
    monkeypatch.setenv("TOUCHSTONE_STOP_AT", "1")
    monkeypatch.setenv("TOUCHSTONE_SOURCES", "openai/gsm8k=toy,lengths=whole")


async def scores(texts, source="openai/gsm8k", index=0, **given):
    requests = (compute_score(source, text, "yes", {"index": index, "split": "train"}, **given) for text in texts)
    return await asyncio.gather(*requests)


async def test_rewards_by_data_source():
    rows = await scores(["yes<|im_end|>\n", "no"])
    assert rows[0] == {
        "score": 1.0,
        "acc": 0.5,
        "pred": "",
        "failed": 0,
        "failure": "",
        "touchstone_relative": None,
        "touchstone_toy": 1.0,
    }
    assert (rows[1]["score"], rows[1]["failed"]) == (0.0, 0)


async def test_no_verdict_is_the_siblings_mean_and_flagged():
    rows = await scores(["yes", "crash", "no", "yes"], group_size=4)
    assert [row["score"] for row in rows] == pytest.approx([1.0, 2 / 3, 0.0, 1.0])
    assert [row["failed"] for row in rows] == [0, 1, 0, 0]
    assert rows[1]["acc"] == pytest.approx(1 / 3)
    assert rows[1]["failure"].startswith("worker_crashed: toy")


async def test_the_keys_are_the_same_whatever_the_domain_and_failure():
    mixed = await asyncio.gather(
        scores(["yes", "crash"], group_size=2), scores(["a", "aa"], "lengths", index=1, group_size=2)
    )
    rows = [row for group in mixed for row in group]
    assert {tuple(row) for row in rows} == {tuple(KEYS)}
    assert [row["touchstone_relative"] for row in rows] == [None, None, 0.5, 1.0]


async def test_without_any_sibling_it_raises():
    with pytest.raises(NoVerdict, match="worker_crashed"):
        await scores(["crash"], group_size=1, deadline_s=2.0)


async def test_settings_in_reward_kwargs(toy_url):
    [row] = await scores(["yes"], "elsewhere", url=toy_url, domain="toy", sources={"a": "toy"})
    assert row["score"] == 1.0
    with pytest.raises(ValueError, match=r"reward_kwargs\.group_siz"):
        await scores(["yes"], group_siz=3)
    with pytest.raises(ValueError, match="data source 'elsewhere' has no domain"):
        await scores(["yes"], "elsewhere")


async def test_verls_own_arguments_are_no_settings():
    [row] = await scores(["yes"], reward_router_address="127.0.0.1:1", reward_model_tokenizer=object())
    assert row["score"] == 1.0


async def test_the_row_may_say_more():
    extra = {"index": 1, "domain": "toy", "reference": {"answer": "no"}, "num_turns": 2, "rollout_reward_scores": {}}
    assert (await compute_score("elsewhere", "no", "yes", extra))["score"] == 1.0


@pytest.mark.slow
async def test_hundreds_at_once_go_out_together(monkeypatch, toy_url, recording):
    async with AsyncRewardClient(toy_url, transport=recording, deadline_s=60) as gateway:
        monkeypatch.setattr(siblings, "client", lambda _: gateway)
        texts = [("yes", "no", "crash")[number % 3] for number in range(24)]
        groups = await asyncio.gather(*(scores(texts, index=index, group_size=24) for index in range(25)))
    for rows in groups:
        assert [row["score"] for row in rows] == pytest.approx([1.0, 0.0, 0.5] * 8)
    # The first 32 go alone; what comes while they are out goes together.
    assert len(recording.scoring) < 150
