"""What a run writes down: TRL's names, failures by kind, reflective words, JSONL and TensorBoard."""

import math
import subprocess
import sys

import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from grpo_trainer.training import FunctionScorer, Scores, aha
from grpo_trainer.training.run_log import RunLog
from grpo_trainer.training.update_metrics import UpdateMetrics

TRL = {
    "reward",
    "reward_std",
    "rewards/reward/mean",
    "rewards/reward/std",
    "frac_reward_zero_std",
    *(f"completions/{kind}_{name}" for kind in ("mean", "min", "max") for name in ("length", "terminated_length")),
    "completions/clipped_ratio",
    "kl",
    "entropy",
    *(f"clip_ratio/{name}" for name in ("low_mean", "low_min", "high_mean", "high_max", "region_mean")),
    *(f"sampling/sampling_logp_difference/{name}" for name in ("mean", "max")),
    *(f"sampling/importance_sampling_ratio/{name}" for name in ("min", "mean", "max")),
    "grad_norm",
    "learning_rate",
    "loss",
    "num_tokens",
    "step_time",
    "epoch",
}
OURS = {"reward_wait_s", "aha/wait", "aha/any_frac", "aha/mean_count", "failures/timeout", "reward/failed_frac"}


def test_a_run_writes_every_name_to_both_logs(policy, make_trainer, config, lines):
    class Flaky(FunctionScorer):
        """Every sixth sample has no verdict."""

        def result(self, group):
            rewards = [None, *super().result(group).rewards[1:]]
            return Scores(rewards, ["timeout", *[None] * 5], {"reward": rewards})

        def step_metrics(self):
            return {"reward/exposed_s": 0.5}

    make_trainer(
        policy,
        scorer=Flaky(lambda rollout: float(len(rollout.text))),
        loggers=("tensorboard",),
        callbacks=[lambda *_: {"eval/toy/pass@1": 0.5}],
    ).run()
    for line in lines():
        assert line.keys() >= TRL | OURS | {"eval/toy/pass@1", "reward/exposed_s"}
        assert line["failures/timeout"] == 3
        assert line["reward/failed_frac"] == pytest.approx(1 / 6)
        assert line["completions/max_length"] <= 5
        assert all(math.isfinite(value) for value in line.values())
    assert [line["num_tokens"] for line in lines()] == sorted(line["num_tokens"] for line in lines())
    board = EventAccumulator(str(config.run_dir / "tensorboard")).Reload()
    assert set(board.Tags()["scalars"]) >= TRL | OURS
    assert [event.step for event in board.Scalars("reward")] == [2, 4, 6, 8]
    assert board.Scalars("reward")[-1].value == pytest.approx(lines()[-1]["reward"])


def test_failures_by_kind_are_counted_and_in_no_mean(policy, make_trainer, lines):
    make_trainer(policy, lambda rollout: None if rollout.index == 0 else float(rollout.index), total_steps=2).run()
    line = lines()[0]
    assert line["failures/unsupported"] == 3
    assert line["reward"] == 3.0
    assert line["reward_std"] == pytest.approx(2.5**0.5)


def test_a_tally_is_the_same_for_any_cut():
    values = torch.arange(7.0)
    whole, cut = UpdateMetrics(), UpdateMetrics()
    for metrics, parts in ((whole, [values]), (cut, [values[:2], values[2:3], values[3:]])):
        for part in parts:
            metrics.mean("mean", part)
            metrics.least("least", part)
            metrics.most("most", part)
    assert whole.metrics() == cut.metrics() == {"skipped_steps": 0, "mean": 3.0, "least": 0.0, "most": 6.0}


def test_a_resumed_log_forgets_what_came_after_the_checkpoint_and_half_a_line(tmp_path):
    log = RunLog(tmp_path, 0)
    for step in (2, 4, 6):
        log.write(step, {"reward": float("nan") if step == 2 else 1.0})
    log.close()
    path = tmp_path / "metrics.jsonl"
    path.write_text(path.read_text() + '{"step": 8, "rew')
    RunLog(tmp_path, 4, loggers=()).close()
    assert path.read_text() == '{"step": 2, "reward": null}\n{"step": 4, "reward": 1.0}\n'


def test_reflection_is_told_per_thousand_tokens():
    results = aha.metrics(["wait, wait", "no", "check it"], 60)
    assert results["aha/wait"] == pytest.approx(2 * 1000 / 60)
    assert results["aha/check"] == pytest.approx(1000 / 60)
    assert results["aha/mean_count"] == 1
    assert results["aha/any_frac"] == pytest.approx(2 / 3)


def test_the_client_needs_neither_torch_nor_transformers():
    program = "import sys, trainer_client; assert not {'torch', 'transformers', 'safetensors'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True)


def test_advantages_and_settings_of_the_loss_need_no_torch_either():
    program = "import sys, grpo_trainer.grpo.advantages, grpo_trainer.grpo.minibatch; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", program], check=True)
