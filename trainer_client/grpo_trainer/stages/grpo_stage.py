"""The `grpo` stage: the training loop on the sources' problems, with a look at the dev split every so often."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from grpo_trainer.evaluation.summary import Summary
from grpo_trainer.recipe import GRPOStage
from grpo_trainer.rollout import Prompt
from grpo_trainer.stages.context import RunContext
from grpo_trainer.training import GatewayScorer, RolloutBatch, Trainer


def run_grpo_stage(context: RunContext, stage: GRPOStage, folder: Path) -> bool:
    """Trains the policy at hand; False when it was stopped before the end."""
    config = stage.settings(folder, context.seed)
    context.adapt()
    engine = context.engine(copy_weights=bool(config.ahead))
    scorer, dev = GatewayScorer(context.client, sessions=context.sends_sessions), _Dev(context, stage)
    trainer = Trainer(
        context.policy,
        context.tokenizer,
        engine,
        scorer,
        _prompts(context, stage),
        config,
        callbacks=[dev],
        dtype=context.dtype,
    )
    trainer.resume()
    return trainer.run().step >= config.total_steps


def _prompts(context: RunContext, stage: GRPOStage) -> list[Prompt]:
    # Each stage counts its groups from 0: to the gateway it is a run of its own.
    run, template = f"{context.run}-{stage.name}", context.template
    return [
        Prompt(
            template.render(problem.prompt),
            stage.domain or source.domain,
            problem.reference,
            {"prompt": problem.prompt, "prefix": template.prefix(problem.prompt), "run": run},
        )
        for source, task in context.sources(stage.sources).values()
        for problem in task.problems("train")
    ]


class _Dev:
    """A callback: figures of the dev split, in the metrics of the rollout after which they were taken."""

    def __init__(self, context: RunContext, stage: GRPOStage) -> None:
        self._context, self._stage = context, stage

    def __call__(self, trainer: Trainer, batch: RolloutBatch) -> Mapping[str, float]:
        every, step = self._stage.evaluate_every, trainer.state.step
        if not every or step // every == (step - trainer.config.steps_per_rollout) // every:
            return {}
        if self._context.shared_engine is not None:
            trainer.wait_for_rollout()
        return dev_figures(self._context, self._stage.sources, self._stage.evaluate_problems)


def dev_figures(context: RunContext, sources: Sequence[str], problems: int) -> dict[str, float]:
    """One attempt at some problems of the dev split of each source, as metrics."""
    figures: dict[str, float] = {}
    for source in context.sources(sources):
        summary = context.evaluate(source, "dev", problems, 1)
        figures |= {f"eval/{source}/{name}": value for name, value in flat(summary).items()}
    return figures


def flat(summary: Summary) -> dict[str, float]:
    """The figures of a summary that make curves."""
    return {
        "pass@1": summary.all.pass_at_1,
        f"cons@{summary.k}": summary.all.cons_at_k,
        "len": summary.all.tokens,
        "clipped_ratio": summary.truncated,
        **{f"rewards/{name}": score for name, score in summary.components.items()},
        **{f"counts/{name}": value for name, value in summary.counts.items()},
    }
