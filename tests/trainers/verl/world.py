"""What a verl worker has around a reward: its configuration, a tokenizer, and rollouts as its DataProto."""

from pathlib import Path

import numpy as np
import torch
import verl
from omegaconf import OmegaConf
from tensordict import TensorDict
from verl import DataProto

PROMPT = "<|im_start|>user\nWhat is 1/2 + 1/3?<|im_end|>\n<|im_start|>assistant\n<think>\n"
PATHS = {
    "function": ["reward.custom_reward_function.path=pkg://trainer_client.adapters.verl"],
    "manager": [
        "reward.reward_manager.source=importlib",
        "reward.reward_manager.name=TouchstoneRewardManager",
        "reward.reward_manager.module.path=pkg://trainer_client.adapters.verl_manager",
    ],
}


def configuration(kind, model="", *, size=4, **kwargs):
    """verl's own reward.yaml with the flags of docs/trainers/verl.md over it."""
    folder = Path(verl.__file__).parent / "trainer" / "config"
    rollout = {"n": size, "val_kwargs": {"n": 2}, "response_length": 200}
    base = {
        "reward": OmegaConf.load(folder / "reward" / "reward.yaml"),
        "actor_rollout_ref": {"model": {"path": model, "tokenizer_path": None}, "rollout": rollout},
    }
    given = {"reward": {"custom_reward_function": {"reward_kwargs": kwargs}}}
    return OmegaConf.merge(base, OmegaConf.from_dotlist(PATHS[kind] + ["reward.num_workers=1"]), given)


def ids(tokenizer, text):
    return tokenizer(text, add_special_tokens=False)["input_ids"]


def columns(row):
    """A row of the data set, repeated for each of its rollouts, as verl's trainers have it."""
    return {
        "data_source": row.get("source", "toys"),
        "reward_model": {"style": "rule", "ground_truth": row.get("truth", "yes")},
        "extra_info": {"index": 0, "split": "train", **row.get("extra", {})},
        "uid": row.get("uid", "u"),
        "raw_prompt": [{"role": "user", "content": "What is 1/2 + 1/3?"}],
    }


def batch(tokenizer, rows):
    """Prompts padded on the left and responses on the right."""
    prompt = ids(tokenizer, PROMPT)
    responses = [ids(tokenizer, row["text"] + "<|im_end|>") for row in rows]
    longest = max(map(len, responses))
    padded = torch.tensor([one + [tokenizer.pad_token_id] * (longest - len(one)) for one in responses])
    prompts = torch.tensor([[tokenizer.pad_token_id] * 3 + prompt] * len(rows))
    mask = [[0] * 3 + [1] * (len(prompt) + len(one)) + [0] * (longest - len(one)) for one in responses]
    tensors = {"prompts": prompts, "responses": padded, "attention_mask": torch.tensor(mask)}
    data = TensorDict(tensors, batch_size=len(rows))
    message = [columns(row) for row in rows]
    arrays = {name: np.empty(len(rows), dtype=object) for name in message[0]}
    for name, array in arrays.items():
        array[:] = [one[name] for one in message]
    return DataProto(batch=data, non_tensor_batch=arrays)
