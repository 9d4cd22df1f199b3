"""The recipe itself, through a running gateway: what RESULTS.md says of R1-Zero in miniature."""

from pathlib import Path

import pytest

from grpo_trainer.recipe import read_recipe
from grpo_trainer.report import RunHistory, read_history
from grpo_trainer.stages.run_recipe import run_recipe
from trainer_client.client import RewardClient

RECIPES = Path(__file__).parents[3] / "recipes"


def mean(values):
    return sum(values) / len(values)


def ends(history: RunHistory, metric: str) -> tuple[float, float]:
    """The means of the first and the last ten rollouts."""
    (_, values) = history.curves(metric)["r1-zero"]
    return mean(values[:10]), mean(values[-10:])


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_rewards_alone_teach_it_not_to_give_up(serve, tmp_path):
    with serve("--domains", str(RECIPES / "domains"), "--workers", "1") as (url, _), RewardClient(url) as client:
        cold, zero = run_recipe(read_recipe(RECIPES / "r1_zero_mini.yaml"), tmp_path / "run", client, seed=0)
    before, after = (stage["evaluation"]["signs"] for stage in (cold, zero))
    assert before["all"]["pass_at_1"] < 0.45
    assert after["all"]["pass_at_1"] > 0.8
    assert after["all"]["cons_at_k"] > after["all"]["pass_at_1"]
    assert after["counts"]["valid"] / after["counts"]["tries"] > 0.7
    assert after["unjudged"] == 0
    history = read_history(tmp_path / "run")
    for metric in ("completions/mean_length", "aha/mean_count"):
        first, last = ends(history, metric)
        assert last > 1.3 * first
