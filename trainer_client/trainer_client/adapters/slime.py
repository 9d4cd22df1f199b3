"""slime and miles: the reward of a sample, or of a list of them.

    --custom-rm-path trainer_client.adapters.slime.custom_rm

A sample without a verdict gets `remove_sample`, which takes it out of the loss, and the mean of its scored siblings, for its
reward still enters their mean. See docs/trainers/slime.md.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from trainer_client.adapters.settings import AdapterSettings, adapter_settings
from trainer_client.adapters.siblings import SampleReward, sample_reward
from trainer_client.adapters.single import single_sample
from trainer_client.wire import RolloutSample

Reward = float | dict[str, float]


async def custom_rm(args: Any, sample: Any, **_: Any) -> Reward | list[Reward]:
    """The reward of a slime `Sample`, or the rewards of a list of them; with --reward-key or --eval-reward-key a dictionary:
    `reward`, `accuracy`, `valid`, `imputed` and each component's score.

    Raises NoVerdict when there is neither a verdict nor a number to impute, ValueError for a sample without a domain.
    """
    settings = adapter_settings()
    if not isinstance(sample, list):
        return await _reward(settings, args, sample, None)
    size = len(sample) if getattr(args, "group_rm", False) else None
    return await asyncio.gather(*(_reward(settings, args, one, size) for one in sample))


group_rm = custom_rm
"""The same, by the name that fits --group-rm."""


async def _reward(settings: AdapterSettings, args: Any, sample: Any, size: int | None) -> Reward:
    rollout = _sample(settings, sample)
    result = await sample_reward(settings, rollout, size=size or _size(settings, args, sample))
    if result.failed:
        sample.remove_sample = True
    if not (getattr(args, "reward_key", None) or getattr(args, "eval_reward_key", None)):
        return result.reward
    return _named(result)


def _sample(settings: AdapterSettings, sample: Any) -> RolloutSample:
    metadata: Mapping[str, Any] = sample.metadata if isinstance(sample.metadata, Mapping) else {}
    source = metadata.get("data_source") or metadata.get("rm_type")
    named = metadata.get("domain")
    if named is None and settings.domain is None and not settings.sources:
        named = source  # rm_type may itself name the domain
    index = sample.group_index
    return single_sample(
        settings.domain_of(source, named),
        sample.response,
        sample.label,
        more=metadata.get("reference"),
        prompt=sample.prompt,
        prefix=settings.prefix,
        group_id=None if index is None else str(index),
        truncated=sample.status.value == "truncated",
        tokens=sample.response_length,
    )


def _size(settings: AdapterSettings, args: Any, sample: Any) -> int | None:
    """Samples of an evaluation have no group_index, and their number is each data set's own."""
    if settings.group_size is not None or sample.group_index is None:
        return settings.group_size
    size: int | None = getattr(args, "n_samples_per_prompt", None)
    return size


def _named(result: SampleReward) -> dict[str, float]:
    """As the endpoint /compat/slime?key=1 has them; a component without any number is left out."""
    scores = {name: score for name in result.domain.components if (score := result.score(name)) is not None}
    flags = {"valid": float(not result.failed), "imputed": float(result.failed)}
    return {**scores, "reward": result.reward, "accuracy": result.accuracy, **flags}
