"""AReaL: its own RLVRWorkflow with a stand-in for the engine, and the gateway's rewards. Generation needs a GPU.

    touchstone serve
    TOUCHSTONE_DOMAIN=math python examples/areal_rewards.py

What a training script says (docs/trainers/areal.md):

    trainer.train(workflow="trainer_client.adapters.areal.TouchstoneWorkflow",
                  workflow_kwargs={"gconfig": config.gconfig, "tokenizer": config.tokenizer_path})
"""

from __future__ import annotations

import asyncio
from typing import Any

from areal.api import ModelResponse
from areal.api.cli_args import GenerationHyperparameters
from bytes_tokenizer import bytes_tokenizer
from rollouts import COMPLETIONS, QUESTION

from trainer_client.adapters.areal import TouchstoneWorkflow


class Engine:
    """Writes one completion."""

    def __init__(self, tokenizer: Any, text: str) -> None:
        self.ids = tokenizer(text + "<|im_end|>")["input_ids"]

    async def agenerate(self, request: Any) -> ModelResponse:
        logprobs, versions = [0.0] * len(self.ids), [0] * len(self.ids)
        return ModelResponse(list(request.input_ids), self.ids, logprobs, versions)


async def main() -> None:
    tokenizer = bytes_tokenizer()
    workflow = TouchstoneWorkflow(gconfig=GenerationHyperparameters(), tokenizer=tokenizer)
    for answer, text in [*(("5/6", text) for text in COMPLETIONS), (None, COMPLETIONS[0])]:
        row = {"messages": [{"role": "user", "content": QUESTION}], "answer": answer}
        rollout = await workflow.arun_episode(Engine(tokenizer, text), row)
        print(None if rollout is None else (rollout["rewards"].item(), tuple(rollout["loss_mask"].shape)))


asyncio.run(main())


# It was run: Linux, Python 3.11, no GPU, areal 1.0.4.
#   $ TOUCHSTONE_DOMAIN=math python examples/areal_rewards.py
#   (3.0, (1, 160))
#   (2.0, (1, 144))
#   (2.0, (1, 127))
#   (2.0, (1, 159))
#   None
