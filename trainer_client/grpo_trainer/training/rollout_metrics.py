"""Metrics of a rollout, under TRL's names where TRL has one."""

from __future__ import annotations

import statistics
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import get_args

from grpo_trainer.rollout import Rollout
from grpo_trainer.training import aha
from grpo_trainer.training.collector import RolloutBatch
from trainer_client.tools_client import Outcome


def of_rollout(batch: RolloutBatch) -> dict[str, float]:
    """Rewards, lengths, failures, reflective words, calls. Means of rewards are over the samples that have a verdict."""
    rollouts = batch.rollouts
    lengths = [rollout.length for rollout in rollouts]
    failures = Counter(kind for group in batch.groups for kind in group.scores.failures if kind is not None)
    states = Counter(group.advantages.state for group in batch.groups)
    return {
        **_rewards(batch),
        **_lengths("completions", "length", lengths),
        **_lengths("completions", "terminated_length", [one.length for one in rollouts if not one.truncated]),
        "completions/clipped_ratio": sum(one.truncated for one in rollouts) / len(rollouts),
        "frac_reward_zero_std": states["zero_std"] / len(batch.groups),
        "groups/too_few_verdicts": states["too_few"],
        "groups/alive": states["alive"],
        "groups/filtered": states["filtered"],
        "groups/tries": batch.tries,
        "reward/failed_frac": failed(batch),
        **{f"failures/{kind}": count for kind, count in sorted(failures.items())},
        "reward_wait_s": batch.wait_s,
        "generate_s": batch.generate_s,
        "generate_tokens_per_s": sum(lengths) / max(batch.generate_s, 1e-9),
        **aha.metrics([rollout.text for rollout in rollouts], sum(lengths)),
        **_tools(rollouts),
    }


def _tools(rollouts: Sequence[Rollout]) -> dict[str, float]:
    """Of a policy that may call tools; nothing of another. Tokens are those that tools wrote."""
    if all(rollout.session is None for rollout in rollouts):
        return {}
    outcomes = Counter(outcome for rollout in rollouts for outcome in rollout.calls)
    return {
        "tools/calls": sum(outcomes.values()) / len(rollouts),
        "tools/callers": sum(bool(rollout.calls) for rollout in rollouts) / len(rollouts),
        **{f"tools/{outcome}": outcomes[outcome] for outcome in get_args(Outcome)},
        "tools/tokens": sum(len(rollout.ids) - rollout.length for rollout in rollouts) / len(rollouts),
    }


def failed(batch: RolloutBatch) -> float:
    """The share of samples without a verdict."""
    rewards = [reward for group in batch.groups for reward in group.scores.rewards]
    return sum(reward is None for reward in rewards) / len(rewards)


def _rewards(batch: RolloutBatch) -> dict[str, float]:
    named: dict[str, float] = {}
    rewards = [reward for group in batch.groups for reward in group.scores.rewards if reward is not None]
    spread = [group.advantages.std for group in batch.groups if group.advantages.std is not None]
    if rewards:
        named |= {"reward": statistics.fmean(rewards), "reward_std": statistics.fmean(spread)}
    components: defaultdict[str, list[float]] = defaultdict(list)
    for group in batch.groups:
        for name, scores in group.scores.components.items():
            components[name] += [score for score in scores if score is not None]
    for name, values in components.items():
        if values:
            named[f"rewards/{name}/mean"] = statistics.fmean(values)
            named[f"rewards/{name}/std"] = statistics.stdev(values) if len(values) > 1 else 0.0
    return named


def _lengths(prefix: str, name: str, lengths: Sequence[int]) -> dict[str, float]:
    if not lengths:
        return {}
    return {
        f"{prefix}/mean_{name}": statistics.fmean(lengths),
        f"{prefix}/min_{name}": min(lengths),
        f"{prefix}/max_{name}": max(lengths),
    }
