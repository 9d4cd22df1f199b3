"""Trinity-RFT: a workflow of one turn whose rewards are the gateway's.

    default_workflow_type: trainer_client.adapters.trinity.TouchstoneWorkflow

Trinity trains on the experiences that a workflow returns, however many, so one without a verdict is left out. Its own
workflows call a reward function (`default_reward_fn_type: trainer_client.adapters.trinity.TouchstoneReward`) that sees one
response and the answer. trinity is imported when a class is first asked for. See docs/trainers/trinity.md.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import cache
from typing import Any

from trainer_client.adapters.alone import reward_alone
from trainer_client.adapters.groups import scored_group
from trainer_client.adapters.rows import SOURCES
from trainer_client.adapters.settings import adapter_settings
from trainer_client.adapters.siblings import failure_text
from trainer_client.adapters.single import single_sample
from trainer_client.dialect.labels import ANSWERS
from trainer_client.errors import NoVerdict
from trainer_client.results import ScoredGroup

log = logging.getLogger("trainer_client")


def __getattr__(name: str) -> Any:
    if name in ("TouchstoneReward", "TouchstoneWorkflow"):
        return _classes()[name]
    raise AttributeError(name)


@cache
def _classes() -> dict[str, Any]:
    from trinity.common.rewards.reward_fn import RewardFn
    from trinity.common.workflows.workflow import AsyncSimpleWorkflow

    class TouchstoneReward(RewardFn):  # type: ignore[misc,unused-ignore]
        """The reward of one response. Raises NoVerdict with the cause, and what `reward_alone` raises."""

        def __init__(self, **_: Any) -> None:
            pass

        def __call__(self, response: str, truth: Any = None, prompt: Any = None, **_: Any) -> dict[str, float]:
            settings = adapter_settings()
            domain = settings.domain_of(None)
            sample = single_sample(domain, response, truth, prompt=prompt, prefix=settings.prefix)
            return {"reward": reward_alone(settings, sample).reward}

    class TouchstoneWorkflow(AsyncSimpleWorkflow):  # type: ignore[misc,unused-ignore]
        """Trinity's AsyncSimpleWorkflow, which scores all responses to a task as one group."""

        can_reset = can_repeat = True

        def reset(self, task: Any) -> None:
            task.reward_fn = task.reward_fn or TouchstoneReward
            self.task = task
            super().reset(task)

        async def run_async(self) -> list[Any]:
            """The experiences with a verdict. Raises NoVerdict when there are none, or one alone is left of a group."""
            messages = self.format_messages()
            experiences = await self.model.chat_async(messages, **self.rollout_args)
            scored = await scored_group(
                adapter_settings(),
                messages,
                [experience.response_text or "" for experience in experiences],
                reference_of_task(self.raw_task, self.format_args.prompt_key, self.format_args.response_key),
                domain=self.raw_task.get("domain"),
                source=next((self.raw_task[name] for name in SOURCES if self.raw_task.get(name)), None),
                tokens=[len(experience.tokens) - experience.prompt_length for experience in experiences],
            )
            _demand_a_group(scored)
            for run, (experience, sample) in enumerate(zip(experiences, scored, strict=True), self.run_id_base):
                experience.eid.run = run
                experience.reward = sample.reward
                scores = {name: score for name, score in sample.components.items() if score is not None}
                experience.metrics = {**(experience.metrics or {}), **scores}
            return [experience for experience in experiences if experience.reward is not None]

    classes = (TouchstoneReward, TouchstoneWorkflow)
    for one in classes:
        one.__qualname__ = one.__name__  # so that Ray finds it here by its name
    return {one.__name__: one for one in classes}


def reference_of_task(row: Mapping[str, Any], prompt_key: str, response_key: str) -> Any:
    """The row's column `reference`; else the row, with the answer from the column that the task set names."""
    if row.get("reference") is not None:
        return row["reference"]
    others = {name: value for name, value in row.items() if name not in {prompt_key, "domain", *SOURCES}}
    if row.get(response_key) is None:
        return others
    others = {name: value for name, value in others.items() if name not in ANSWERS and name != response_key}
    return {**others, "ground_truth": row[response_key]}


def _demand_a_group(scored: ScoredGroup) -> None:
    """Trinity's group of one has its reward as its advantage."""
    failures = [failure_text(sample) for sample in scored if not sample.valid]
    if failures:
        log.warning("no verdict: %d of %d are left out: %s", len(failures), len(scored), failures[0])
    if failures and len(scored) - len(failures) < 2:
        raise NoVerdict(failures[0])
