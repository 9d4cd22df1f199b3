"""One rollout as rows of rollouts.jsonl.zst: each completion with its verdict, and why.

A completion in which a tool wrote is a list of chat messages; `tokens` and `reflective_words` are of the policy's own text.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from grpo_trainer.training.collector import RolloutBatch, ScoredRollouts
from trainer_client.dialect.reflection import count_reflections


def rollout_rows(batch: RolloutBatch, step: int) -> Iterator[dict[str, Any]]:
    """step: the optimiser step after the update that the rollout was used for."""
    for group in batch.groups:
        for place in range(len(group.rollouts)):
            yield {"step": step, **_row(group, place)}


def _row(group: ScoredRollouts, place: int) -> dict[str, Any]:
    rollout, scores = group.rollouts[place], group.scores
    return {
        "group": rollout.group,
        "index": rollout.index,
        "prompt": rollout.prompt.text,
        "completion": rollout.whole,
        "tokens": rollout.length,
        "truncated": rollout.truncated,
        "reward": scores.rewards[place],
        "failure": scores.failures[place],
        "components": {name: values[place] for name, values in scores.components.items()},
        "reasons": scores.reasons[place] if scores.reasons else {},
        "advantage": group.advantages.values[place],
        "group_state": group.advantages.state,
        "domain": rollout.prompt.domain,
        "version": scores.version,
        **({"session": rollout.session, "calls": rollout.calls} if rollout.session else {}),
        "reflective_words": {word: times for word, times in count_reflections(rollout.text).items() if times},
    }
