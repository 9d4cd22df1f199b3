"""The `sample` stage: rejection sampling through the gateway. R1 kept what was correct, readable and in one language.

kept.jsonl       {"prompt", "completion", "id", "source"} a line: what the next `sft` stage imitates
problems.jsonl   {"id", "kept", "attempts", "unjudged"} a line: how far the stage has come, and what it turned down
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

from grpo_trainer.evaluation.attempts import BLOCK, Judge, JudgedAttempts, judged_attempts
from grpo_trainer.json_lines import whole_rows
from grpo_trainer.recipe import SampleStage
from grpo_trainer.rollout import Sampling
from grpo_trainer.stages.context import RunContext, draw_problems
from grpo_trainer.stages.sft_stage import KEPT
from grpo_trainer.whole_files import write_whole
from trainer_client.wire import Text

PROBLEMS = "problems.jsonl"


def run_sample_stage(context: RunContext, stage: SampleStage, folder: Path) -> dict[str, Any]:
    """Totals; raises ValueError when nothing was kept, since the next stage would have nothing to learn from."""
    for name in context.sources(stage.sources):
        _source(context, stage, folder, name)
    rows = whole_rows(folder / PROBLEMS)
    totals = {key: sum(row[key] for row in rows) for key in ("kept", "attempts", "unjudged")}
    if not totals["kept"]:
        raise ValueError(f"{stage.name}: nothing of {totals['attempts']} attempts reaches {stage.keep}")
    return {"problems": len(rows), **totals}


def _source(context: RunContext, stage: SampleStage, folder: Path, name: str) -> None:
    source, task = context.sources([name])[name]
    judge = Judge(context.client, source.domain, source.accuracy)
    problems = draw_problems(task.problems("train"), stage.problems, f"{context.seed}/{stage.name}/{name}")
    done = _resume(folder, name)
    sampling = Sampling(stage.max_tokens, stage.temperature, seed=context.seed)
    problem_results = judged_attempts(
        context.engine(), context.tokenizer, context.template, judge, problems, stage.samples, sampling, first=done
    )
    with (
        (folder / KEPT).open("a", encoding="utf-8") as kept,
        (folder / PROBLEMS).open("a", encoding="utf-8") as progress,
    ):
        for one in problem_results:
            good = list(good_enough(one, stage))[: stage.per_problem]
            whose = {"id": one.problem.id, "source": name}
            for text in good:
                _write(kept, {"prompt": one.problem.prompt, "completion": text, **whose})
            unjudged = one.scored.rewards.count(None)
            _write(progress, {**whose, "kept": len(good), "attempts": len(one.texts), "unjudged": unjudged})


def _write(file: TextIO, row: dict[str, Any]) -> None:
    file.write(json.dumps(row, ensure_ascii=False) + "\n")
    file.flush()


def good_enough(judged: JudgedAttempts, stage: SampleStage) -> Iterator[Text]:
    """Different completions that ended by themselves and reach the score of every required component."""
    texts: list[Text] = []
    for index, (text, completion) in enumerate(zip(judged.texts, judged.completions, strict=True)):
        scores = {name: scores[index] for name, scores in judged.scored.components.items()}
        reaches = all((score := scores.get(name)) is not None and score >= least for name, least in stage.keep.items())
        if reaches and not completion.truncated and text not in texts:
            texts.append(text)
            yield text


def _resume(folder: Path, source: str) -> int:
    """Problems that are done, cut back to a whole block: the rest is drawn as it would have been."""
    rows = [row for row in whole_rows(folder / PROBLEMS) if row["source"] == source]
    done = len(rows) // BLOCK * BLOCK
    done_ids = {row["id"] for row in rows[:done]}
    for path in (folder / PROBLEMS, folder / KEPT):
        lines = [row for row in whole_rows(path) if row["source"] != source or row["id"] in done_ids]
        write_whole(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in lines))
    return done
