"""In OpenRLHF's environment: its own executor with a stand-in engine, then its own way from rewards to a batch.

Argument: JSON of groups by name, each with its url, prompt, completions and labels. Prints what its trainer would see.
"""

import asyncio
import json
import sys
import time
import types


class StandIn(types.ModuleType):
    """vLLM, which needs a GPU build; nothing of it is used here but names."""

    __path__ = ()

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (), {})


for name in ("vllm", "vllm.inputs", "vllm.utils", "vllm.lora", "vllm.lora.request", "vllm.sampling_params"):
    sys.modules[name] = StandIn(name)

import torch  # noqa: E402
from openrlhf.trainer.ppo_utils.experience import make_experience_batch, split_experience_batch  # noqa: E402
from openrlhf.trainer.ppo_utils.samples_generator import SamplesGenerator  # noqa: E402
from openrlhf.utils.agent import SingleTurnAgentExecutor  # noqa: E402
from tokenizers import Tokenizer, decoders, models, pre_tokenizers  # noqa: E402
from transformers import PreTrainedTokenizerFast  # noqa: E402

SPECIAL = ["<|im_start|>", "<|im_end|>", "<s>"]


def bytes_tokenizer():
    """A real fast tokenizer of 256 bytes and three special tokens."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    plain = Tokenizer(models.BPE({letter: index for index, letter in enumerate(alphabet)}, []))
    plain.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    plain.decoder = decoders.ByteLevel()
    return PreTrainedTokenizerFast(
        tokenizer_object=plain, bos_token="<s>", eos_token="<|im_end|>", additional_special_tokens=SPECIAL[:1]
    )


class Engine:
    """Writes one completion after the other."""

    def __init__(self, tokenizer, completions):
        self.left = [tokenizer(text, add_special_tokens=False)["input_ids"] for text in completions]

    async def generate(self, prompt_token_ids, sampling_params, multi_modal_data=None):
        output = types.SimpleNamespace(token_ids=self.left.pop(0), finish_reason="stop", logprobs=None, text="")
        return types.SimpleNamespace(outputs=[output])


async def rollouts(requests):
    tokenizer = bytes_tokenizer()
    executor = SingleTurnAgentExecutor(requests["url"])
    engine = Engine(tokenizer, requests["completions"])
    sampling = types.SimpleNamespace(max_tokens=requests.get("max_tokens", 400), logprobs=None)
    return await asyncio.gather(
        *(
            executor.execute(requests["prompt"], label, sampling, requests.get("max_length", 2000), tokenizer, engine)
            for label in requests["labels"]
        )
    )


def main():
    print(json.dumps({name: group(requests) for name, requests in json.loads(sys.argv[1]).items()}))


def group(requests):
    begun = time.monotonic()
    responses = asyncio.run(rollouts(requests))
    message = {"seconds": time.monotonic() - begun, "rewards": [response["reward"] for response in responses]}
    return message if None in message["rewards"] else message | trained_on(responses)


def trained_on(responses):
    """As SamplesGenerator and the experience maker go on: tensors of one shape, a batch, the group's advantages."""
    make = SamplesGenerator._process_response_into_experience
    experiences = [make(None, response, max_len=2000) for response in responses]
    batch = make_experience_batch([split_experience_batch(experience)[0] for experience in experiences])
    rewards = torch.cat([experience.rewards for experience in experiences]).reshape(1, -1)
    scores = [experience.scores[0].item() for experience in experiences]
    return {
        "shapes": sorted({str(list(experience.rewards.shape)) for experience in experiences}),
        "dtypes": sorted({str(experience.rewards.dtype) for experience in experiences}),
        "advantages": (rewards - rewards.mean(-1, keepdim=True)).flatten().tolist(),
        "scores": scores,
        "is_kept_by_dynamic_filtering": 0.0 < sum(scores) / len(scores) < 1.0,
        "logs": {name: [float(value) for value in values] for name, values in batch.info.items()},
    }


main()
