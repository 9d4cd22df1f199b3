"""In ART's environment: its own gathering of groups, each scored by our function after it.

Argument: JSON of groups by name, each a list of texts; null is a rollout that fails. Prints rewards and exceptions of each.
"""

import asyncio
import json
import sys

import art
from openai.types.chat.chat_completion import Choice

from trainer_client.adapters.art import score_group


def choice(text):
    message = {"role": "assistant", "content": text}
    return Choice.model_validate({"finish_reason": "stop", "index": 0, "message": message})


async def rollout(text, number):
    if text is None:
        raise RuntimeError("a rollout of its own")
    messages = [{"role": "user", "content": "Which?"}, choice(text)]
    return art.Trajectory(messages_and_choices=messages, metadata={"answer": "yes", "attempt": number})


async def main():
    named = json.loads(sys.argv[1])
    groups = await art.gather_trajectory_groups(
        (art.TrajectoryGroup(rollout(text, number) for number, text in enumerate(texts)) for texts in named.values()),
        max_exceptions=100,
        after_each=score_group,
    )
    print(json.dumps({name: summary(group) for name, group in zip(named, groups, strict=True)}))


def summary(group):
    rewards = {trajectory.messages()[-1]["content"]: trajectory.reward for trajectory in group.trajectories}
    return {
        "rewards": rewards,
        "exceptions": sorted(f"{one.type}: {one.message}" for one in group.exceptions),
        "metrics": [trajectory.metrics.get("toy") for trajectory in group.trajectories],
    }


asyncio.run(main())
