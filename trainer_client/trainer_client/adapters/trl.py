"""TRL's GRPOTrainer, RLOOTrainer and AsyncGRPOTrainer, and what stands on them: Unsloth, Axolotl, open-r1.

    trl grpo --reward_funcs trainer_client.adapters.trl.reward …      with TOUCHSTONE_URL and TOUCHSTONE_DOMAIN set

One function for all components: where some of several functions give None, TRL counts the missing as 0. None of the only
one leaves the row out of its group's mean and deviation, with an advantage of 0. TRL before 1.6 counts that as 0 too: there
it gets the mean of its scored siblings. See docs/trainers/trl.md.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from statistics import fmean
from typing import Any

from trainer_client.adapters.rows import grouped, imputed
from trainer_client.adapters.settings import adapter_settings, client
from trainer_client.dialect.messages import Text
from trainer_client.results import ScoredSample

# Components of this process so far. A column that is left out of one call would show that of the call before.
_components: dict[str, None] = {}


async def reward(
    prompts: Sequence[Text],
    completions: Sequence[Text],
    completion_ids: Sequence[Sequence[int]] | None = None,
    **columns: Any,
) -> list[float | None]:
    """The gateway's reward of each completion. Without a verdict None, or an imputed reward where None would count as 0.

    `columns` are the data set's, and TRL's `trainer_state`, `log_extra`, `log_metric` and `environments`, where given.
    An environment of trl_tools.Tools names the session of its completion. Raises TooManyFailures above TOUCHSTONE_STOP_AT,
    BadGroup for a wrong key, URL or domain, ValueError for a row without a domain; nothing for a sample, and nothing for a
    gateway that is away.
    """
    settings = adapter_settings()
    tokens = None if completion_ids is None else [len(ids) for ids in completion_ids]
    step = getattr(columns.get("trainer_state"), "global_step", None)
    batch = grouped(settings, prompts, completions, columns, tokens, step, _sessions(columns.get("environments")))
    scored = await client(settings).score_many(batch.groups)
    samples = batch.in_rows(scored)
    if samples:
        _log(samples, columns.get("log_extra"), columns.get("log_metric"))
    return batch.in_rows([group.rewards if leaves_out(columns) else imputed(group) for group in scored])


def _sessions(environments: Sequence[Any] | None) -> list[str | None] | None:
    sessions = [getattr(one, "touchstone_session", None) for one in environments or ()]
    return sessions if any(sessions) else None


def reward_sync(
    prompts: Sequence[Text],
    completions: Sequence[Text],
    completion_ids: Sequence[Sequence[int]] | None = None,
    **columns: Any,
) -> list[float | None]:
    """`reward` for trainers that await no reward function, also inside a running loop (a notebook).

    They need not be TRL: others call functions in the same way, and count None as 0. So TRL alone gets None; its mark is a
    `trainer_state`. Others get the mean of the scored siblings.
    """
    columns.setdefault("trainer_state", None)
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, reward(prompts, completions, completion_ids, **columns)).result()


def leaves_out(columns: Mapping[str, Any]) -> bool:
    """Whether the caller leaves a row of None out of its group: TRL since 1.6, with a `trainer_state` or awaiting."""
    return _version() >= (1, 6) and columns.get("trainer_state", True) is not None


@cache
def _version() -> tuple[int, int]:
    """TRL's; (0, 0) when it is not installed, and so somebody else's trainer takes TRL's functions."""
    try:
        major, minor = version("trl").split(".")[:2]
    except PackageNotFoundError:
        return 0, 0
    return int(major), int(minor)


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
