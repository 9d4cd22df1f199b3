"""ROLL's reward worker against a real gateway."""

import asyncio
import math
import pickle
from types import SimpleNamespace

import pytest
import torch
from roll_types import STAND_INS, Tokenizer, batch
from trainer_ways import stand_in

from trainer_client import BadGroup, NoVerdict
from trainer_client.adapters import roll, siblings


@pytest.fixture
def worker(monkeypatch, asked_with):
    stand_in(monkeypatch, STAND_INS)
    monkeypatch.setattr(siblings, "_groups", {})
    made = roll.TouchstoneRewardWorker(SimpleNamespace(model_args=None))
    made.initialize("a pipeline's configuration")
    yield made
    roll._worker.cache_clear()


async def rewards(worker, *texts, **named):
    tensors = (await worker.compute_rewards(batch(*texts, **named))).batch
    return tensors["response_level_rewards"].tolist()


async def test_a_batch_has_the_gateways_rewards(worker):
    tensors = (await worker.compute_rewards(batch("yes", "no", "yes<|im_end|>"))).batch
    assert tensors["response_level_rewards"].tolist() == [1.0, 0.0, 1.0]
    assert tensors["scores"].tolist() == [0.5, 0.0, 0.5], "of a toy that gives up to 2"
    assert tensors["token_level_rewards"].shape == (3, len("yes<|im_end|>") + 2)
    assert {one.dtype for one in tensors.values()} == {torch.float32}
    assert not tensors["token_level_rewards"].any()


async def test_responses_come_one_by_one_and_find_their_siblings(worker):
    one_by_one = await asyncio.gather(*(rewards(worker, text) for text in ("yes", "crash", "no", "yes")))
    assert [reward for (reward,) in one_by_one] == pytest.approx([1.0, 2 / 3, 0.0, 1.0])


async def test_other_steps_and_other_questions_are_no_siblings(worker, asked_with):
    asked_with(DEADLINE_S="1")
    await rewards(worker, "yes")
    with pytest.raises(NoVerdict, match="worker_crashed"):
        await rewards(worker, "crash", step=4)
    with pytest.raises(NoVerdict, match="worker_crashed"):
        await rewards(worker, "crash", prompt="Another?")


async def test_without_a_sibling_it_is_the_domains_mean(worker):
    await asyncio.gather(*(rewards(worker, text, step=1) for text in ["yes"] * 12 + ["no"] * 4))
    assert await rewards(worker, "crash", step=2) == [0.75]


async def test_siblings_are_compared_where_their_number_is_set(worker, asked_with):
    asked_with(DOMAIN="whole", GROUP_SIZE="3")
    one_by_one = await asyncio.gather(*(rewards(worker, text, ground_truth="no") for text in ("a", "aa", "aaaa")))
    assert [reward for (reward,) in one_by_one] == [0.25, 0.5, 1.0]
    asked_with(DOMAIN="whole", GROUP_SIZE="")
    with pytest.raises(ValueError, match="TOUCHSTONE_GROUP_SIZE"):
        await rewards(worker, "yes")


async def test_the_domain_is_that_of_the_tag(worker, asked_with):
    asked_with(DOMAIN="", SOURCES="toys=toy")
    assert await rewards(worker, "yes") == [1.0]
    asked_with(DOMAIN="", SOURCES="math_rule=toy")
    assert await rewards(worker, "yes") == [1.0]
    asked_with(DOMAIN="", SOURCES="others=toy")
    with pytest.raises(ValueError, match="toys"):
        await rewards(worker, "yes")
    asked_with(DOMAIN="nowhere")
    with pytest.raises(BadGroup):
        await rewards(worker, "yes")


async def test_a_column_reference_is_all_of_it(worker):
    assert await rewards(worker, "yes", ground_truth="no", reference='{"answer": "yes"}') == [1.0]


async def test_what_the_template_wrote_is_the_prefix(worker, monkeypatch):
    [sample] = roll.samples_of(
        SimpleNamespace(prefix="", domain_of=lambda source: "toy", sources={}),
        Tokenizer(),
        batch("x", prompt="Why?<think>\n"),
    )
    assert (sample.prompt, sample.prefix, sample.completion, sample.tokens, sample.step) == (
        "Why?",
        "<think>\n",
        "x",
        1,
        3,
    )
    assert sample.reference == {"ground_truth": "yes", "answer": "yes"}
    assert not math.isnan((await rewards(worker, "no"))[0])


def test_the_class_travels_by_name(worker):
    assert pickle.loads(pickle.dumps(type(worker))) is roll.TouchstoneRewardWorker
