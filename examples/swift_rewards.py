"""What ms-swift's GRPO makes of the gateway's rewards: its own loading of the plug-in, its own rewards and advantages,
without a model. A run of yours takes the same plug-in by `swift rlhf --rlhf_type grpo …` (docs/trainers/swift.md).

    pip install ./trainer_client -r tests/trainers/swift/requirements.txt && pip install --no-deps ms-swift==4.6.0
    touchstone serve &
    TOUCHSTONE_DOMAIN=math python examples/swift_rewards.py

printed

    rewards [3.0, 2.0, 1.0] advantages [1.0, 0.0, -1.0]
"""

import subprocess
import sys

import torch
from swift.rewards import orms
from swift.rl_core.advantage import compute_advantages
from swift.rl_core.data import GRPOSample
from swift.rl_core.grpo_algorithm import compute_rewards_per_func
from swift.utils import import_external_file

THOUGHT = "<think>The common denominator is six, so we have three sixths and two sixths.</think>"
COMPLETIONS = [f"{THOUGHT}<answer>5/6</answer>", f"{THOUGHT}<answer>2/5</answer>", "It is 5/6."]


def main() -> None:
    path = [sys.executable, "-m", "trainer_client.adapters.swift"]
    import_external_file(subprocess.run(path, capture_output=True, text=True, check=True).stdout.strip())  # noqa: S603
    reward = orms["touchstone"](args=None)
    samples = [sample(index, text) for index, text in enumerate(COMPLETIONS)]
    rewards = compute_rewards_per_func(samples, [reward], [None], torch.device("cpu"))
    advantages, _ = compute_advantages(rewards, torch.ones(1), num_generations=len(samples))
    print("rewards", rewards[:, 0].tolist(), "advantages", [round(value, 3) for value in advantages.tolist()])


def sample(index: int, text: str) -> GRPOSample:
    messages = [{"role": "user", "content": "What is 1/2 + 1/3?"}, {"role": "assistant", "content": text}]
    return GRPOSample.from_row({"messages": messages, "prompt_id": "p", "request_id": str(index), "solution": "5/6"})


if __name__ == "__main__":
    main()
