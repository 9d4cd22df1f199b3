"""The whole loop: it learns, it stops, it resumes to the bit, and it does not go on where it must not."""

import json
import os
import shutil
import signal
import threading
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from grpo_trainer.rollout import Prompt, sync_guard
from grpo_trainer.rollout.transformers_engine import TransformersEngine
from grpo_trainer.training import FunctionScorer, GRPOConfig, Scores
from trainer_client import TooManyFailures

END = 2


def weights(trainer):
    return {name: tensor.clone() for name, tensor in trainer.policy.state_dict().items()}


def equal(one, other):
    return one.keys() == other.keys() and all(torch.equal(tensor, other[name]) for name, tensor in one.items())


def probability_of(letter, policy):
    """That the policy says so first, after the prompt "a"."""
    with torch.no_grad():
        return policy(torch.tensor([[3]])).logits[0, -1].softmax(-1)[3 + "abcdefgh".index(letter)].item()


BANDIT = {
    "prompts_per_rollout": 1,
    "group_size": 16,
    "max_tokens": 1,
    "minibatches": 1,
    "learning_rate": 0.02,
    "total_steps": 60,
    "checkpoint_every": 1000,
}


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
def test_a_bandit_is_solved(make_policy, make_trainer, config, seed):
    policy = make_policy(seed=seed, layers=1, hidden=16, initializer_range=0.05)
    before = probability_of("b", policy)
    loss = replace(config.loss, kl_coef=0.0)
    trainer = make_trainer(
        policy, lambda rollout: float(rollout.text == "b"), [Prompt("a")], seed=seed, loss=loss, **BANDIT
    )
    trainer.run()
    assert before < 0.2
    assert probability_of("b", policy) > 0.99


def test_a_negated_reward_unlearns(make_policy, make_trainer, config):
    policy = make_policy(layers=1, hidden=16, initializer_range=0.05)
    before = probability_of("b", policy)
    loss = replace(config.loss, kl_coef=0.0)
    make_trainer(policy, lambda rollout: -float(rollout.text == "b"), [Prompt("a")], loss=loss, **BANDIT).run()
    assert probability_of("b", policy) < before / 5


def test_a_constant_reward_changes_no_bit(policy, make_trainer, lines):
    trainer = make_trainer(policy, lambda rollout: 1.0, weight_decay=0.1)
    before = weights(trainer)
    trainer.run()
    assert equal(weights(trainer), before)
    assert [line["frac_reward_zero_std"] for line in lines()] == [1.0] * 4
    assert sum(line["skipped_steps"] for line in lines()) == 8


@pytest.mark.slow
@pytest.mark.parametrize("ahead", [0, 1])
@pytest.mark.parametrize("settings", [{}, {"rollout_tries": 3}, {"epochs": 2, "schedule": "cosine", "warmup_steps": 2}])
def test_a_stop_and_a_resume_change_no_bit(make_policy, make_trainer, config, tmp_path, ahead, settings):
    settings = {"total_steps": 16, "ahead": ahead, **settings}
    whole = make_trainer(make_policy(), run_dir=tmp_path / "whole", **settings)
    whole.run()

    def stop(trainer, batch):
        if trainer.state.rollout == 2:
            trainer.stop()

    first = make_trainer(make_policy(), callbacks=[stop], **settings)
    assert first.run().step < 16
    second = make_trainer(make_policy(seed=5), **settings)
    assert second.resume()
    assert second.state == first.state
    second.run()
    assert equal(weights(second), weights(whole))
    assert second.state == whole.state
    assert equal(load_file(newest(config) / "reference.safetensors"), dict(whole.reference.model.state_dict()))
    for one, other in zip(
        second._updater.optimizer.state.values(), whole._updater.optimizer.state.values(), strict=True
    ):
        assert equal(one, other)
    message = [
        [{"step": line["step"], "reward": line["reward"], "loss": line["loss"]} for line in lines_of(folder)]
        for folder in (config.run_dir, tmp_path / "whole")
    ]
    assert message[0] == message[1]


def lines_of(folder):
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def newest(config):
    return max((config.run_dir / "checkpoints").iterdir())


def test_a_run_that_was_killed_repeats_what_came_after_its_checkpoint(make_policy, make_trainer, lines):
    def die(trainer, batch):
        if trainer.state.step == 6:
            os.kill(os.getpid(), signal.SIGKILL)

    child = os.fork()
    if child == 0:
        make_trainer(make_policy(), callbacks=[die], checkpoint_every=4).run()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    resumed = make_trainer(make_policy(seed=5), checkpoint_every=4)
    assert resumed.resume()
    assert resumed.state.step == 4
    resumed.run()
    assert [line["step"] for line in lines()] == [2, 4, 6, 8]


def test_the_reference_is_replaced_every_so_many_steps(make_policy, make_trainer, lines):
    policy, seen = make_policy(), []

    def watch(trainer, batch):
        seen.append((trainer.state.step, trainer.reference.step))

    trainer = make_trainer(policy, callbacks=[watch], total_steps=12, minibatches=1, reference_every=4)
    trainer.run()
    assert seen == [(step, 4 * ((step - 1) // 4)) for step in range(1, 13)]
    # The update with which a reference begins finds it equal to the policy.
    kls = {line["step"]: line["kl"] for line in lines() if "kl" in line}
    assert len(kls) > 8
    assert all((abs(kl) < 1e-12) == (step % 4 == 1) for step, kl in kls.items())


def test_a_refreshed_reference_is_the_policy_and_stays_behind_afterwards(make_policy, make_trainer):
    trainer = make_trainer(make_policy(), total_steps=2)
    trainer.run()
    trainer.reference.refresh(trainer.policy, 2)
    assert equal(weights(trainer), dict(trainer.reference.model.state_dict()))
    with torch.no_grad():
        trainer.policy.lm_head.weight += 1
    assert not equal(weights(trainer), dict(trainer.reference.model.state_dict()))


def test_without_a_kl_there_is_no_reference(policy, make_trainer, config, lines):
    trainer = make_trainer(policy, loss=replace(config.loss, kl_coef=0.0))
    assert trainer.reference is None
    trainer.run()
    assert "kl" not in lines()[0]
    assert not (newest(config) / "reference.safetensors").exists()


class Stale(TransformersEngine):
    """Says yes to a sync, and keeps its weights."""

    def sync(self, policy):
        pass


def test_a_stale_engine_stops_the_run_with_a_checkpoint(policy, make_trainer, config):
    trainer = make_trainer(policy, engine=Stale(policy, [END], copy_weights=True), learning_rate=0.01)
    with pytest.raises(sync_guard.EngineOutOfSync):
        trainer.run()
    assert newest(config).name == f"step-{trainer.state.step:08}"
    assert trainer.state.step > 0


def test_ahead_samples_from_weights_one_rollout_old(policy, make_trainer, lines):
    versions = []

    def watch(trainer, batch):
        versions.append({rollout.version for rollout in batch.rollouts})

    make_trainer(policy, ahead=1, total_steps=10, callbacks=[watch], learning_rate=0.01).run()
    assert versions == [{0}, {0}, {1}, {2}, {3}]
    assert [line["off_policy/staleness"] for line in lines()] == [0, 1, 1, 1, 1]
    assert (
        lines()[0]["sampling/sampling_logp_difference/max"]
        < 1e-3
        < max(line.get("sampling/sampling_logp_difference/max", 0) for line in lines()[1:])
    )


def test_ahead_generates_and_scores_while_the_policy_is_trained(policy, make_trainer):
    """Proved without a clock: the first update waits for a sample of the next rollout to have been submitted."""
    submitted = threading.Event()

    class Watching(FunctionScorer):
        def submit(self, rollout):
            if rollout.group.startswith("1-"):
                submitted.set()
            super().submit(rollout)

    trainer = make_trainer(policy, ahead=1, total_steps=4, scorer=Watching(lambda rollout: float(len(rollout.ids))))
    update = trainer._updater.update

    def waiting(*arguments):
        assert submitted.wait(30)
        return update(*arguments)

    trainer._updater.update = waiting
    trainer.run()
    assert trainer.state.rollout == 2


def test_ahead_needs_an_engine_with_weights_of_its_own(policy, make_trainer):
    with pytest.raises(ValueError, match="copy_weights"):
        make_trainer(policy, engine=TransformersEngine(policy, [END]), ahead=1)


@pytest.mark.slow
@pytest.mark.parametrize("ahead", [0, 1])
def test_ctrl_c_leaves_a_checkpoint_of_a_whole_state(make_policy, make_trainer, config, ahead, tmp_path):
    pressed = []

    def press(rollout):
        # In the middle of the third rollout.
        if rollout.group.startswith("2-") and not pressed:
            pressed.append(os.kill(os.getpid(), signal.SIGINT))
        return float(rollout.text.count("b"))

    trainer = make_trainer(make_policy(), press, ahead=ahead, total_steps=12)
    before = signal.getsignal(signal.SIGINT)
    state = trainer.run()
    assert signal.getsignal(signal.SIGINT) is before
    assert state.step < 12
    assert newest(config).name == f"step-{state.step:08}"
    resumed = make_trainer(
        make_policy(seed=5), lambda rollout: float(rollout.text.count("b")), ahead=ahead, total_steps=12
    )
    assert resumed.resume()
    resumed.run()
    whole = make_trainer(
        make_policy(),
        lambda rollout: float(rollout.text.count("b")),
        ahead=ahead,
        total_steps=12,
        run_dir=tmp_path / "whole",
    )
    whole.run()
    assert equal(weights(resumed), weights(whole))


def test_a_second_ctrl_c_ends_at_once_and_the_state_is_still_kept(policy, make_trainer, config):
    def press(rollout):
        if rollout.group.startswith("1-"):
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)
        return float(len(rollout.ids))

    with pytest.raises(KeyboardInterrupt):
        make_trainer(policy, scorer=Raw(press)).run()
    assert newest(config).name == "step-00000002"


class Raw(FunctionScorer):
    """Does not turn an exception into a failure."""

    def submit(self, rollout):
        self._groups[rollout.group][rollout.index] = ({"reward": self._score(rollout)}, None)


def test_a_scorer_that_breaks_down_leaves_a_checkpoint(policy, make_trainer, config):
    def score(rollout):
        if rollout.group.startswith("2-"):
            raise ConnectionError("gone")
        return float(len(rollout.ids))

    with pytest.raises(ConnectionError, match="gone"):
        make_trainer(policy, scorer=Raw(score)).run()
    assert newest(config).name == "step-00000004"


def test_a_scorer_that_breaks_down_under_a_checkpoint_still_leaves_one(policy, make_trainer, config):
    """With `ahead` a checkpoint waits for the rollout under way; if that fails, the state is saved without it."""

    def score(rollout):
        if rollout.group.startswith("2-"):
            raise ConnectionError("gone")
        return float(len(rollout.ids))

    with pytest.raises(ConnectionError, match="gone"):
        make_trainer(policy, scorer=Raw(score), ahead=1, checkpoint_every=4).run()
    assert newest(config).name == "step-00000004"
    assert json.loads((newest(config) / "state.json").read_text())["pending"] is None


@pytest.mark.parametrize("ahead", [0, 1])
def test_too_many_failures_stop_the_run_and_say_why(policy, make_trainer, config, ahead):
    def score(rollout):
        return None if rollout.index else 1.0

    with pytest.raises(TooManyFailures, match=r"83% .* unsupported 15"):
        make_trainer(policy, score, ahead=ahead).run()
    assert newest(config).name == "step-00000000"


def test_a_run_is_not_written_over(make_policy, make_trainer):
    make_trainer(make_policy(), total_steps=2).run()
    with pytest.raises(FileExistsError, match="resume"):
        make_trainer(make_policy(), total_steps=2).run()


def test_the_same_trainer_goes_on_where_it_stopped(policy, make_trainer):
    stopped = []

    def stop_once(trainer, batch):
        if not stopped:
            stopped.append(trainer.state.step)
            trainer.stop()

    trainer = make_trainer(policy, total_steps=4, callbacks=[stop_once])
    assert trainer.run().step == stopped[0] < 4
    assert trainer.run().step == 4


def test_a_run_that_was_killed_before_its_first_checkpoint_begins_again(policy, make_trainer, config):
    config.run_dir.mkdir(parents=True)
    (config.run_dir / "metrics.jsonl").write_text('{"step": 1, "reward": 0.5}\n{"step": 2, "rew')
    trainer = make_trainer(policy, total_steps=2)
    assert not trainer.resume()
    trainer.run()
    lines = [json.loads(line) for line in (config.run_dir / "metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [2]
    assert "update_s" in lines[0]


def test_resume_says_when_it_is_another_run(make_policy, make_trainer):
    assert not make_trainer(make_policy(), total_steps=2).resume()
    make_trainer(make_policy(), total_steps=2).run()
    with pytest.warns(UserWarning, match="learning_rate, seed"):
        make_trainer(make_policy(), total_steps=4, seed=1, learning_rate=1.0).resume()
    with pytest.warns(UserWarning, match="number of prompts"):
        make_trainer(make_policy(), prompts=[Prompt("a")], total_steps=2).resume()


@pytest.mark.parametrize("name", ["policy/model.safetensors", "reference.safetensors", "state.pt", "state.json"])
def test_a_damaged_checkpoint_is_named_and_changes_nothing(make_policy, make_trainer, config, name):
    whole = make_trainer(make_policy(), checkpoint_every=2, keep_checkpoints=2, total_steps=6)
    whole.run()
    file = newest(config) / name
    os.truncate(file, file.stat().st_size // 2)
    resumed = make_trainer(make_policy(seed=5), total_steps=6)
    before = weights(resumed)
    with pytest.raises(ValueError, match="step-00000006: damaged"):
        resumed.resume()
    assert equal(weights(resumed), before)
    shutil.rmtree(newest(config))
    assert resumed.resume()
    assert resumed.run().step == 6
    assert equal(weights(resumed), weights(whole))


def test_a_kl_that_a_resumed_run_adds_begins_at_its_policy(make_policy, make_trainer, config):
    make_trainer(make_policy(), loss=replace(config.loss, kl_coef=0.0), total_steps=2).run()
    resumed = make_trainer(make_policy(seed=5), total_steps=4)
    with pytest.warns(UserWarning, match="loss"):
        resumed.resume()
    assert equal(dict(resumed.reference.model.state_dict()), weights(resumed))


def test_old_checkpoints_go_and_the_policy_loads_by_itself(policy, make_trainer, config, tokenizer):
    trainer = make_trainer(policy, checkpoint_every=2, keep_checkpoints=2)
    trainer.run()
    kept = sorted(folder.name for folder in (config.run_dir / "checkpoints").iterdir())
    assert kept == ["step-00000006", "step-00000008"]
    loaded = AutoModelForCausalLM.from_pretrained(newest(config) / "policy")
    assert equal(dict(loaded.state_dict()), weights(trainer))
    assert AutoTokenizer.from_pretrained(newest(config) / "policy").encode("abc") == tokenizer.encode("abc")


def test_dynamic_sampling_draws_until_enough_groups_are_alive(policy, make_trainer, lines):
    """Two of the five prompts never vary in reward; both would leave holes in a rollout of three."""

    def score(rollout):
        return 1.0 if rollout.prompt.text in ("a", "bc") else float(len(rollout.text))

    seen = []
    trainer = make_trainer(
        policy,
        score,
        rollout_tries=10,
        callbacks=[lambda trainer, batch: seen.append((batch.drawn, len(batch.alive(3))))],
    )
    trainer.run()
    assert {alive for _, alive in seen} == {3}
    assert any(drawn > 3 for drawn, _ in seen)
    assert trainer.state.position == sum(drawn for drawn, _ in seen)
    assert all(line["groups/tries"] > 1 for line, (drawn, _) in zip(lines(), seen, strict=True) if drawn > 3)


def test_dynamic_sampling_gives_up_after_its_tries(policy, make_trainer, lines):
    make_trainer(policy, lambda rollout: 1.0, rollout_tries=3, total_steps=2).run()
    assert lines()[0]["groups/tries"] == 3
    assert lines()[0]["groups/alive"] == 0


def test_bad_settings_are_named(tmp_path):
    good = {"run_dir": str(tmp_path), "loss": {"clip_high": 0.28}, "advantage": {"scale": "none"}}
    assert GRPOConfig.from_mapping(good).loss.clip_high == 0.28
    assert GRPOConfig.from_mapping(GRPOConfig.from_mapping(good).to_mapping()) == GRPOConfig.from_mapping(good)
    for bad, message in [
        ({"learning_rat": 1}, "learning_rat: unknown"),
        ({"loss": {"clip": 1}}, r"loss\.clip: unknown"),
        ({"group_size": 1}, "group_size: must be at least 2"),
        ({"ahead": 2}, "ahead"),
        ({"schedule": "step"}, "schedule"),
        ({"temperature": 0}, "temperature"),
    ]:
        with pytest.raises(ValueError, match=message):
            GRPOConfig.from_mapping(good | bad)


def test_prompts_that_cannot_be_used_are_refused(policy, make_trainer):
    with pytest.raises(ValueError, match="prompts: there is none"):
        make_trainer(policy, prompts=[])
    with pytest.raises(ValueError, match="no token of ''"):
        make_trainer(policy, prompts=[Prompt("")]).run()


def test_scores_that_do_not_fit_the_group_are_refused(policy, make_trainer):
    class Short(FunctionScorer):
        def result(self, group):
            super().result(group)
            return Scores([1.0], [None], {})

    with pytest.raises(ValueError, match="1 rewards for 6"):
        make_trainer(policy, scorer=Short(lambda rollout: 1.0)).run()


def test_the_learning_rate_warms_up_and_falls(config):
    chosen = replace(config, total_steps=12, warmup_steps=2, schedule="linear", learning_rate=1.0)
    assert [chosen.learning_rate_at(step) for step in (0, 1, 2, 7, 12)] == [0.5, 1.0, 1.0, 0.5, 0.0]
    assert replace(chosen, schedule="cosine").learning_rate_at(7) == pytest.approx(0.5)
    assert replace(chosen, schedule="constant").learning_rate_at(12) == 1.0


def accuracy_and_format(rollout):
    """Right when the prompt's letter comes first; the format is the number of tokens, even or odd."""
    return {"answer": float(rollout.text[:1] == rollout.prompt.text[:1]), "format": 0.2 * (len(rollout.ids) % 2)}


def test_groups_can_be_filtered_by_a_component(policy, make_trainer):
    batches = []
    keep = [lambda trainer, batch: batches.append(batch)]
    make_trainer(policy, accuracy_and_format, rollout_filter="answer", rollout_tries=3, callbacks=keep).run()
    groups = [group for batch in batches for group in batch.groups]
    assert {group.advantages.state for group in groups} >= {"alive", "filtered"}
    for group in groups:
        assert group.advantages.alive == (len(set(group.scores.components["answer"])) > 1)
    # What is not alive for its format alone is drawn again.
    assert max(batch.tries for batch in batches) > 1


def test_a_filter_by_a_component_that_is_not_there_names_those_that_are(policy, make_trainer):
    with pytest.raises(ValueError, match=r"no component 'accuracy'; it has answer, format"):
        make_trainer(policy, accuracy_and_format, rollout_filter="accuracy").run()
