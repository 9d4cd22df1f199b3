"""In Trinity's environment: its task formatter and registries find our workflow, which runs; its GRPO makes the advantages.

Argument: JSON of tasks by name, each a list of texts. Prints rewards and advantages of each.
"""

import asyncio
import json
import sys

import torch
from trinity.algorithm.advantage_fn.grpo_advantage import GRPOGroupedAdvantage
from trinity.buffer.schema.formatter import TaskFormatter
from trinity.common.config import FormatConfig, StorageConfig
from trinity.common.experience import Experience

OURS = "trainer_client.adapters.trinity"


class Model:
    """Writes the responses: generation needs a GPU."""

    def __init__(self, texts):
        self.texts = texts

    async def chat_async(self, messages, n, **_):
        assert (messages, n) == ([{"role": "user", "content": "Which?"}], len(self.texts))
        return [
            Experience(tokens=torch.ones(6), logprobs=torch.zeros(4), prompt_length=2, response_text=text)
            for text in self.texts
        ]


def task(workflow):
    config = StorageConfig(
        name="tasks",
        format=FormatConfig(prompt_key="question", response_key="gold"),
        default_workflow_type=workflow,
        default_reward_fn_type=f"{OURS}.TouchstoneReward",
    )
    return TaskFormatter(config).format({"question": "Which?", "gold": "yes"})


def rollout(texts):
    workflow = task(f"{OURS}.TouchstoneWorkflow").to_workflow(Model(texts))
    workflow.set_repeat_times(len(texts), 0)
    try:
        experiences = asyncio.run(workflow.run_async())
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    rewards = [experience.reward for experience in experiences]
    advantages, _ = GRPOGroupedAdvantage().calculate_group_advantage("task", experiences)
    return {"rewards": rewards, "advantages": [experience.advantages[-1].item() for experience in advantages]}


def alone(texts):
    """Trinity's own workflow with our reward function."""
    workflow = task("async_simple_workflow").to_workflow(Model(texts))
    workflow.set_repeat_times(len(texts), 0)
    return [experience.reward for experience in asyncio.run(workflow.run_async())]


tasks = json.loads(sys.argv[1])
print(json.dumps({**{name: rollout(texts) for name, texts in tasks.items()}, "own": alone(["yes", "no"])}))
