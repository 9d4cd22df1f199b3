"""A task of Prime's verifiers with the gateway's reward plugged in by configuration, scored as its rollouts are.

pip install ./trainer_client verifiers==0.4.0
touchstone serve &
TOUCHSTONE_DOMAIN=math python examples/prime_task.py

printed

    3.0 {'touchstone_answer': 1.0, 'touchstone_format': 1.0, 'touchstone_language': 1.0, 'touchstone_reflection': 0.0}
    0.0 {'touchstone_answer': 0.0, 'touchstone_format': 0.0, 'touchstone_language': 0.0, 'touchstone_reflection': 0.0}
    no verdict: task Task scoring: NoVerdict: bad_reference: the reference answer cannot be read as mathematics: '\\\\begin{'
"""

import asyncio

import verifiers.v1 as vf
from verifiers.v1.graph import MessageNode
from verifiers.v1.trace import Trace
from verifiers.v1.types import AssistantMessage, UserMessage

QUESTION = "What is 1/2 + 1/3?"
THOUGHT = "<think>The common denominator is six, so we have three sixths and two sixths.</think>"
CONFIG = vf.TaskConfig.model_validate({"rewards": {"touchstone": {"fn": "trainer_client.adapters.prime:reward"}}})


class Data(vf.TaskData):
    """What the data set holds beyond the prompt is the reference."""

    answer: str


async def scored(text: str, answer: str) -> Trace:
    nodes = [
        MessageNode(message=UserMessage(content=QUESTION)),
        MessageNode(parent=0, message=AssistantMessage(content=text), sampled=True),
    ]
    trace = Trace.model_construct(nodes=nodes, calls=[], rewards={}, metrics={}, info={}, errors=[])
    await vf.Task(Data(prompt=QUESTION, answer=answer), CONFIG).score(trace)
    return trace


async def main() -> None:
    for text in (f"{THOUGHT}<answer>5/6</answer>", "It is 2/5."):
        trace = await scored(text, "5/6")
        print(trace.rewards["touchstone"].score, trace.metrics)
    try:
        await scored("It is 5/6.", r"\begin{")
    except vf.TaskError as error:
        print("no verdict:", error)


asyncio.run(main())
