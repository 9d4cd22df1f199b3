"""The `distill` stage: a teacher for each source, and the policy at hand as their student."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from grpo_trainer.recipe import DistillStage
from grpo_trainer.stages.context import RunContext
from grpo_trainer.stages.grpo_stage import dev_figures
from grpo_trainer.stages.policies import load_policy
from grpo_trainer.training.distill import Distillation, Lesson
from grpo_trainer.training.run_log import RunLog
from grpo_trainer.training.steps import steps_done

if TYPE_CHECKING:
    from transformers import PreTrainedModel


def run_distill_stage(context: RunContext, stage: DistillStage, folder: Path, teachers: Mapping[str, str]) -> None:
    """Trains the policy at hand. teachers: a checkpoint by source. Raises ValueError where a teacher's tokens are others."""
    context.adapt()
    lessons = _lessons(context, stage, teachers)
    engine = context.engine()
    distillation = Distillation(context.policy, engine, lessons, stage.train, seed=context.seed, dtype=context.dtype)
    state = folder / "state.pt"

    def look(step: int) -> Mapping[str, float]:
        if not stage.evaluate_every or step % stage.evaluate_every:
            return {}
        return dev_figures(context, stage.sources, stage.evaluate_problems)

    log = RunLog(folder, steps_done(state))
    try:
        distillation.run(state, log.write, look)
    finally:
        log.close()


def _lessons(context: RunContext, stage: DistillStage, teachers: Mapping[str, str]) -> dict[str, Lesson]:
    """A checkpoint that teaches several sources is in memory once."""
    loaded = {path: _teacher(context, path) for path in set(teachers.values())}
    template, encode = context.template, context.tokenizer.encode
    return {
        source: Lesson(
            [encode(template.render(problem.prompt), add_special_tokens=False) for problem in task.problems("train")],
            loaded[teachers[source]],
        )
        for source, (_, task) in context.sources(stage.sources).items()
    }


def _teacher(context: RunContext, path: str) -> PreTrainedModel:
    model, tokenizer = load_policy(path)
    if tokenizer.get_vocab() != context.tokenizer.get_vocab():
        raise ValueError(f"{path}: has other tokens than the policy; a teacher must share its tokenizer")
    model.to(context.dtype)  # type: ignore[arg-type]
    model.requires_grad_(False).train(False)
    return model
