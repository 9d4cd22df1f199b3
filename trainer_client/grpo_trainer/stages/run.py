"""A recipe's stages in order. Each has a folder, and is done when `done.json` is in it; a run that stopped goes on there.

RUN/recipe.yaml
RUN/1-cold-start/   state.pt, metrics.jsonl, policy/, done.json
RUN/2-r1-zero/      checkpoints/, metrics.jsonl, policy/, done.json
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import yaml
from transformers.utils.logging import disable_progress_bar

from grpo_trainer.recipe import BASE, GRPOStage, Recipe, SampleStage, SFTStage, Stage
from grpo_trainer.stages.cold import imitate
from grpo_trainer.stages.reinforce import reinforce
from grpo_trainer.stages.sample import sample
from grpo_trainer.stages.workshop import Workshop, start
from trainer_client.client import RewardClient

DONE, POLICY = "done.json", "policy"


class Interrupted(RuntimeError):
    """Ctrl-C: what was done is kept, and the same command goes on."""


def run(
    recipe: Recipe, folder: Path, client: RewardClient, *, seed: int, told: Callable[[str], None] = lambda line: None
) -> list[dict[str, Any]]:
    """What is in each stage's `done.json`, in order.

    Raises ValueError when the folder holds another run, Interrupted, and what a stage raises.
    """
    torch.set_num_threads(recipe.threads)
    disable_progress_bar()
    _claim(folder, recipe, seed)
    shop = Workshop(recipe, folder, client, seed, *start(recipe.model, seed))
    return [_stage(shop, stage, told) for stage in recipe.stages]


def stage_folder(folder: Path, recipe: Recipe, name: str) -> Path:
    place = next(place for place, stage in enumerate(recipe.stages, 1) if stage.name == name)
    return folder / f"{place}-{name}"


def _claim(folder: Path, recipe: Recipe, seed: int) -> None:
    """The folder becomes this run's, or is already."""
    ours = {"seed": seed, **recipe.model_dump(mode="json")}
    path = folder / "recipe.yaml"
    if path.exists():
        if yaml.safe_load(path.read_text("utf-8")) != ours:
            raise ValueError(f"{folder} holds a run of another recipe or seed; name another folder")
        return
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(ours, sort_keys=False, allow_unicode=True), "utf-8")


def _stage(shop: Workshop, stage: Stage, told: Callable[[str], None]) -> dict[str, Any]:
    folder = stage_folder(shop.folder, shop.recipe, stage.name)
    finished = folder / DONE
    if not finished.exists():
        folder.mkdir(exist_ok=True)
        told(f"{stage.name}: {stage.kind}")
        _begin(shop, stage)
        started, cpu = time.perf_counter(), time.process_time()
        found = _work(shop, stage, folder)
        found |= {"seconds": time.perf_counter() - started, "cpu_seconds": time.process_time() - cpu}
        if not isinstance(stage, SampleStage):
            shop.save(folder / POLICY)
            found["evaluation"] = _evaluation(shop)
        fresh = finished.with_suffix(".fresh")
        fresh.write_text(json.dumps(found, indent=1))
        fresh.replace(finished)
    elif not isinstance(stage, SampleStage):
        shop.load(folder / POLICY)
    return {"name": stage.name, "kind": stage.kind, **json.loads(finished.read_text())}


def _begin(shop: Workshop, stage: Stage) -> None:
    """The policy at hand is the one before's; another is loaded where the stage names one."""
    if stage.start == BASE:
        shop.policy, shop.tokenizer = start(shop.recipe.model, shop.seed)
    elif stage.start is not None:
        shop.load(stage_folder(shop.folder, shop.recipe, stage.start) / POLICY)


def _work(shop: Workshop, stage: Stage, folder: Path) -> dict[str, Any]:
    match stage:
        case SFTStage():
            kept = stage.samples and stage_folder(shop.folder, shop.recipe, stage.samples)
            return imitate(shop, stage, folder, Path(kept) if kept else None)
        case GRPOStage():
            if not reinforce(shop, stage, folder):
                raise Interrupted(f"stopped within {stage.name}; the same command goes on")
            return {}
        case SampleStage():
            return sample(shop, stage, folder)


def _evaluation(shop: Workshop) -> dict[str, Any]:
    wanted = shop.recipe.evaluation
    return {
        source: shop.evaluate(source, "test", wanted.problems, wanted.samples).to_json()
        for source in shop.recipe.sources
    }
