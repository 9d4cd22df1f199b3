"""AReaL: a reward function by its dotted path.

    reward_fn: trainer_client.adapters.areal.reward_fn

AReaL calls it in processes of a pool, gives it 15 s, tries it four times, and then makes a late answer a 0, but of an
exception a rollout that is left out. So it answers or raises within 10 s. See docs/trainers/areal.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from trainer_client.adapters.alone import judged_alone
from trainer_client.adapters.dialect import prefilled
from trainer_client.adapters.settings import Settings, settings
from trainer_client.adapters.single import single
from trainer_client.wire import Sample

MOST_S = 10.0
# Columns that are not the reference.
_OTHERS = frozenset({"messages", "prompt", "domain", "data_source", "query_id"})


def reward_fn(
    prompt: str, completions: str, prompt_ids: Sequence[int], completion_ids: Sequence[int], **columns: Any
) -> float:
    """The gateway's reward; the data set's other columns are the reference.

    Raises NoVerdict with the cause, and what `judged_alone` raises.
    """
    told = settings()
    told = replace(told, deadline_s=min(told.deadline_s, MOST_S))
    return judged_alone(told, sample_of(told, prompt, completions, len(completion_ids), columns)).reward


def sample_of(told: Settings, prompt: str, completion: str, tokens: int, columns: Mapping[str, Any]) -> Sample:
    """`prompt` is decoded from the chat template's tokens: it shows what the template wrote of the completion."""
    shown, prefix = prefilled(prompt, told.prefix)
    return single(
        told.domain_of(columns.get("data_source"), columns.get("domain")),
        completion,
        {name: value for name, value in columns.items() if name not in _OTHERS},
        prompt=columns.get("messages") or shown,
        prefix=prefix,
        tokens=tokens,
    )
