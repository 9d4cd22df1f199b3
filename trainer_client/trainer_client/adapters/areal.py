"""AReaL: a reward function by its dotted path, and a workflow that waits for rewards without holding a process.

    reward_fn: trainer_client.adapters.areal.reward_fn
    workflow: trainer_client.adapters.areal.TouchstoneWorkflow

AReaL calls a reward function in the few processes of a pool, gives it 15 s from the moment it stands in their queue, and
tries four times. Of an answer that is still late it makes a 0, of an exception a group that is left out. So the function
answers or raises within 10 s; how long its queue is it cannot know. The workflow has no queue. See docs/trainers/areal.md.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

from trainer_client.adapters.alone import awaited_reward_alone, reward_alone
from trainer_client.adapters.settings import AdapterSettings, adapter_settings
from trainer_client.adapters.single import single_sample
from trainer_client.dialect.prefill import split_prefill
from trainer_client.errors import NoVerdict
from trainer_client.wire import RolloutSample

log = logging.getLogger("trainer_client")

MOST_S = 10.0
# Columns that are not the reference.
_OTHERS = frozenset({"messages", "prompt", "domain", "data_source", "query_id"})


def __getattr__(name: str) -> Any:
    if name == "TouchstoneWorkflow":
        return _workflow()
    raise AttributeError(name)


def reward_fn(
    prompt: str, completions: str, prompt_ids: Sequence[int], completion_ids: Sequence[int], **columns: Any
) -> float:
    """The gateway's reward; the data set's other columns are the reference.

    Raises NoVerdict with the cause, and what `reward_alone` raises.
    """
    settings = adapter_settings()
    settings = replace(settings, deadline_s=min(settings.deadline_s, MOST_S))
    return reward_alone(settings, sample_of(settings, prompt, completions, len(completion_ids), columns)).reward


def sample_of(
    settings: AdapterSettings, prompt: str, completion: str, tokens: int, columns: Mapping[str, Any]
) -> RolloutSample:
    """`prompt` is decoded from the chat template's tokens: it shows what the template wrote of the completion."""
    shown, prefix = split_prefill(prompt, settings.prefix)
    return single_sample(
        settings.domain_of(columns.get("data_source"), columns.get("domain")),
        completion,
        {name: value for name, value in columns.items() if name not in _OTHERS},
        prompt=columns.get("messages") or shown,
        prefix=prefix,
        tokens=tokens,
    )


@cache
def _workflow() -> Any:
    from areal.workflow.rlvr import RLVRWorkflow

    class TouchstoneWorkflow(RLVRWorkflow):  # type: ignore[misc,unused-ignore]
        """AReaL's RLVRWorkflow and its arguments without `reward_fn`.

        A rollout without a verdict is None, which AReaL leaves out of its group; an exception would take the group along.
        """

        def __init__(self, *args: Any, reward_fn: str = f"{__name__}.reward_fn", **named: Any) -> None:
            super().__init__(reward_fn, *args, **named)

        async def arun_episode(self, engine: Any, data: dict[str, Any]) -> Any:
            try:
                return await super().arun_episode(engine, data)
            except NoVerdict as error:
                log.warning("no verdict, the rollout is left out: %s", error)
                return None

        async def _compute_rewards(self, resp: Any, prompt_str: str, task_data: Mapping[str, Any]) -> float:
            settings, text = adapter_settings(), self.tokenizer.decode(resp.output_tokens)
            sample = sample_of(settings, prompt_str, text, len(resp.output_tokens), task_data)
            sample = replace(sample, truncated=resp.stop_reason == "length")
            return (await awaited_reward_alone(settings, sample)).reward

    return TouchstoneWorkflow
