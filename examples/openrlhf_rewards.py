"""OpenRLHF: its own agent executor with a stand-in for vLLM, and the gateway's rewards over HTTP.

    touchstone serve
    python examples/openrlhf_rewards.py

What a training is told (docs/trainers/openrlhf.md):

    python -m openrlhf.cli.train_ppo_ray \\
        --reward.remote_url "http://127.0.0.1:8700/compat/openrlhf/math?group_size=4" --rollout.n_samples_per_prompt 4 …
"""

from __future__ import annotations

import asyncio
import os
import sys
from types import ModuleType, SimpleNamespace
from typing import Any

from bytes_tokenizer import bytes_tokenizer
from rollouts import COMPLETIONS, QUESTION

URL = f"{os.environ.get('TOUCHSTONE_URL', 'http://127.0.0.1:8700')}/compat/openrlhf/math?group_size=4"


class StandIn(ModuleType):
    """vLLM, which needs a GPU build; nothing of it is used here but names."""

    __path__ = ()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (), {})


for name in ("vllm", "vllm.inputs", "vllm.utils", "vllm.lora", "vllm.lora.request", "vllm.sampling_params"):
    sys.modules[name] = StandIn(name)

from openrlhf.utils.agent import SingleTurnAgentExecutor  # noqa: E402


class Engine:
    """Writes one completion after the other."""

    def __init__(self, tokenizer: Any) -> None:
        self.left = [tokenizer(text + "<|im_end|>")["input_ids"] for text in COMPLETIONS]

    async def generate(self, prompt_token_ids: Any, sampling_params: Any, multi_modal_data: Any = None) -> Any:
        output = SimpleNamespace(token_ids=self.left.pop(0), finish_reason="stop", logprobs=None, text="")
        return SimpleNamespace(outputs=[output])


async def main() -> None:
    tokenizer = bytes_tokenizer()
    prompt = tokenizer.apply_chat_template(
        [{"role": "user", "content": QUESTION}], add_generation_prompt=True, tokenize=False
    )
    sampling = SimpleNamespace(max_tokens=400, logprobs=None)
    for label in ("5/6", None):
        engine, executor = Engine(tokenizer), SingleTurnAgentExecutor(URL)
        rollouts = (executor.execute(prompt, label, sampling, 2000, tokenizer, engine) for _ in COMPLETIONS)
        for one in await asyncio.gather(*rollouts):
            print(one["reward"], one["scores"], one["extra_logs"])


asyncio.run(main())


# It was run: Linux, Python 3.11, no GPU, openrlhf 0.11.2.
#   $ python examples/openrlhf_rewards.py
#   3.0 1.0 {'answer': 1.0, 'format': 1.0, 'language': 1.0, 'reflection': 0.0, 'valid': 1.0, 'imputed': 0.0}
#   2.0 0.0 {'answer': 0.0, 'format': 1.0, 'language': 1.0, 'reflection': 0.0, 'valid': 1.0, 'imputed': 0.0}
#   2.0 1.0 {'answer': 1.0, 'format': 0.0, 'language': 1.0, 'reflection': 0.0, 'valid': 1.0, 'imputed': 0.0}
#   2.0 0.0 {'answer': 0.0, 'format': 1.0, 'language': 1.0, 'reflection': 0.0, 'valid': 1.0, 'imputed': 0.0}
#   1.5 0.5 {'answer': 0.5, 'format': 1.0, 'language': 1.0, 'reflection': 0.0, 'valid': 0.0, 'imputed': 1.0}
#   1.5 0.5 {'answer': 0.5, 'format': 1.0, 'language': 1.0, 'reflection': 0.0, 'valid': 0.0, 'imputed': 1.0}
#   1.5 0.5 {'answer': 0.5, 'format': 0.0, 'language': 1.0, 'reflection': 0.0, 'valid': 0.0, 'imputed': 1.0}
#   1.5 0.5 {'answer': 0.5, 'format': 1.0, 'language': 1.0, 'reflection': 0.0, 'valid': 0.0, 'imputed': 1.0}
