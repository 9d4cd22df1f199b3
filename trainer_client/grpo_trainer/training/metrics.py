"""What a rollout and its update are described by, under TRL's names where TRL has one, and where it is written."""

from __future__ import annotations

import json
import math
import statistics
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from grpo_trainer.training import aha
from grpo_trainer.training.collect import Collected


def of_rollout(collected: Collected) -> dict[str, float]:
    """Rewards, lengths, failures, reflective words. Means of rewards are over the samples that have a verdict."""
    rollouts = collected.rollouts
    lengths = [len(rollout.ids) for rollout in rollouts]
    failures = Counter(kind for group in collected.groups for kind in group.scores.failures if kind is not None)
    states = Counter(group.advantages.state for group in collected.groups)
    return {
        **_rewards(collected),
        **_lengths("completions", "length", lengths),
        **_lengths("completions", "terminated_length", [len(one.ids) for one in rollouts if not one.truncated]),
        "completions/clipped_ratio": sum(one.truncated for one in rollouts) / len(rollouts),
        "frac_reward_zero_std": states["zero_std"] / len(collected.groups),
        "groups/too_few_verdicts": states["too_few"],
        "groups/alive": states["alive"],
        "groups/tries": collected.tries,
        "reward/failed_frac": failed(collected),
        **{f"failures/{kind}": count for kind, count in sorted(failures.items())},
        "reward_wait_s": collected.wait_s,
        "generate_s": collected.generate_s,
        "generate_tokens_per_s": sum(lengths) / max(collected.generate_s, 1e-9),
        **aha.metrics([rollout.text for rollout in rollouts], sum(lengths)),
    }


def failed(collected: Collected) -> float:
    """The share of samples without a verdict."""
    rewards = [reward for group in collected.groups for reward in group.scores.rewards]
    return sum(reward is None for reward in rewards) / len(rewards)


def _rewards(collected: Collected) -> dict[str, float]:
    found: dict[str, float] = {}
    rewards = [reward for group in collected.groups for reward in group.scores.rewards if reward is not None]
    spread = [group.advantages.std for group in collected.groups if group.advantages.std is not None]
    if rewards:
        found |= {"reward": statistics.fmean(rewards), "reward_std": statistics.fmean(spread)}
    components: defaultdict[str, list[float]] = defaultdict(list)
    for group in collected.groups:
        for name, scores in group.scores.components.items():
            components[name] += [score for score in scores if score is not None]
    for name, values in components.items():
        if values:
            found[f"rewards/{name}/mean"] = statistics.fmean(values)
            found[f"rewards/{name}/std"] = statistics.stdev(values) if len(values) > 1 else 0.0
    return found


def _lengths(prefix: str, name: str, lengths: Sequence[int]) -> dict[str, float]:
    if not lengths:
        return {}
    return {
        f"{prefix}/mean_{name}": statistics.fmean(lengths),
        f"{prefix}/min_{name}": min(lengths),
        f"{prefix}/max_{name}": max(lengths),
    }


class Tally:
    """Gathers an update's numbers over tokens and steps, so that no cut into micro-batches changes them."""

    def __init__(self) -> None:
        self._found: dict[str, float] = {"skipped_steps": 0}
        self._sums: defaultdict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])

    def mean(self, name: str, values: Tensor | float) -> None:
        """Over all tokens, or all steps."""
        values = torch.as_tensor(values, dtype=torch.float64)
        total, count = self._sums[name]
        self._sums[name] = [total + float(values.sum()), count + values.numel()]

    def least(self, name: str, values: Tensor) -> None:
        self._found[name] = min(self._found.get(name, math.inf), float(values.min()))

    def most(self, name: str, values: Tensor) -> None:
        self._found[name] = max(self._found.get(name, -math.inf), float(values.max()))

    def last(self, name: str, value: float) -> None:
        self._found[name] = value

    def skip(self) -> None:
        self._found["skipped_steps"] += 1

    def metrics(self) -> dict[str, float]:
        return self._found | {name: total / count for name, (total, count) in self._sums.items()}


class Log:
    """metrics.jsonl, a line a rollout, and TensorBoard. A resumed run first drops what comes after its checkpoint."""

    def __init__(self, folder: Path, step: int, *, tensorboard: bool) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "metrics.jsonl"
        kept = [line for line in _lines(path) if json.loads(line)["step"] <= step]
        path.write_text("".join(f"{line}\n" for line in kept))
        self._file = path.open("a")
        self._board: Any = None
        if tensorboard:
            from torch.utils.tensorboard import SummaryWriter

            self._board = SummaryWriter(str(folder / "tensorboard"), purge_step=step + 1)

    def write(self, step: int, metrics: Mapping[str, float]) -> None:
        self._file.write(json.dumps({"step": step, **{name: _plain(value) for name, value in metrics.items()}}) + "\n")
        self._file.flush()
        if self._board is not None:
            for name, value in metrics.items():
                self._board.add_scalar(name, value, step)
            self._board.flush()

    def close(self) -> None:
        self._file.close()
        if self._board is not None:
            self._board.close()


def _lines(path: Path) -> list[str]:
    """Whole lines: a killed run may have left half of one."""
    if not path.exists():
        return []
    text = path.read_text()
    return text[: text.rfind("\n") + 1].splitlines()


def _plain(value: float) -> float | None:
    """JSON knows no NaN."""
    return value if math.isfinite(value) else None
