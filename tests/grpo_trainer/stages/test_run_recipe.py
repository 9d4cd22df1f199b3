import json
import re
import shutil
from html.parser import HTMLParser

import pytest
import torch
import typer
import yaml
from safetensors.torch import load_file
from typer.testing import CliRunner

from grpo_trainer.recipe import Recipe
from grpo_trainer.report import NoRun, page, read_history
from grpo_trainer.stages.run_recipe import RunInterrupted, run_recipe
from grpo_trainer.training import Trainer
from reward_api.cli.main import app as touchstone
from trainer_client.client import RewardClient

pytestmark = pytest.mark.slow

LOOP = {"prompts_per_rollout": 2, "group_size": 4, "minibatches": 1, "max_tokens": 40, "loggers": []}
RECIPE = {
    "name": "whole",
    "model": {"layers": 1, "width": 32, "heads": 2},
    "sources": {"signs": {"task": "signs", "domain": "signs"}},
    "stages": [
        {"kind": "sft", "name": "cold-start", "traces": 256, "train": {"steps": 30, "batch": 32}},
        {
            "kind": "grpo",
            "name": "zero",
            "domain": "brief",
            "evaluate_every": 2,
            "evaluate_problems": 8,
            "train": {**LOOP, "total_steps": 4},
        },
        {"kind": "sample", "name": "kept", "problems": 70, "samples": 2, "keep": {"format": 0}, "max_tokens": 40},
        {"kind": "sft", "name": "again", "start": "base", "samples": "kept", "train": {"steps": 2}},
        {
            "kind": "distill",
            "name": "student",
            "teachers": {"signs": "zero"},
            "evaluate_every": 8,
            "evaluate_problems": 8,
            "train": {"steps": 16, "completions": 16, "max_tokens": 40, "warmup": 1, "checkpoint_every": 12},
        },
    ],
    "evaluation": {"base": True, "problems": 6, "samples": 2, "max_tokens": 40},
}


def weights(folder, stage):
    return load_file(folder / stage / "policy" / "model.safetensors")


def same(one, other):
    return all(torch.equal(one[name], other[name]) for name in one)


@pytest.fixture(scope="module")
def finished(gateway, tmp_path_factory):
    """A whole run, and what each of its stages said."""
    folder = tmp_path_factory.mktemp("run") / "whole"
    with RewardClient(gateway) as client:
        return folder, run_recipe(Recipe.model_validate(RECIPE), folder, client, seed=1)


def test_every_stage_leaves_its_policy_and_figures(finished):
    folder, stages = finished
    assert [stage["name"] for stage in stages] == ["cold-start", "zero", "kept", "again", "student"]
    for name in ("0-base", "1-cold-start", "2-zero", "4-again", "5-student"):
        evaluation = json.loads((folder / name / "done.json").read_text())["evaluation"]["signs"]
        assert evaluation["unjudged"] == 0
        assert evaluation["all"]["problems"] == 6
        assert set(evaluation["components"]) == {"answer", "format", "reflection"}
    assert not same(weights(folder, "1-cold-start"), weights(folder, "2-zero"))
    rows = [json.loads(line) for line in (folder / "2-zero" / "metrics.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows if "eval/signs/pass@1" in row] == [2, 4]


def test_a_student_comes_nearer_to_the_earlier_stage_that_teaches_it(finished):
    folder, _ = finished
    rows = [json.loads(line) for line in (folder / "5-student" / "metrics.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows if "eval/signs/pass@1" in row] == [8, 16]
    assert rows[0]["loss"] == rows[0]["reverse_kl/signs"] > rows[-1]["loss"]


def test_what_was_kept_is_what_the_gateway_found_good(finished):
    folder, stages = finished
    kept = [json.loads(line) for line in (folder / "3-kept" / "kept.jsonl").read_text().splitlines()]
    assert 0 < len(kept) == stages[2]["kept"] <= 70
    assert stages[2]["attempts"] == 140
    assert len({row["id"] for row in kept}) == len(kept)
    assert stages[3]["examples"] == len(kept)


def test_a_finished_run_is_not_run_again(finished, gateway):
    folder, stages = finished
    before = (folder / "2-zero" / "metrics.jsonl").stat().st_mtime_ns
    with RewardClient(gateway) as client:
        assert run_recipe(Recipe.model_validate(RECIPE), folder, client, seed=1) == stages
    assert (folder / "2-zero" / "metrics.jsonl").stat().st_mtime_ns == before


def test_a_folder_keeps_to_its_recipe_and_seed(finished, gateway):
    folder, _ = finished
    with RewardClient(gateway) as client, pytest.raises(ValueError, match="another recipe or seed"):
        run_recipe(Recipe.model_validate(RECIPE), folder, client, seed=2)


def test_a_run_that_starts_afresh_has_a_name_of_its_own(finished, gateway, tmp_path):
    """A gateway repeats its reply to what it has scored, by the domain of then: an old name would bring old rewards."""
    recipe = Recipe.model_validate({**RECIPE, "stages": RECIPE["stages"][:1]})
    names = []
    for folder in (tmp_path / "one", tmp_path / "one", tmp_path / "two"):
        with RewardClient(gateway) as client:
            run_recipe(recipe, folder, client, seed=1)
        names.append(yaml.safe_load((folder / "recipe.yaml").read_text())["run"])
    assert names[0] == names[1] != names[2]
    assert all(re.fullmatch(r"whole-1-[0-9a-f]{8}", name) for name in names)


def test_a_run_that_was_stopped_in_each_stage_ends_in_the_same_bits(finished, gateway, tmp_path, monkeypatch):
    folder, cut = finished[0], tmp_path / "cut"
    recipe = Recipe.model_validate(RECIPE)
    # In the middle of reinforcement learning, as Ctrl-C does it.
    step = Trainer._rollout
    monkeypatch.setattr(
        Trainer, "_rollout", lambda self, ahead: (self.stop() if self.state.step == 1 else None, step(self, ahead))[1]
    )
    with RewardClient(gateway) as client:
        with pytest.raises(RunInterrupted, match="zero"):
            run_recipe(recipe, cut, client, seed=1)
        monkeypatch.undo()
        run_recipe(recipe, cut, client, seed=1)
        # Within rejection sampling: half of the second block was written.
        (cut / "3-kept" / "done.json").unlink()
        shutil.rmtree(cut / "4-again")
        # Distillation goes on after its twelfth step.
        (cut / "5-student" / "done.json").unlink()
        problems = (cut / "3-kept" / "problems.jsonl").read_text().splitlines(keepends=True)
        (cut / "3-kept" / "problems.jsonl").write_text("".join(problems[:67]) + problems[67][:9])
        run_recipe(recipe, cut, client, seed=1)
    for name in ("2-zero", "4-again", "5-student"):
        assert same(weights(folder, name), weights(cut, name))
    assert (cut / "3-kept" / "kept.jsonl").read_text() == (folder / "3-kept" / "kept.jsonl").read_text()


def test_a_line_of_json_may_hold_what_ends_a_line_of_text(gateway, tmp_path):
    """U+2028, U+2029 and U+0085 are written as they are in JSON, and Python's splitlines ends a line there."""
    ends = "\u2028\u2029\x85"
    problems, examples = tmp_path / "problems.jsonl", tmp_path / "examples.jsonl"
    row = {"prompt": f"Q5,{ends}3=8:", "reference": "5+3", "split": "train", "id": f"a{ends}"}
    rows = [row, {"prompt": "Q5,4=9:", "reference": "5+4", "split": "test"}]
    problems.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    row = {"prompt": "Q5,3=8:", "completion": f"<think>{ends}</think><answer>5+3</answer>"}
    examples.write_text(json.dumps(row, ensure_ascii=False) + "\n\n", "utf-8")
    stages = [
        {"kind": "sft", "name": "cold-start", "file": str(examples), "train": {"steps": 1}},
        {**RECIPE["stages"][2], "problems": 1},
        {"kind": "sft", "name": "again", "samples": "kept", "train": {"steps": 1}},
    ]
    held_out = {"signs": {"task": "signs", "domain": "signs"}, "file": {"file": str(problems), "domain": "signs"}}
    stages[1]["sources"] = ["file"]
    settings = {**RECIPE, "sources": held_out, "stages": stages, "evaluation": {"problems": 1, "samples": 1}}
    recipe, folder = Recipe.model_validate(settings), tmp_path / "run"
    with RewardClient(gateway) as client:
        first = run_recipe(recipe, folder, client, seed=0)
        assert [stage.get("examples") for stage in first] == [1, None, 1]
        (folder / "2-kept" / "done.json").unlink()
        again = run_recipe(recipe, folder, client, seed=0)
    assert (again[1]["kept"], again[1]["attempts"]) == (1, 2)
    (kept, _) = (folder / "2-kept" / "kept.jsonl").read_text("utf-8").split("\n")
    assert json.loads(kept)["id"] == f"a{ends}"


def test_nothing_kept_stops_the_run(gateway, tmp_path):
    recipe = Recipe.model_validate(
        {**RECIPE, "stages": [RECIPE["stages"][0], {**RECIPE["stages"][2], "keep": {"format": 2}}]}
    )
    with RewardClient(gateway) as client, pytest.raises(ValueError, match="nothing of 140 attempts reaches"):
        run_recipe(recipe, tmp_path / "run", client, seed=0)


# --- the page ---------------------------------------------------------------------------------------------------------


class References(HTMLParser):
    """Everything by which a page could load something."""

    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attributes):
        if tag in ("script", "link", "img", "iframe", "object", "embed", "base", "image"):
            self.found.append(tag)
        self.found += [
            value for name, value in attributes if name in ("src", "href", "xlink:href") and not value.startswith("#")
        ]


def test_the_page_needs_nothing_but_itself(finished):
    text = page(read_history(finished[0]))
    references = References()
    references.feed(text)
    assert references.found == []
    assert not re.search(r"@import|url\((?!#)", text)
    assert set(re.findall(r"https?://[\w./]+", text)) <= {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}


def test_the_page_shows_the_claims_the_curves_and_the_figures(finished):
    folder, _ = finished
    text = page(read_history(folder))
    for heading in ("Reflection appears", "Length grows", "Accuracy costs tokens", "Is it still learning?"):
        assert f"<h2>{heading}</h2>" in text
    assert text.count("<svg") > 8
    evaluation = json.loads((folder / "2-zero" / "done.json").read_text())["evaluation"]["signs"]
    assert f"<td>{evaluation['all']['tokens']:.1f}</td>" in text


def test_the_same_run_gives_the_same_page(finished):
    assert page(read_history(finished[0])) == page(read_history(finished[0]))


def test_a_name_is_text_on_the_page(finished, tmp_path):
    folder = tmp_path / "copy"
    shutil.copytree(finished[0], folder)
    recipe = yaml.safe_load((folder / "recipe.yaml").read_text())
    (folder / "recipe.yaml").write_text(yaml.safe_dump({**recipe, "name": "<script>alert(1)</script>"}))
    assert "<script" not in page(read_history(folder))


def test_an_unfinished_run_has_a_page_too(finished, tmp_path):
    folder = tmp_path / "copy"
    shutil.copytree(finished[0], folder)
    for name in ("2-zero", "4-again"):
        (folder / name / "done.json").unlink()
    with (folder / "2-zero" / "metrics.jsonl").open("a") as file:
        file.write('{"step": 5, "rew')
    assert "zero (not done)" in page(read_history(folder))


@pytest.mark.parametrize("recipe", [None, "name: x\nseed: 0\nsources: {}\nstages: []\n"])
def test_a_folder_without_a_run_is_said_so(tmp_path, recipe):
    if recipe:
        (tmp_path / "recipe.yaml").write_text(recipe)
    with pytest.raises(NoRun, match=str(tmp_path)):
        read_history(tmp_path)


# --- the command ------------------------------------------------------------------------------------------------------


def test_train_goes_on_and_report_writes_the_page(finished, gateway, tmp_path):
    folder, recipe = tmp_path / "run", tmp_path / "recipe.yaml"
    shutil.copytree(finished[0], folder)
    recipe.write_text(yaml.safe_dump(RECIPE))
    done = CliRunner().invoke(touchstone, ["train", str(recipe), "--url", gateway, "--run", str(folder), "--seed", "1"])
    assert done.exit_code == 0, done.output
    assert "pass@1" in done.output
    assert "cold-start" in done.output
    assert CliRunner().invoke(touchstone, ["train", "report", str(folder)]).exit_code == 0
    assert "<!doctype html>" in (folder / "report.html").read_text()


def test_train_says_what_is_wrong(gateway, tmp_path):
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(yaml.safe_dump({**RECIPE, "sources": {"signs": {"task": "sign", "domain": "signs"}}}))
    done = CliRunner().invoke(touchstone, ["train", str(recipe), "--url", gateway])
    assert (done.exit_code, type(done.exception)) == (1, SystemExit)
    assert "sources.signs: task: there is no 'sign'" in done.output


def test_the_trainers_commands_are_there_without_the_services():
    import grpo_trainer.__main__

    ours = {command.name or command.callback.__name__ for command in grpo_trainer.__main__.app.registered_commands}
    assert ours == {"run", "report"}
    command = typer.main.get_command(touchstone)
    assert {"train", "preference"} <= set(command.list_commands(typer.Context(command)))
