"""In AReaL's environment: its RLVRWorkflow with our function, in its own pool of processes, and with our workflow.

Argument: JSON of rows with text. Prints each rollout's reward or error, by way.
"""

import asyncio
import json
import sys

from areal.api import ModelResponse
from areal.api.cli_args import GenerationHyperparameters
from areal.utils.dynamic_import import import_from_string
from bytes_tokenizer import bytes_tokenizer

WAYS = {
    "function": ("areal.workflow.rlvr.RLVRWorkflow", {"reward_fn": "trainer_client.adapters.areal.reward_fn"}),
    "workflow": ("trainer_client.adapters.areal.TouchstoneWorkflow", {}),
}


class Engine:
    """Writes one completion: generation needs a GPU."""

    def __init__(self, tokenizer, text):
        self.ids = tokenizer(text + "<|im_end|>", add_special_tokens=False)["input_ids"]

    async def agenerate(self, request):
        count = len(self.ids)
        return ModelResponse(
            input_tokens=list(request.input_ids),
            output_tokens=self.ids,
            output_logprobs=[0.0] * count,
            output_versions=[0] * count,
        )


async def rewards(way, rows):
    tokenizer = bytes_tokenizer()
    path, named = WAYS[way]
    workflow = import_from_string(path)(gconfig=GenerationHyperparameters(), tokenizer=tokenizer, **named)

    async def one(row):
        messages = [{"role": "user", "content": "What is 1/2 + 1/3?"}]
        data = {"messages": messages, "answer": "yes", "data_source": "toys", **row.get("columns", {})}
        rollout = await workflow.arun_episode(Engine(tokenizer, row["text"]), data)
        return None if rollout is None else rollout["rewards"].item()

    results = await asyncio.gather(*map(one, rows), return_exceptions=True)
    return [f"{type(one).__name__}: {one}" if isinstance(one, BaseException) else one for one in results]


async def main():
    rows = json.loads(sys.argv[1])
    print(json.dumps({way: await rewards(way, rows) for way in WAYS}))


if __name__ == "__main__":
    asyncio.run(main())
