from pathlib import Path

import pytest
import yaml

from grpo_trainer.recipe import BadRecipe, read_recipe
from reward_api.domains.spec import read as read_domain

RECIPES = Path(__file__).parents[2] / "recipes"
GOOD = {
    "name": "mini",
    "sources": {"signs": {"task": "signs", "domain": "signs"}},
    "stages": [
        {"kind": "sft", "name": "cold", "traces": 10, "train": {"steps": 2}},
        {"kind": "sample", "name": "kept", "problems": 4, "keep": {"answer": 1}},
        {"kind": "sft", "name": "again", "samples": "kept", "train": {"steps": 2}},
        {"kind": "grpo", "name": "zero", "train": {"total_steps": 2, "loss": {"kl_coef": 0.01}}},
        {"kind": "distill", "name": "student", "teachers": {"signs": "zero"}, "train": {"steps": 2}},
    ],
}


def written(tmp_path, recipe):
    path = tmp_path / "recipe.yaml"
    path.write_text(recipe if isinstance(recipe, str) else yaml.safe_dump(recipe))
    return path


def changed(**changes):
    """GOOD with one value replaced: stages__0__train__steps=0."""
    recipe = yaml.safe_load(yaml.safe_dump(GOOD))
    for name, value in changes.items():
        place = recipe
        *way, last = [int(part) if part.isdigit() else part for part in name.split("__")]
        for part in way:
            place = place[part]
        place[last] = value
    return recipe


# r1.yaml needs a model and data of one's own: test_r1.py.
COMPLETE = sorted(path for path in RECIPES.glob("*.yaml") if path.stem != "r1")


@pytest.mark.parametrize("path", COMPLETE, ids=lambda path: path.stem)
def test_what_is_shipped_is_valid_and_its_domains_are_there(path):
    recipe = read_recipe(path)
    domains = {source.domain for source in recipe.sources.values()}
    domains |= {stage.domain for stage in recipe.stages if getattr(stage, "domain", None)}
    folders = (RECIPES / "domains", RECIPES / "hacked")
    shipped = {file.stem for folder in folders for file in folder.glob("*.yaml")}
    assert domains <= shipped


@pytest.mark.parametrize(
    "path",
    sorted([*(RECIPES / "domains").glob("*.yaml"), *(RECIPES / "hacked").glob("*.yaml")]),
    ids=lambda path: path.stem,
)
def test_the_recipes_domains_are_valid(path):
    read_domain(path)


def test_a_good_recipe_is_read(tmp_path):
    recipe = read_recipe(written(tmp_path, GOOD))
    assert recipe.stages[3].settings(Path("x"), 5).seed == 5
    assert recipe.stages[3].settings(Path("x"), 5).loss.kl_coef == 0.01
    assert recipe.stages[4].sources == ["signs"]


@pytest.mark.parametrize(
    ("recipe", "message"),
    [
        ("a: [", "not valid YAML in line 1"),
        (changed(stages__4__teachers={}), "stages.4..distill.teachers: .*at least 1"),
        (changed(stages__4__teachers={"sums": "zero"}), "stages.4..teachers: there is no source 'sums'"),
        (
            changed(stages__4__teachers={"signs": "kept"}),
            "stages.4..teachers: no earlier stage that trains is named 'kept'",
        ),
        (changed(stages__4__train={"steps": 2, "completions": 0}), "completions: must be at least 1"),
        ("name: a\nname: b\n", "not valid YAML in line 2: .*name"),
        ("", "recipe: Input should be"),
        (
            changed(sources__signs__task="sines"),
            "sources.signs: task: there is no 'sines'; one of arithmetic, lookup, products, signs, sums",
        ),
        (changed(sources__signs__options={"numbers": 9}), "sources.signs: numbers: a puzzle has 2 to 5"),
        (changed(sources__signs__options={"size": 3}), "sources.signs: options: .*unexpected keyword argument 'size'"),
        (changed(sources__signs__file="x.jsonl"), "sources.signs: name either a `task` or a `file`"),
        (changed(stages__0__kind="ppo"), r"stages\[0\]: .*'sft', 'grpo', 'sample'"),
        (changed(stages__0__train__steps=0), r"stages\[0\].sft.train: steps: must be at least 1, not 0"),
        (changed(stages__0__train__step=3), r"stages\[0\].sft.train.step: Unexpected keyword"),
        (changed(stages__0__file="x.jsonl"), r"stages\[0\].sft: name exactly one of"),
        (changed(stages__1__keep={}), r"stages\[1\].sample.keep: .*at least 1"),
        (changed(stages__2__samples="cold"), r"stages\[2\].samples: no earlier `sample` stage is named 'cold'"),
        (changed(stages__3__name="cold"), r"stages\[3\].name: 'cold' is taken"),
        (changed(stages__3__start="kept"), r"stages\[3\].start: no earlier stage that trains is named 'kept'"),
        (changed(stages__3__name="../x"), r"stages\[3\].grpo.name: "),
        (changed(stages__3__sources=["sums"]), r"stages\[3\].sources: there is no source 'sums'"),
        (changed(stages__3__train__lr=1), r"stages\[3\].grpo: lr: unknown setting; there are: "),
        (changed(stages__3__train__loss__clip_low=-1), r"stages\[3\].grpo: loss.clip_low: must be at least 0"),
        (changed(stages__3__train__seed=1), r"stages\[3\].grpo: train.seed: the run's own"),
        (changed(model={"width": 100, "heads": 3}), "model: width: 100 is not heads"),
        (changed(tools={"kind": "browser"}), "tools.kind: Input should be 'calculator', 'search' or 'service'"),
        (changed(tools={"kind": "service"}), "tools: url: is the address of a `kind: service`"),
        (changed(tools={"kind": "calculator", "url": "http://x"}), "tools: url: is the address of a `kind: service`"),
        (changed(tools={"kind": "calculator", "max_turns": 0}), "tools.max_turns: .*greater than or equal to 1"),
        (changed(tools={"kind": "calculator", "calls": "xml"}), "tools.calls: Input should be 'tags' or 'json'"),
        (changed(tools={"kind": "search"}), "tools.kind: `search` is of the passages of a source"),
    ],
)
def test_a_bad_recipe_names_the_field(tmp_path, recipe, message):
    with pytest.raises(BadRecipe, match=message):
        read_recipe(written(tmp_path, recipe))
