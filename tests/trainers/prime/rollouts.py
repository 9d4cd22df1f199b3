"""In the environment of Prime's verifiers: its NeMo-Gym task against a URL, scored as its own rollouts are.

Arguments: the URL, and JSON of [completion, answer] pairs. Prints each trace's rewards and errors.
"""

import asyncio
import json
import sys

from verifiers.v1.errors import TaskError
from verifiers.v1.graph import MessageNode
from verifiers.v1.tasksets.nemo_gym import NeMoGymData, NeMoGymTask, NeMoGymTaskConfig
from verifiers.v1.tasksets.nemo_gym.toolset import NeMoGymState
from verifiers.v1.trace import Trace
from verifiers.v1.types import AssistantMessage, UserMessage


async def scored(url, text, answer):
    row = {
        "responses_create_params": {"input": [{"role": "user", "content": "What is 1/2 + 1/3?"}]},
        "expected_answer": answer,
    }
    task = NeMoGymTask(
        NeMoGymData(name="a", prompt="What is 1/2 + 1/3?", row=row), NeMoGymTaskConfig(resources_url=url)
    )
    nodes = [
        MessageNode(message=UserMessage(content="What is 1/2 + 1/3?")),
        MessageNode(parent=0, message=AssistantMessage(content=text), sampled=True),
    ]
    trace = Trace.model_construct(nodes=nodes, rewards={}, metrics={}, info={}, errors=[], state=NeMoGymState())
    trace.id = "t"
    error = None
    await task.setup(trace, None)
    try:
        await task.score(trace)
    except TaskError as caught:
        error = str(caught)
    rewards = {name: reward if reward is None else reward.value for name, reward in trace.rewards.items()}
    return {"rewards": rewards, "metrics": trace.metrics, "error": error}


async def main():
    url, pairs = sys.argv[1], json.loads(sys.argv[2])
    print(json.dumps([await scored(url, *pair) for pair in pairs]))


asyncio.run(main())
