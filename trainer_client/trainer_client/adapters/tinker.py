"""Tinker cookbook: the rewards of a group, as `EnvGroupBuilder.compute_group_rewards` gives them.

    return await group_rewards(self.messages, [env.completion for env in env_group], self.answer)

See docs/trainers/tinker.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from trainer_client.adapters.groups import scored_group
from trainer_client.adapters.rows import imputed
from trainer_client.adapters.settings import adapter_settings
from trainer_client.adapters.siblings import failure_text
from trainer_client.dialect.messages import Text
from trainer_client.errors import NoVerdict
from trainer_client.results import ScoredSample


async def group_rewards(
    prompt: Text,
    completions: Sequence[Text],
    label: Any,
    *,
    domain: str | None = None,
    tokens: Sequence[int] | None = None,
) -> list[tuple[float, dict[str, float]]]:
    """(reward, metrics) of each completion of one prompt. label: the reference, or the answer alone.

    Tinker subtracts the group's mean. So a completion without a verdict gets the mean of its scored siblings: its advantage
    is 0, and theirs stay as they are; `valid` is 0. Raises NoVerdict when no sibling has a verdict, ValueError without a
    domain, BadGroup for a wrong key, URL or domain, TooManyFailures above TOUCHSTONE_STOP_AT.
    """
    group = await scored_group(adapter_settings(), prompt, completions, label, domain=domain, tokens=tokens)
    rewards = [reward for reward in imputed(group) if reward is not None]
    if group and not rewards:
        raise NoVerdict(failure_text(group[0]))
    return [(reward, _metrics(sample)) for reward, sample in zip(rewards, group, strict=True)]


def _metrics(sample: ScoredSample) -> dict[str, float]:
    scores = {name: score for name, score in sample.components.items() if score is not None}
    return {**scores, "valid": float(sample.valid)}
