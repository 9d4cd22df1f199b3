"""EasyR1: rewards by its reward function's file.

    worker.reward.reward_type=batch worker.reward.skip_special_tokens=false \\
    worker.reward.reward_function="$(python -m trainer_client.adapters.easyr1):compute_score"

EasyR1 shows a function the response and the ground truth, and no prompt: siblings cannot be told from strangers. So it takes
no domain that looks at all siblings, and a sample without a verdict gets the mean of the domain's last rewards. See
docs/trainers/easyr1.md.
"""

from __future__ import annotations

import asyncio
import math
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from trainer_client.adapters.settings import AdapterSettings
from trainer_client.adapters.siblings import sample_reward
from trainer_client.adapters.single import single_sample
from trainer_client.adapters.verl import settings_of

Scores = dict[str, float]


def compute_score(
    reward_inputs: Sequence[Mapping[str, Any]] | Mapping[str, Any], **reward_function_kwargs: Any
) -> list[Scores] | Scores:
    """`overall`, `accuracy`, `valid` and each component's score, for each input; for a single input (`sequential`) alone.

    reward_function_kwargs: fields of AdapterSettings, which go before the environment's. Raises NoVerdict when there is
    neither a verdict nor a number to impute, ValueError without a domain and for one that looks at all siblings, BadGroup
    for a wrong key, URL or domain.
    """
    settings = settings_of(reward_function_kwargs)
    if isinstance(reward_inputs, Mapping):
        return asyncio.run(_all(settings, [reward_inputs]))[0]
    return asyncio.run(_all(settings, reward_inputs))


async def _all(settings: AdapterSettings, inputs: Sequence[Mapping[str, Any]]) -> list[Scores]:
    return await asyncio.gather(*(_one(settings, one) for one in inputs))


async def _one(settings: AdapterSettings, one: Mapping[str, Any]) -> Scores:
    sample = single_sample(
        settings.domain_of(one.get("data_source")),
        one["response"],
        one["ground_truth"],
        prefix=settings.prefix,
        tokens=one.get("response_length"),
    )
    result = await sample_reward(settings, sample, size=1)
    scores = {name: result.score(name) for name in sorted(result.domain.components)}
    return {
        **{name: math.nan if score is None else score for name, score in scores.items()},
        "overall": result.reward,
        "accuracy": result.accuracy,
        "valid": float(not result.failed),
    }


if __name__ == "__main__":
    sys.stdout.write(f"{__file__}\n")
