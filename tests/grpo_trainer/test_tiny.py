import random

import pytest
from transformers import AutoModelForCausalLM, AutoTokenizer

from grpo_trainer import tiny
from grpo_trainer.tasks import Signs, Sums

TASKS = [Signs(), Signs(numbers=4), Signs(mixing=0.5), Signs(mixing=0.5, rechecks=0.5), Sums()]


def texts(tasks=TASKS):
    rng = random.Random(0)
    for task in tasks:
        for problem in rng.sample(list(task.problems("train")), 200):
            yield problem.prompt + task.trace(problem, rng)


@pytest.mark.parametrize("tasks", [TASKS, pytest.param([Signs(numbers=5)], marks=pytest.mark.long)])
def test_every_text_of_every_task_survives_the_tokenizer(tasks):
    words = tiny.tokenizer(tuple(token for task in tasks for token in task.tokens))
    for text in texts(tasks):
        ids = words.encode(text)
        assert words.decode(ids) == text
        assert words.unk_token_id not in ids


def test_results_verdicts_and_tags_are_one_token_each():
    words = tiny.tokenizer()
    assert words.tokenize("<think>try 5-5=0-12=-12?=7 wrong\n</think>") == [
        *("<think>", "try ", "5", "-", "5", "=0", "-", "1", "2", "=-12", "?", "=7", " wrong\n", "</think>")
    ]


def test_an_unknown_letter_is_unknown_and_not_dropped():
    words = tiny.tokenizer()
    assert words.encode("7€") == [words.convert_tokens_to_ids("7"), words.unk_token_id]


def test_a_saved_checkpoint_keeps_the_tokenizer(tmp_path):
    tiny.decoder(1, 16, 1).save_pretrained(tmp_path)
    tiny.tokenizer().save_pretrained(tmp_path)
    again, model = AutoTokenizer.from_pretrained(tmp_path), AutoModelForCausalLM.from_pretrained(tmp_path)
    assert all(again.encode(text) == tiny.tokenizer().encode(text) for text in texts())
    assert (again.eos_token, again.pad_token) == (tiny.EOS, tiny.PAD)
    assert model.lm_head.weight.data_ptr() != model.model.embed_tokens.weight.data_ptr()


@pytest.mark.parametrize(("layers", "width", "millions"), [(3, 128, 0.67), (6, 256, 5.2)])
def test_sizes(layers, width, millions):
    model = tiny.decoder(layers, width, 4)
    assert sum(weight.numel() for weight in model.parameters()) / 1e6 == pytest.approx(millions, rel=0.02)


def test_the_seed_decides_the_weights_and_touches_no_other_randomness():
    import torch

    torch.manual_seed(5)
    first, between = tiny.decoder(1, 16, 1, seed=3), torch.rand(1)
    torch.manual_seed(5)
    assert torch.equal(torch.rand(1), between)
    assert torch.equal(first.lm_head.weight, tiny.decoder(1, 16, 1, seed=3).lm_head.weight)
    assert not torch.equal(first.lm_head.weight, tiny.decoder(1, 16, 1, seed=4).lm_head.weight)
