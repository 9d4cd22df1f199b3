"""The `distill` stage on tiny decoders, without a gateway: nothing that it learns from is scored."""

import json

import pytest
import torch

from grpo_trainer import tiny
from grpo_trainer.recipe import Recipe
from grpo_trainer.rollout.export import save
from grpo_trainer.stages.context import RunContext
from grpo_trainer.stages.distill_stage import run_distill_stage

TRAIN = {"steps": 16, "completions": 16, "max_tokens": 12, "warmup": 1, "checkpoint_every": 12}
STAGE = {"kind": "distill", "name": "student", "evaluate_every": 0, "train": TRAIN}


@pytest.fixture
def teacher(tmp_path):
    """A checkpoint of another policy."""
    folder = tmp_path / "teacher"
    save(tiny.decoder(1, 32, 2, seed=1), folder)
    tiny.tokenizer().save_pretrained(folder)
    return folder


def distilled(folder, teacher):
    """The student's weights, and what the stage wrote down."""
    recipe = Recipe.model_validate(
        {
            "name": "one",
            "sources": {"signs": {"task": "signs", "domain": "signs"}},
            "stages": [{**STAGE, "teachers": {"signs": str(teacher)}}],
        }
    )
    context = RunContext(recipe, folder, None, 0, "one", tiny.decoder(1, 32, 2, seed=0), tiny.tokenizer())
    run_distill_stage(context, recipe.stages[0], folder, {"signs": str(teacher)})
    return context.policy.state_dict(), [
        json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()
    ]


def test_a_student_comes_nearer_to_its_teacher_and_a_resumed_one_is_the_same(tmp_path, teacher):
    whole, lines = distilled(tmp_path, teacher)
    assert [line["step"] for line in lines] == list(range(1, 17))
    assert lines[0]["reverse_kl/signs"] == lines[0]["loss"] > 2 * lines[-1]["loss"]
    # A run that was killed after its last checkpoint goes on there.
    again, rest = distilled(tmp_path, teacher)
    assert rest == lines
    assert all(torch.equal(whole[name], again[name]) for name in whole)


def test_a_teacher_must_share_the_tokens(tmp_path, teacher):
    """The same number of tokens, of which one has another name."""
    text = (teacher / "tokenizer.json").read_text()
    (teacher / "tokenizer.json").write_text(text.replace('"<think>":', '"<thought>":'))
    with pytest.raises(ValueError, match="teacher: has other tokens"):
        distilled(tmp_path, teacher)
