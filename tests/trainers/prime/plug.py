"""In the environment of Prime's verifiers: the reward plugged into a task by its configuration, scored as its rollouts are.

Arguments: JSON of [completion, answer] pairs, and a domain. Prints each trace's rewards, metrics and error.
"""

import asyncio
import json
import sys

import verifiers.v1 as vf
from verifiers.v1.errors import RolloutError
from verifiers.v1.graph import MessageNode
from verifiers.v1.trace import Trace
from verifiers.v1.types import AssistantMessage, SystemMessage, UserMessage

CONFIG = {"rewards": {"touchstone": {"fn": "trainer_client.adapters.prime:reward", "weight": 1.0}}}


class Data(vf.TaskData):
    answer: str
    domain: str


async def scored(text, answer, domain):
    task = vf.Task(Data(name="a", prompt="Which?", answer=answer, domain=domain), vf.TaskConfig.model_validate(CONFIG))
    nodes = [
        MessageNode(message=SystemMessage(content="Think.")),
        MessageNode(parent=0, message=UserMessage(content="Which?")),
        MessageNode(parent=1, message=AssistantMessage(content=text), sampled=True),
    ]
    trace = Trace.model_construct(nodes=nodes, calls=[], rewards={}, metrics={}, info={}, errors=[])
    error = None
    try:
        await task.score(trace)
    except RolloutError as caught:
        error = f"{type(caught).__name__}: {caught}"
    rewards = {name: reward and [reward.score, reward.weight] for name, reward in trace.rewards.items()}
    return {"rewards": rewards, "metrics": trace.metrics, "error": error}


async def main():
    pairs, domain = json.loads(sys.argv[1]), sys.argv[2]
    print(json.dumps(await asyncio.gather(*(scored(*pair, domain) for pair in pairs))))


asyncio.run(main())
