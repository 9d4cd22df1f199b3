"""bfloat16 in the forward pass, float32 in everything that is added up."""

import pytest
import torch

from grpo_trainer import tiny
from grpo_trainer.rollout import sync_guard
from grpo_trainer.rollout.transformers_engine import TransformersEngine
from grpo_trainer.training.precision import GUARD_THRESHOLDS
from grpo_trainer.training.sft import Example, SFTConfig, sft

SMALL_STEP = {"learning_rate": 3e-6, "minibatches": 1, "total_steps": 20, "reference_every": 0}


def moved(before, policy):
    """The share of the weights that differ from what they were."""
    pairs = [(before[name].float(), tensor.float()) for name, tensor in policy.state_dict().items()]
    return sum(int((one != other).sum()) for one, other in pairs) / sum(one.numel() for one, _ in pairs)


@pytest.mark.slow
def test_small_steps_are_not_rounded_away(make_policy, make_trainer):
    policy = make_policy().to(torch.bfloat16)
    before = {name: tensor.clone() for name, tensor in policy.state_dict().items()}
    make_trainer(policy, **SMALL_STEP).run()
    assert policy.dtype == torch.float32
    assert moved(before, policy) > 0.95


def test_fine_tuning_does_not_round_either(tmp_path):
    policy = tiny.decoder(1, 32, 2).to(torch.bfloat16)
    before = {name: tensor.clone() for name, tensor in policy.state_dict().items()}
    examples = [Example([5, 6], [7, 8, 9, 1])] * 4
    sft(policy, examples, SFTConfig(steps=20, learning_rate=1e-6, warmup=0), seed=0, state=tmp_path / "state")
    touched = [name for name in before if "layers" in name]
    assert all(moved({name: before[name]}, _Only(policy, name)) > 0.9 for name in touched)


class _Only:
    def __init__(self, policy, name):
        self._policy, self._name = policy, name

    def state_dict(self):
        return {self._name: self._policy.state_dict()[self._name]}


def test_the_engine_samples_in_bfloat16_from_the_trained_weights(make_policy, make_trainer, lines):
    policy = make_policy().to(torch.bfloat16)
    engine = TransformersEngine(policy, [2])
    make_trainer(policy, engine=engine, learning_rate=0.05, total_steps=4).run()
    assert engine.model.dtype == torch.bfloat16
    assert (
        all(
            torch.equal(tensor, policy.state_dict()[name].bfloat16()) or name.endswith("inv_freq")
            for name, tensor in engine.model.state_dict().items()
        )
        or engine.model is not policy
    )
    gaps = [line["sync/logp_gap_mean"] for line in lines()]
    assert 1e-4 < max(gaps) < 0.1  # above float32's threshold, within bfloat16's


def test_a_single_unlikely_token_does_not_stop_a_run_in_bfloat16():
    """As seen of a real model: the mean of 64 tokens was 0.03 nats, and one of them was 0.72 off."""
    rounding = sync_guard.Gap(max=0.72, mean=0.03, tokens=64)
    sync_guard.check(rounding, GUARD_THRESHOLDS[torch.bfloat16])
    with pytest.raises(sync_guard.EngineOutOfSync, match=r"0\.03 nats in the mean"):
        sync_guard.check(rounding, GUARD_THRESHOLDS[torch.float32])


@pytest.mark.slow
def test_a_run_in_bfloat16_resumes_to_the_same_bits(make_policy, make_trainer, config):
    settings = {"total_steps": 8, "checkpoint_every": 4}
    whole = make_policy().to(torch.bfloat16)
    make_trainer(whole, run_dir=config.run_dir / "whole", **settings).run()
    cut = make_policy().to(torch.bfloat16)
    trainer = make_trainer(cut, run_dir=config.run_dir / "cut", **settings)
    trainer._callbacks = [lambda trainer, batch: trainer.stop()]
    trainer.run()
    again = make_policy(seed=5).to(torch.bfloat16)
    trainer = make_trainer(again, run_dir=config.run_dir / "cut", **settings)
    assert trainer.resume()
    trainer.run()
    assert all(torch.equal(tensor, whole.state_dict()[name]) for name, tensor in again.state_dict().items())


def test_float16_is_refused(make_policy, make_trainer):
    with pytest.raises(ValueError, match="float16: train in bfloat16 or float32"):
        make_trainer(make_policy().to(torch.float16))
