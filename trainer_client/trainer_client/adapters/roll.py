"""ROLL: a reward worker whose rewards are the gateway's.

    rewards: {math_rule: {worker_cls: trainer_client.adapters.roll.TouchstoneRewardWorker, world_size: 1, …}}

ROLL hands over responses one by one and has no word for no verdict. So a response without one gets the mean of its scored
siblings, or else of the domain's last rewards. ROLL deals the responses out to all workers of a domain: with one worker the
siblings find each other. roll is imported when the class is first asked for. See docs/trainers/roll.md.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

from trainer_client.adapters.settings import AdapterSettings, adapter_settings
from trainer_client.adapters.siblings import sample_reward
from trainer_client.adapters.single import single_sample
from trainer_client.dialect.prefill import split_prefill
from trainer_client.wire import RolloutSample

# Columns that are not the reference: ROLL's own, and what names the domain.
_OTHERS = frozenset(
    {
        "id",
        "rollout_id",
        "prompt",
        "messages",
        "domain",
        "tag",
        "source",
        "difficulty",
        "sampling_params",
        "multi_modal_data",
    }
)


def __getattr__(name: str) -> Any:
    if name == "TouchstoneRewardWorker":
        return _worker()
    raise AttributeError(name)


@cache
def _worker() -> Any:
    import torch
    from roll.distributed.executor.worker import Worker
    from roll.distributed.scheduler.decorator import Dispatch, register
    from roll.distributed.scheduler.protocol import DataProto
    from roll.models.model_providers import default_tokenizer_provider

    class TouchstoneRewardWorker(Worker):  # type: ignore[misc,unused-ignore]
        """Waits for many responses at once, for Ray runs the calls of an async actor side by side."""

        def __init__(self, worker_config: Any) -> None:
            super().__init__(worker_config=worker_config)
            self.tokenizer = default_tokenizer_provider(model_args=worker_config.model_args)

        @register(dispatch_mode=Dispatch.ONE_TO_ALL)  # type: ignore[untyped-decorator,unused-ignore]
        def initialize(self, pipeline_config: Any) -> None:
            super().initialize(pipeline_config)

        @register(dispatch_mode=Dispatch.DP_MP_COMPUTE, clear_cache=False)  # type: ignore[untyped-decorator,unused-ignore]
        async def compute_rewards(self, data: Any) -> Any:
            """The reward, and as `scores` the accuracy, of each response.

            Raises NoVerdict when there is neither a verdict nor a number to impute, ValueError without a domain, BadGroup
            for a wrong key, URL or domain.
            """
            settings = adapter_settings()
            samples = samples_of(settings, self.tokenizer, data)
            results = await asyncio.gather(
                *(sample_reward(settings, sample, size=settings.group_size) for sample in samples)
            )
            return DataProto.from_dict(
                tensors={
                    "token_level_rewards": torch.zeros_like(data.batch["responses"], dtype=torch.float32),
                    "response_level_rewards": torch.tensor([result.reward for result in results]),
                    "scores": torch.tensor([result.accuracy for result in results]),
                }
            )

    TouchstoneRewardWorker.__qualname__ = "TouchstoneRewardWorker"  # so that Ray finds it here by its name
    return TouchstoneRewardWorker


def samples_of(settings: AdapterSettings, tokenizer: Any, data: Any) -> list[RolloutSample]:
    """The responses of ROLL's DataProto. Its prompts are filled up on the left, its responses on the right."""
    prompts, responses = data.batch["prompts"].tolist(), data.batch["responses"].tolist()
    rows = [{name: column[place] for name, column in data.non_tensor_batch.items()} for place in range(len(responses))]
    step, pad = data.meta_info.get("global_step"), tokenizer.pad_token_id
    return [
        replace(
            _sample(settings, tokenizer, row, _unpadded(prompt[::-1], pad)[::-1], _unpadded(response, pad)), step=step
        )
        for row, prompt, response in zip(rows, prompts, responses, strict=True)
    ]


def _sample(
    settings: AdapterSettings, tokenizer: Any, row: Mapping[str, Any], prompt: Sequence[int], response: Sequence[int]
) -> RolloutSample:
    """The decoded prompt shows what the chat template wrote of the response."""
    shown, prefix = split_prefill(tokenizer.decode(prompt, skip_special_tokens=False), settings.prefix)
    sources = [str(row[name]) for name in ("tag", "source", "domain") if row.get(name) is not None]
    source = next((one for one in sources if one in settings.sources), next(iter(sources), None))
    label = row.get("reference")
    return single_sample(
        settings.domain_of(source),
        tokenizer.decode(response, skip_special_tokens=False),
        {name: value for name, value in row.items() if name not in _OTHERS} if label is None else label,
        prompt=shown,
        prefix=prefix,
        tokens=len(response),
    )


def _unpadded(ids: list[int], pad: int) -> list[int]:
    """Without the padding at the end, and without end tokens that are the same token."""
    count = len(ids)
    while count and ids[count - 1] == pad:
        count -= 1
    return ids[:count]
