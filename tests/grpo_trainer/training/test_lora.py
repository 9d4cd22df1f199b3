"""Adapters by `peft`: only they learn, only they are kept in a checkpoint, and what comes out is a plain model."""

import pytest
import torch

from grpo_trainer.recipe import LoRA
from grpo_trainer.rollout.weights import plain_copy
from grpo_trainer.stages.policies import with_adapters
from grpo_trainer.training.reference import Reference
from grpo_trainer.training.sft import Example, SFTConfig, sft

pytestmark = pytest.mark.slow


@pytest.fixture
def adapted(make_policy):
    def make(dtype=torch.float32, seed=0):
        return with_adapters(make_policy(seed=seed), LoRA(rank=4, alpha=8), dtype, 0)

    return make


def frozen(policy):
    return {name: one.detach().clone() for name, one in policy.named_parameters() if not one.requires_grad}


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_only_the_adapters_learn(adapted, make_trainer, lines, dtype):
    policy = adapted(dtype)
    before = frozen(policy)
    make_trainer(policy, learning_rate=0.02, total_steps=40, reference_every=0).run()
    assert all(torch.equal(one, frozen(policy)[name]) for name, one in before.items())
    assert all(one.dtype == dtype for one in before.values())
    rewards = [line["reward"] for line in lines()]
    assert sum(rewards[-4:]) > 1.5 * sum(rewards[:4])


def test_a_resumed_run_ends_in_the_same_adapters(adapted, make_trainer, config):
    whole = adapted()
    make_trainer(whole, run_dir=config.run_dir / "whole", checkpoint_every=4).run()
    cut = make_trainer(adapted(), run_dir=config.run_dir / "cut", callbacks=[lambda trainer, batch: trainer.stop()])
    cut.run()
    again = adapted(seed=0)
    trainer = make_trainer(again, run_dir=config.run_dir / "cut")
    assert trainer.resume()
    trainer.run()
    for name, one in again.named_parameters():
        assert torch.equal(one, whole.get_parameter(name))


def test_a_checkpoint_holds_a_plain_policy(adapted, make_trainer, config):
    policy = adapted()
    make_trainer(policy, learning_rate=0.02).run()
    plain = type(plain_copy(policy)).from_pretrained(config.run_dir / "checkpoints" / "step-00000008" / "policy")
    ids = torch.tensor([[3, 4, 5, 6]])
    torch.testing.assert_close(plain(ids).logits, policy(ids).logits, rtol=1e-4, atol=1e-5)


def test_the_reference_shares_what_is_frozen(adapted):
    policy = adapted()
    reference = Reference(policy)
    shared = {one.data_ptr() for one in policy.parameters() if not one.requires_grad}
    copied = {one.data_ptr() for one in reference.model.parameters()} - shared
    assert len(copied) == sum(one.requires_grad for one in policy.parameters())
    assert not any(one.requires_grad for one in reference.model.parameters())


def test_fine_tuning_resumes_from_the_adapters_alone(adapted, tmp_path):
    examples = [Example([3, 4], [5, 6, 7, 2])] * 8

    def train(state, steps):
        policy = adapted()
        config = SFTConfig(steps=steps, batch=4, checkpoint_every=3, warmup=0)
        sft(policy, examples, config, seed=0, state=tmp_path / state)
        return policy

    train("cut", 3)
    # The learning rate depends on the number of steps: the same run goes on.
    whole, again = train("whole", 3), train("cut", 3)
    for name, one in again.named_parameters():
        assert torch.equal(one, whole.get_parameter(name))
    saved = torch.load(tmp_path / "cut", weights_only=True)["model"]
    assert all("lora" in name for name in saved)
