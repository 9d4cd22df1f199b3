"""recipes/r1.yaml whole, with its stages, sources and shipped domains as they are; only model, data and numbers are tiny."""

import json
from pathlib import Path

import pytest
import torch
import yaml

from grpo_trainer import tiny
from grpo_trainer.recipe import BadRecipe, Recipe, read_recipe
from grpo_trainer.rollout import Prompt
from grpo_trainer.rollout.end_tokens import end_tokens
from grpo_trainer.rollout.transformers_engine import TransformersEngine
from grpo_trainer.stages.policies import initial_policy
from grpo_trainer.stages.run_recipe import run_recipe
from grpo_trainer.tasks.signs import Signs
from grpo_trainer.training import FunctionScorer, Trainer
from trainer_client.client import RewardClient

ROOT = Path(__file__).parents[3]
SHIPPED = ROOT / "reward_api" / "reward_api" / "domains" / "data"
RECIPE = ROOT / "recipes" / "r1.yaml"
TESTS = {"kind": "stdio", "tests": [{"stdin": "1\n", "stdout": "1\n"}]}


@pytest.fixture
def data(tmp_path, monkeypatch):
    """The files that the recipe names, where it looks for them."""
    monkeypatch.chdir(tmp_path)
    tiny.decoder(1, 32, 2, 0).save_pretrained("models/base")
    tiny.tokenizer().save_pretrained("models/base")
    problems = Signs().problems("train")[:24]
    traces = [{"prompt": one.prompt, "completion": "<think>try </think><answer>1</answer>"} for one in problems]
    lines = {"cold_start": traces}
    for name in ("math", "code", "general", "safety"):
        reference = {"math": {"answer": "5"}, "code": TESTS}.get(name, {})
        lines[name] = [
            {"prompt": f"Please try {one.prompt}", "reference": reference, "split": split}
            for split, one in zip(["train", "dev", "test"] * 8, problems, strict=True)
        ]
    Path("data").mkdir()
    for name, rows in lines.items():
        Path(f"data/{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def shrunk(recipe):
    recipe["evaluation"] |= {"problems": 2, "samples": 2, "max_tokens": 12}
    for stage in recipe["stages"]:
        if stage["kind"] == "sample":
            stage |= {"problems": 4, "max_tokens": 12, "keep": dict.fromkeys(stage["keep"], 0)}
        else:
            stage["train"] |= {"learning_rate": 1e-3}
        if stage["kind"] == "sft":
            stage["train"] |= {"steps": 60, "batch": 8}
        if stage["kind"] == "grpo":
            stage |= {"evaluate_every": 1, "evaluate_problems": 2}
            stage["train"] |= {"total_steps": 2, "prompts_per_rollout": 8, "minibatches": 2, "max_tokens": 12}
    return Recipe.model_validate(recipe)


def rows(stage):
    return [json.loads(line) for line in Path("run", stage, "metrics.jsonl").read_text().splitlines()]


def test_it_is_valid_once_its_files_are_there(data):
    recipe = read_recipe(RECIPE)
    domains = {path.stem for path in (SHIPPED).glob("*.yaml")}
    assert {source.domain for source in recipe.sources.values()} <= domains


def test_without_them_it_says_which_is_missing():
    with pytest.raises(BadRecipe, match=r"sources\.math: file: there is no data/math\.jsonl"):
        read_recipe(RECIPE)


@pytest.mark.long
@pytest.mark.timeout(900)
def test_reward_models_come_in_the_last_stage_only(data, serve):
    with serve("--domains", str(SHIPPED), "--workers", "1") as (url, _), RewardClient(url) as client:
        stages = run_recipe(shrunk(yaml.safe_load(RECIPE.read_text())), Path("run"), client, seed=0)
    assert [stage["name"] for stage in stages][-2:] == ["r1-rules", "r1"]
    (rules,), (last,) = rows("5-r1-rules"), rows("6-r1")
    assert "rewards/code/mean" in rules
    assert "rewards/preference/mean" not in rules
    assert {"rewards/answer/mean", "rewards/preference/mean", "eval/safety/rewards/preference"} <= last.keys()
    assert rules["reward/failed_frac"] == last["reward/failed_frac"] == 0


def test_its_first_rollouts_pass_the_guard_in_its_dtype(data):
    """The recipe's own settings of Dev2, on stand-ins: bfloat16, and a threshold that follows from it."""
    recipe = shrunk(yaml.safe_load(RECIPE.read_text()))
    assert recipe.model.dtype == "bfloat16"
    stage = next(stage for stage in recipe.stages if stage.name == "dev2-reasoning")
    (policy, tokenizer), config = initial_policy(recipe.model, 0), stage.settings(Path("run"), 0)
    dtype = getattr(torch, recipe.model.dtype)
    engine = TransformersEngine(policy, end_tokens(policy, tokenizer), copy_weights=True, dtype=dtype)
    prompts = [Prompt(one.prompt) for one in Signs().problems("train")[:20]]
    scorer = FunctionScorer(lambda rollout: float(len(rollout.ids) % 2))
    trainer = Trainer(policy, tokenizer, engine, scorer, prompts, config, dtype=dtype)
    assert trainer.run().step == 2
    assert (policy.dtype, engine.model.dtype) == (torch.float32, torch.bfloat16)
