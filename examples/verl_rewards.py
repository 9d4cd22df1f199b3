"""verl: its own configuration loads our reward manager, and its own GRPO makes advantages of the rewards. No GPU needed.

    touchstone serve
    TOUCHSTONE_DOMAIN=math python examples/verl_rewards.py

What a training is told (docs/trainers/verl.md):

    TOUCHSTONE_SOURCES=openai/gsm8k=math python -m verl.trainer.main_ppo \\
        reward.reward_manager.source=importlib reward.reward_manager.name=TouchstoneRewardManager \\
        reward.reward_manager.module.path=pkg://trainer_client.adapters.verl_manager reward.num_workers=1 \\
        algorithm.adv_estimator=grpo actor_rollout_ref.rollout.n=8 actor_rollout_ref.model.path=Qwen/Qwen3-0.6B \\
        data.train_files=gsm8k/train.parquet data.val_files=gsm8k/test.parquet …
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import numpy as np
import torch
import verl
from bytes_tokenizer import bytes_tokenizer
from omegaconf import OmegaConf
from rollouts import COMPLETIONS, QUESTION
from tensordict import TensorDict
from verl import DataProto
from verl.trainer.ppo.core_algos import compute_grpo_outcome_advantage
from verl.trainer.ppo.reward import load_reward_manager

FLAGS = [
    "reward.reward_manager.source=importlib",
    "reward.reward_manager.name=TouchstoneRewardManager",
    "reward.reward_manager.module.path=pkg://trainer_client.adapters.verl_manager",
    "actor_rollout_ref.rollout.n=4",
]


def rollouts(tokenizer: Any, answer: str) -> DataProto:
    """One row a completion, as verl's agent loop makes it."""
    prompt = tokenizer.apply_chat_template([{"role": "user", "content": QUESTION}], add_generation_prompt=True)[
        "input_ids"
    ]
    responses = [tokenizer(text + "<|im_end|>")["input_ids"] for text in COMPLETIONS]
    longest = max(map(len, responses))
    tensors = {
        "prompts": torch.tensor([prompt] * len(responses)),
        "responses": torch.tensor([one + [tokenizer.pad_token_id] * (longest - len(one)) for one in responses]),
        "attention_mask": torch.tensor(
            [[1] * (len(prompt) + len(one)) + [0] * (longest - len(one)) for one in responses]
        ),
    }
    columns = {
        "data_source": ["openai/gsm8k"] * len(responses),
        "reward_model": [{"ground_truth": answer}] * len(responses),
        "extra_info": [{"index": 0, "split": "train"} for _ in responses],
        "uid": ["a"] * len(responses),
    }
    arrays = {name: np.array(values, dtype=object) for name, values in columns.items()}
    return DataProto(batch=TensorDict(tensors, batch_size=len(responses)), non_tensor_batch=arrays)


async def main() -> None:
    tokenizer = bytes_tokenizer()
    defaults = OmegaConf.load(Path(verl.__file__).parent / "trainer/config/reward/reward.yaml")
    config = OmegaConf.merge({"reward": defaults}, OmegaConf.from_dotlist(FLAGS))
    manager = load_reward_manager(config, tokenizer)
    data = rollouts(tokenizer, "5/6")
    results = await asyncio.gather(*(manager.run_single(data[index : index + 1]) for index in range(len(data))))
    for result in results:
        print({name: value for name, value in result["reward_extra_info"].items() if value is not None})
    scores = manager.assemble_rm_scores(data, [result["reward_score"] for result in results])
    mask = data.batch["attention_mask"][:, data.batch["prompts"].shape[1] :]
    advantages, _ = compute_grpo_outcome_advantage(scores, mask, data.non_tensor_batch["uid"])
    print("advantages", [round(advantage, 3) for advantage in advantages[:, 0].tolist()])


asyncio.run(main())


# It was run: Linux, Python 3.11, no GPU, verl 0.9.1.
#   $ TOUCHSTONE_DOMAIN=math python examples/verl_rewards.py
#   {'score': 3.0, 'acc': 1.0, 'pred': '5/6', 'failed': 0, 'failure': '', 'touchstone_answer': 1.0,
#     'touchstone_format': 1.0, 'touchstone_language': 1.0, 'touchstone_reflection': 0.0}
#   {'score': 2.0, 'acc': 0.0, 'pred': '2/5', 'failed': 0, 'failure': '', 'touchstone_answer': 0.0,
#     'touchstone_format': 1.0, 'touchstone_language': 1.0, 'touchstone_reflection': 0.0}
#   {'score': 2.0, 'acc': 1.0, 'pred': '5/6', 'failed': 0, 'failure': '', 'touchstone_answer': 1.0,
#     'touchstone_format': 0.0, 'touchstone_language': 1.0, 'touchstone_reflection': 0.0}
#   {'score': 2.0, 'acc': 0.0, 'pred': '4166666666666667/5000000000000000', 'failed': 0, 'failure': '',
#     'touchstone_answer': 0.0, 'touchstone_format': 1.0, 'touchstone_language': 1.0, 'touchstone_reflection':
#     0.0}
#   advantages [1.5, -0.5, -0.5, -0.5]
