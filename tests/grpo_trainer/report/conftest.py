import json

import pytest
import yaml

from grpo_trainer.rollout.rollout_file import ROLLOUTS, append_rows


@pytest.fixture
def row():
    """A row of rollouts.jsonl.zst; any field by its name."""

    def make(**fields):
        row = {
            "step": 1,
            "prompt": "1+1?",
            "completion": "2",
            "tokens": 3,
            "truncated": False,
            "reward": 1.0,
            "failure": None,
            "components": {"answer": 1.0},
            "reasons": {"answer": "equal as integers"},
            "advantage": 0.5,
            "reflective_words": {},
        }
        return row | fields

    return make


@pytest.fixture
def make_run(tmp_path):
    """A run folder with one stage of reinforcement learning."""

    def make(name="mini", seed=0, rewards=(0.1, 0.5), *, done=True, domains=(), rows=()):
        folder = tmp_path / f"{name}-{seed}"
        stage = folder / "1-zero"
        stage.mkdir(parents=True)
        recipe = {
            "run": f"{name}-{seed}-abcd",
            "seed": seed,
            "name": name,
            "sources": {"signs": {}},
            "stages": [{"name": "zero", "kind": "grpo", "start": None}],
        }
        (folder / "recipe.yaml").write_text(yaml.safe_dump(recipe))
        (folder / "environment.json").write_text(json.dumps({"torch": "9.9.9"}))
        lines = [{"step": step, "reward": reward} for step, reward in enumerate(rewards, 1)]
        for line, version in zip(lines, domains, strict=False):
            line["domains"] = {"signs": version}
        (stage / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
        if rows:
            append_rows(stage / ROLLOUTS, rows)
        if done:
            row = {
                "pass_at_1": rewards[-1],
                "pass_at_1_se": 0.01,
                "cons_at_k": 0.9,
                "pass_at_k": {"1": 0.5},
                "tokens": 12.0,
                "problems": 3,
            }
            evaluation = {"k": 4, "all": row, "by_level": {}, "truncated": 0.0, "unjudged": 0}
            evaluation |= {"components": {"answer": rewards[-1]}, "counts": {}}
            (stage / "done.json").write_text(json.dumps({"seconds": 60, "evaluation": {"signs": evaluation}}))
        return folder

    return make
