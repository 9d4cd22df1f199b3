import os
import random
import statistics

import pytest
import torch

from grpo_trainer import tiny
from grpo_trainer.stages.context import token_weights
from grpo_trainer.tasks import Signs
from grpo_trainer.training.sft import Example, SFTConfig, batch_of, sft


class Killed(Exception):
    pass


def examples(count=200):
    words, task, rng = tiny.tokenizer(), Signs(), random.Random(0)
    for problem in rng.choices(task.problems("train"), k=count):
        yield Example(words.encode(problem.prompt), [*words.encode(task.trace(problem, rng)), words.eos_token_id])


def trained(state, config, on_step=lambda step, metrics: None, weights=None):
    model = tiny.decoder(1, 32, 2, seed=1)
    sft(model, list(examples()), config, seed=7, state=state, weights=weights, on_step=on_step)
    return model.state_dict()


def test_the_loss_falls(tmp_path):
    losses = []
    trained(tmp_path / "s", SFTConfig(steps=60, batch=32), lambda step, metrics: losses.append(metrics["loss"]))
    assert losses[0] == pytest.approx(torch.log(torch.tensor(len(tiny.tokenizer()))).item(), rel=0.05)
    assert statistics.fmean(losses[-5:]) < losses[0] / 1.8


@pytest.mark.parametrize("killed_at", [5, 9])
def test_a_killed_run_goes_on_bit_for_bit(tmp_path, killed_at):
    config = SFTConfig(steps=14, batch=16, checkpoint_every=4)
    whole = trained(tmp_path / "whole", config)
    seen = []

    def kill(step, metrics):
        if step == killed_at:
            raise Killed

    with pytest.raises(Killed):
        trained(tmp_path / "cut", config, kill)
    again = trained(tmp_path / "cut", config, lambda step, metrics: seen.append(step))
    assert seen[0] == killed_at // 4 * 4 + 1
    assert all(torch.equal(whole[name], again[name]) for name in whole)


def test_a_damaged_state_is_named(tmp_path):
    state, config = tmp_path / "state.pt", SFTConfig(steps=2, batch=4, checkpoint_every=1)
    trained(state, config)
    os.truncate(state, state.stat().st_size // 2)
    with pytest.raises(ValueError, match=r"state\.pt: damaged"):
        trained(state, config)
    state.unlink()
    trained(state, config)


def test_an_epoch_sees_every_example_once():
    given = [Example([1], [2] * (1 + place % 7)) for place in range(96)]
    seen = [index for step in range(7) for index in batch_of(step, given, 15, seed=0)]
    assert sorted(seen) == list(range(96))
    assert seen != [index for step in range(7, 14) for index in batch_of(step, given, 15, seed=0)]


def test_fewer_examples_than_a_batch_still_train():
    given = [Example([1], [2])] * 3
    assert batch_of(5, given, 16, seed=0) != []


def test_only_the_completion_is_learned(tmp_path):
    """Two prompts of different text and the same completions: the loss at the prompt's tokens has no gradient."""
    words = tiny.tokenizer()
    model = tiny.decoder(1, 32, 2)
    losses = []
    given = [Example(words.encode("Q1,2,3=6:"), [words.eos_token_id])] * 8
    config = SFTConfig(steps=1, batch=8, learning_rate=1e-9)
    sft(
        model, given, config, seed=0, state=tmp_path / "s", on_step=lambda step, metrics: losses.append(metrics["loss"])
    )
    logits = model(input_ids=torch.tensor([given[0].prompt])).logits[0, -1]
    assert losses[0] == pytest.approx(-logits.log_softmax(-1)[words.eos_token_id].item(), abs=1e-4)


def test_weights_are_of_tokens_and_relative(tmp_path):
    losses = {}
    every = range(len(tiny.tokenizer()))
    for name, weights in (
        ("even", {}),
        ("all", dict.fromkeys(every, 3.0)),
        ("some", {tiny.tokenizer().eos_token_id: 3.0}),
    ):

        def keep(step, metrics, name=name):
            losses[name] = metrics["loss"]

        trained(tmp_path / name, SFTConfig(steps=1, batch=200), keep, weights)
    assert losses["even"] == pytest.approx(losses["all"], rel=1e-6)
    assert losses["even"] != pytest.approx(losses["some"], rel=1e-6)


def test_emphasis_is_by_the_tokens_whole_text():
    words = tiny.tokenizer()
    weights = token_weights(words, {r"\s(wrong|right)\s": 4, r"=-?\d+": 2})
    assert {words.decode([token]) for token, weight in weights.items() if weight == 4} == {" wrong\n", " right\n"}
    assert len([token for token, weight in weights.items() if weight == 2]) == 91


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"steps": 0}, "steps: must be at least 1"),
        ({"steps": 1, "learning_rate": 0.0}, "learning_rate: must be above 0"),
        ({"steps": 1, "emphasis": {"(": 2}}, "emphasis: '\\(' is no regular expression"),
        ({"steps": 1, "emphasis": {"a": 0}}, "emphasis: the weight of 'a' must be above 0"),
    ],
)
def test_bad_settings_are_named(settings, message):
    with pytest.raises(ValueError, match=message):
        SFTConfig(**settings)


def test_nothing_to_learn_from_is_an_error(tmp_path):
    with pytest.raises(ValueError, match="no examples"):
        sft(tiny.decoder(1, 16, 1), [], SFTConfig(steps=1), seed=0, state=tmp_path / "s")
