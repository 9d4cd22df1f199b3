"""In ms-swift's environment: our plug-in loaded as --external_plugins does, its reward and advantages computed by ms-swift.

Arguments: the plug-in's path, and JSON of groups by name, each a list of completions. Prints rewards and advantages of each.
"""

import json
import sys

import torch
from swift.rewards import orms
from swift.rl_core.advantage import compute_advantages
from swift.rl_core.data import GRPOSample
from swift.rl_core.grpo_algorithm import compute_rewards_per_func
from swift.utils import import_external_file

SCALES = ("group", "gdpo", "none")


def main():
    import_external_file(sys.argv[1])
    reward = orms["touchstone"](args=None)
    groups = json.loads(sys.argv[2])
    import trl

    message = {name: computed(reward, texts) for name, texts in groups.items()}
    print(
        json.dumps({"groups": message, "trl": trl.__version__, "naive": advantages(torch.tensor([[1.0], [torch.nan]]))})
    )


def computed(reward, texts):
    samples = [sample(index, text) for index, text in enumerate(texts)]
    rewards = compute_rewards_per_func(samples, [reward], [None], torch.device("cpu"))
    listed = [None if value != value else value for value in rewards[:, 0].tolist()]
    return {"rewards": listed, "advantages": {scale: advantages(rewards, scale) for scale in SCALES}}


def sample(index, text):
    messages = [{"role": "user", "content": "Which?"}, {"role": "assistant", "content": text}]
    row = {"messages": messages, "prompt_id": "p", "request_id": f"r{index}", "solution": "yes"}
    return GRPOSample.from_row(row)


def advantages(rewards, scale="none"):
    results, _ = compute_advantages(rewards, torch.ones(1), num_generations=len(rewards), scale_rewards=scale)
    return results.tolist()


main()
