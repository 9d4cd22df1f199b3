"""rLLM: a reward function for its workflows, and an evaluator for its agent flows.

    from trainer_client.adapters.rllm import Evaluator, reward

No verdict is raised: rLLM ends such an episode as an error, which compact filtering masks. rllm is imported when a result is
made. See docs/trainers/rllm.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trainer_client.adapters.alone import reward_alone
from trainer_client.adapters.settings import AdapterSettings, adapter_settings
from trainer_client.adapters.siblings import SampleReward
from trainer_client.adapters.single import single_sample
from trainer_client.wire import RolloutSample, Text

# Columns that are not the reference.
_OTHERS = frozenset({"question", "problem", "prompt", "instruction", "messages", "domain", "data_source", "uid"})
_PROMPTS = ("messages", "prompt", "question", "problem", "instruction")


def reward(task_info: Mapping[str, Any], action: Any) -> Any:
    """rLLM's RewardFunction: the RewardOutput of an action on a task. Raises NoVerdict, and what `reward_alone` raises."""
    from rllm.rewards.reward_types import RewardOutput

    result = _reward_of(task_info, getattr(action, "action", action))
    return RewardOutput(reward=result.reward, is_correct=is_correct(result), metadata=about(result))


class Evaluator:
    """rLLM's Evaluator. It is made where it is used, and may be pickled."""

    def evaluate(self, task: Any, episode: Any) -> Any:
        """The EvalOutput of an episode's answer. Raises NoVerdict, and what `reward_alone` raises."""
        from rllm.eval.types import EvalOutput, Signal

        row = task if isinstance(task, Mapping) else {"instruction": task.instruction, **task.metadata}
        result = _reward_of(row, answer_of(episode))
        scores = [(name, result.score(name)) for name in result.domain.components]
        signals = [Signal(name=name, value=score) for name, score in scores if score is not None]
        return EvalOutput(reward=result.reward, is_correct=is_correct(result), signals=signals, metadata=about(result))


def answer_of(episode: Any) -> str:
    """As rLLM's own evaluators look for it: the artifact `answer`, or else the last output."""
    if "answer" in episode.artifacts:
        return str(episode.artifacts["answer"])
    for last in episode.trajectories[-1:]:
        steps = last.steps[-1:]
        return str(last.output or (steps[0].output if steps else "") or "")
    return ""


def is_correct(result: SampleReward) -> bool:
    return result.accuracy >= 1.0


def about(result: SampleReward) -> dict[str, Any]:
    """Why: the components' scores and reasons, and the answer in its normal form."""
    scored = result.scored
    return {"components": scored.components, "reasons": scored.reasons, "canonical": scored.canonical}


def _reward_of(row: Mapping[str, Any], text: Text) -> SampleReward:
    settings = adapter_settings()
    return reward_alone(settings, sample_of(settings, row, text))


def sample_of(settings: AdapterSettings, row: Mapping[str, Any], text: Text) -> RolloutSample:
    return single_sample(
        settings.domain_of(row.get("data_source"), row.get("domain")),
        text,
        {name: value for name, value in row.items() if name not in _OTHERS},
        prompt=next((row[name] for name in _PROMPTS if row.get(name)), None),
        prefix=settings.prefix,
    )
