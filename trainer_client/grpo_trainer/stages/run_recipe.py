"""A recipe's stages in order. Each has a folder, and is done when `done.json` is in it; a run that stopped goes on there.

RUN/recipe.yaml, environment.json
RUN/0-base/         done.json, where the recipe wants the base model evaluated
RUN/1-cold-start/   state.pt, metrics.jsonl, policy/, done.json
RUN/2-r1-zero/      checkpoints/, metrics.jsonl, rollouts.jsonl.zst, policy/, done.json
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import yaml
from transformers.utils.logging import disable_progress_bar

from grpo_trainer.recipe import BASE, DistillStage, GRPOStage, Recipe, SampleStage, SFTStage, Stage
from grpo_trainer.stages.context import RunContext
from grpo_trainer.stages.distill_stage import run_distill_stage
from grpo_trainer.stages.environment import environment
from grpo_trainer.stages.grpo_stage import run_grpo_stage
from grpo_trainer.stages.policies import initial_policy
from grpo_trainer.stages.sample_stage import run_sample_stage
from grpo_trainer.stages.sft_stage import run_sft_stage
from grpo_trainer.whole_files import flush, write_whole
from trainer_client.client import RewardClient

DONE, POLICY = "done.json", "policy"


class RunInterrupted(RuntimeError):
    """Ctrl-C: what was done is kept, and the same command goes on."""


def run_recipe(
    recipe: Recipe,
    folder: Path,
    client: RewardClient,
    *,
    seed: int,
    reads_sessions: bool = False,
    announce: Callable[[str], None] = lambda line: None,
) -> list[dict[str, Any]]:
    """What is in each stage's `done.json`, in order. reads_sessions: the gateway reads what a tools service noted.

    Raises ValueError when the folder holds another run, RunInterrupted, and what a stage raises.
    """
    torch.set_num_threads(recipe.threads)
    disable_progress_bar()
    name = _claim(folder, recipe, seed)
    context = RunContext(
        recipe, folder, client, seed, name, *initial_policy(recipe.model, seed, recipe.tokens), reads_sessions
    )
    context.template.warn_when_unused()
    if recipe.evaluation.base:
        _evaluate_base(context, announce)
    return [_stage(context, stage, announce) for stage in recipe.stages]


def _evaluate_base(context: RunContext, announce: Callable[[str], None]) -> None:
    finished = context.folder / f"0-{BASE}" / DONE
    if not finished.exists():
        announce(f"{BASE}: evaluation")
        finished.parent.mkdir(exist_ok=True)
        write_whole(finished, json.dumps({"evaluation": _evaluation(context)}, indent=1))


def stage_folder(folder: Path, recipe: Recipe, name: str) -> Path:
    place = next(place for place, stage in enumerate(recipe.stages, 1) if stage.name == name)
    return folder / f"{place}-{name}"


def _claim(folder: Path, recipe: Recipe, seed: int) -> str:
    """The folder becomes this run's, or is already. Returns the run's name.

    The name is new for every run that starts afresh: a gateway repeats its reply to a request that it has seen, and a run of
    the same recipe and seed sends the same first rollouts, whatever has changed in the domain since.
    """
    ours = {"seed": seed, **recipe.model_dump(mode="json")}
    path = folder / "recipe.yaml"
    if path.exists():
        saved = yaml.safe_load(path.read_text("utf-8"))
        name = str(saved.pop("run"))
        if saved != ours:
            raise ValueError(f"{folder} holds a run of another recipe or seed; name another folder")
        return name
    name = f"{recipe.name}-{seed}-{secrets.token_hex(4)}"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "environment.json").write_text(json.dumps(environment(), indent=1), "utf-8")
    write_whole(path, yaml.safe_dump({"run": name, **ours}, sort_keys=False, allow_unicode=True))
    return name


def _stage(context: RunContext, stage: Stage, announce: Callable[[str], None]) -> dict[str, Any]:
    folder = stage_folder(context.folder, context.recipe, stage.name)
    finished = folder / DONE
    if not finished.exists():
        folder.mkdir(exist_ok=True)
        announce(f"{stage.name}: {stage.kind}")
        _begin(context, stage)
        started, cpu = time.perf_counter(), time.process_time()
        result = _work(context, stage, folder)
        result |= {"seconds": time.perf_counter() - started, "cpu_seconds": time.process_time() - cpu}
        if not isinstance(stage, SampleStage):
            context.save(folder / POLICY)
            flush(folder / POLICY)
            result["evaluation"] = _evaluation(context)
        write_whole(finished, json.dumps(result, indent=1))
    elif not isinstance(stage, SampleStage):
        context.load(folder / POLICY)
    return {"name": stage.name, "kind": stage.kind, **json.loads(finished.read_text())}


def _begin(context: RunContext, stage: Stage) -> None:
    """The policy at hand is the one before's; another is loaded where the stage names one."""
    if stage.start == BASE:
        context.policy, context.tokenizer = initial_policy(context.recipe.model, context.seed, context.recipe.tokens)
    elif stage.start is not None:
        context.load(stage_folder(context.folder, context.recipe, stage.start) / POLICY)


def _work(context: RunContext, stage: Stage, folder: Path) -> dict[str, Any]:
    match stage:
        case SFTStage():
            kept = stage.samples and stage_folder(context.folder, context.recipe, stage.samples)
            return run_sft_stage(context, stage, folder, Path(kept) if kept else None)
        case GRPOStage():
            if not run_grpo_stage(context, stage, folder):
                raise RunInterrupted(f"stopped within {stage.name}; the same command goes on")
            return {}
        case DistillStage():
            own = {name: stage_folder(context.folder, context.recipe, name) / POLICY for name in stage.teacher_stages}
            teachers = {source: str(own.get(name, name)) for source, name in stage.teachers.items()}
            run_distill_stage(context, stage, folder, teachers)
            return {}
        case SampleStage():
            return run_sample_stage(context, stage, folder)


def _evaluation(context: RunContext) -> dict[str, Any]:
    settings = context.recipe.evaluation
    return {
        source: context.evaluate(source, "test", settings.problems, settings.samples).to_json()
        for source in context.recipe.sources
    }
