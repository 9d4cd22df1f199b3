"""TRL's GRPOTrainer, RLOOTrainer and AsyncGRPOTrainer, and what stands on them: Unsloth, Axolotl, open-r1.

    trl grpo --reward_funcs trainer_client.adapters.trl.reward …      with TOUCHSTONE_URL and TOUCHSTONE_DOMAIN set

One function for all components: where some of several functions give None, TRL counts the missing as 0. None of the only
one leaves the row out of its group's mean and deviation, with an advantage of 0. TRL before 1.6 counts that as 0 too: there
it gets the mean of its scored siblings. See docs/trainers/trl.md.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from statistics import fmean
from typing import Any

from trainer_client.adapters.rows import grouped, imputed
from trainer_client.adapters.settings import client, settings
from trainer_client.results import ScoredSample
from trainer_client.wire import Text

# Components of this process so far. A column that is left out of one call would show that of the call before.
_components: dict[str, None] = {}


async def reward(
    prompts: Sequence[Text],
    completions: Sequence[Text],
    completion_ids: Sequence[Sequence[int]] | None = None,
    **columns: Any,
) -> list[float | None]:
    """The gateway's reward of each completion; None where there is no verdict, imputed where TRL is older than 1.6.

    `columns` are the data set's, and TRL's `trainer_state`, `log_extra` and `log_metric` where it gives them. Raises
    TooManyFailures above TOUCHSTONE_STOP_AT, BadGroup for a wrong key, URL or domain, ValueError for a row without a domain;
    nothing for a sample, and nothing for a gateway that is away.
    """
    told = settings()
    tokens = None if completion_ids is None else [len(ids) for ids in completion_ids]
    step = getattr(columns.get("trainer_state"), "global_step", None)
    scored = await client(told).score_many(grouped(told, prompts, completions, columns, tokens, step))
    samples = [sample for group in scored for sample in group]
    if samples:
        _log(samples, columns.get("log_extra"), columns.get("log_metric"))
    return [reward for group in scored for reward in (group.rewards if _leaves_out() else imputed(group))]


def reward_sync(
    prompts: Sequence[Text],
    completions: Sequence[Text],
    completion_ids: Sequence[Sequence[int]] | None = None,
    **columns: Any,
) -> list[float | None]:
    """`reward` for trainers that await no reward function, also inside a running loop (a notebook)."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, reward(prompts, completions, completion_ids, **columns)).result()


@cache
def _leaves_out() -> bool:
    """Whether TRL leaves a row of None out of its group: since 1.6."""
    try:
        major, minor = version("trl").split(".")[:2]
    except PackageNotFoundError:  # somebody else's trainer that takes TRL's functions
        return True
    return (int(major), int(minor)) >= (1, 6)


def _log(
    samples: Sequence[ScoredSample],
    log_extra: Callable[[str, list[Any]], None] | None,
    log_metric: Callable[[str, float], None] | None,
) -> None:
    _components.update(dict.fromkeys(name for sample in samples for name in sample.components))
    kinds = [sample.failure["kind"] if sample.failure else None for sample in samples]
    if log_extra is not None:
        for name in _components:
            log_extra(name, [sample.components.get(name) for sample in samples])
        log_extra("failure", kinds)
    if log_metric is not None:
        for name in _components:
            scores = [score for sample in samples if (score := sample.components.get(name)) is not None]
            if scores:
                log_metric(f"rewards/{name}/mean", fmean(scores))
        failed = Counter(kind for kind in kinds if kind)
        log_metric("reward/failed_frac", sum(failed.values()) / len(samples))
        for kind, count in failed.items():
            log_metric(f"failures/{kind}", float(count))
