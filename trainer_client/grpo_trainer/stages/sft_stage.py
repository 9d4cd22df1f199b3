"""The `sft` stage: examples from traces, a file, or rejection sampling."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from grpo_trainer.json_lines import numbered_lines
from grpo_trainer.recipe import SFTStage
from grpo_trainer.rollout.transcript import Transcript
from grpo_trainer.stages.context import RunContext, token_weights
from grpo_trainer.training.run_log import RunLog
from grpo_trainer.training.sft import Example, sft
from grpo_trainer.training.steps import steps_done

KEPT = "kept.jsonl"
_WRITERS = {"assistant": "assistant", "tool": "tool"}


def run_sft_stage(context: RunContext, stage: SFTStage, folder: Path, kept: Path | None) -> dict[str, Any]:
    """Trains the policy at hand. `kept`: the folder of the `sample` stage that is meant."""
    context.adapt()
    examples = [_example(context, *pair) for pair in _pairs(context, stage, kept)]
    state = folder / "state.pt"
    log = RunLog(folder, steps_done(state))
    try:
        sft(
            context.policy,
            examples,
            stage.train,
            seed=context.seed,
            state=state,
            weights=token_weights(context.tokenizer, stage.train.emphasis),
            dtype=context.dtype,
            on_step=log.write,
        )
    finally:
        log.close()
    return {"examples": len(examples)}


def _pairs(context: RunContext, stage: SFTStage, kept: Path | None) -> Iterator[tuple[str, Transcript]]:
    """(prompt, completion) of each example."""
    if stage.traces is not None:
        yield from _traces(context, stage, stage.traces)
        return
    path = kept / KEPT if kept else stage.file
    assert path is not None  # noqa: S101 - the recipe was checked
    for number, line in numbered_lines(path):
        yield _pair(line, f"{path}, line {number}")


def _pair(line: str, where: str) -> tuple[str, Transcript]:
    try:
        fields = json.loads(line)
        completion = fields["completion"]
        if isinstance(completion, list):
            completion = [
                {"role": _WRITERS[message["role"]], "content": str(message["content"])} for message in completion
            ]
            return str(fields["prompt"]), completion
        return str(fields["prompt"]), str(completion)
    except (ValueError, TypeError, KeyError):
        raise ValueError(
            f"{where}: not {{prompt, completion}}; a completion is text, or messages of assistant and tool"
        ) from None


def _traces(context: RunContext, stage: SFTStage, count: int) -> Iterator[tuple[str, Transcript]]:
    rng = random.Random(f"{context.seed}/traces/{stage.name}")  # noqa: S311
    tasks = [(task, task.problems("train")) for _, task in context.sources(stage.sources).values()]
    for place in range(count):
        task, problems = tasks[place % len(tasks)]
        problem = rng.choice(problems)
        yield problem.prompt, task.trace(problem, rng)


def _example(context: RunContext, prompt: str, completion: Transcript) -> Example:
    """The completion goes on from what the template has already written of it. What tools wrote is read, not imitated."""
    template, encode = context.template, context.tokenizer.encode
    turns = (
        [("assistant", completion)]
        if isinstance(completion, str)
        else [(message["role"], message["content"]) for message in completion]
    )
    ids: list[int] = []
    mask: list[bool] = []
    for place, (role, text) in enumerate(turns):
        own = text.removeprefix(template.prefix(prompt).rstrip()) if place == 0 else text
        part = encode(own, add_special_tokens=False)
        ids, mask = [*ids, *part], [*mask, *[role != "tool"] * len(part)]
    return Example(
        encode(template.render(prompt), add_special_tokens=False),
        [*ids, context.tokenizer.eos_token_id],
        [*mask, True],
    )
