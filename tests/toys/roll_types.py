"""ROLL's types, as stand-ins in the form of alibaba/ROLL's roll/distributed/executor/worker.py (4d68571),
scheduler/protocol.py (4d68571) and pipeline/rlvr/rewards/general_val_rule_reward_worker.py (ef37950): ROLL is on no index
and needs a GPU."""

from types import SimpleNamespace

import numpy
import torch

PAD = 0


class Worker:
    def __init__(self, worker_config):
        self.worker_config = worker_config

    def initialize(self, pipeline_config):
        self.pipeline_config = pipeline_config


class Tokenizer:
    """A token a character."""

    pad_token_id = PAD

    def decode(self, ids, skip_special_tokens):
        assert not skip_special_tokens, "some models write <think> as a special token"
        return "".join("<pad>" if number == PAD else chr(number - 1) for number in ids)


class DataProto(SimpleNamespace):
    @staticmethod
    def from_dict(tensors):
        return DataProto(batch=tensors, meta_info={})


STAND_INS = {
    "roll": {},
    "roll.distributed": {},
    "roll.distributed.executor": {},
    "roll.distributed.executor.worker": {"Worker": Worker},
    "roll.distributed.scheduler": {},
    "roll.distributed.scheduler.decorator": {
        "Dispatch": SimpleNamespace(ONE_TO_ALL="one", DP_MP_COMPUTE="dp"),
        "register": lambda dispatch_mode, clear_cache=True: lambda method: method,
    },
    "roll.distributed.scheduler.protocol": {"DataProto": DataProto},
    "roll.models": {},
    "roll.models.model_providers": {"default_tokenizer_provider": lambda model_args: Tokenizer()},
}


def padded(texts, left):
    width = max(map(len, texts)) + 2
    rows = [[PAD] * (width - len(text)) for text in texts]
    ids = [[ord(char) + 1 for char in text] for text in texts]
    return torch.tensor([pad + text if left else text + pad for pad, text in zip(rows, ids, strict=True)])


def batch(*texts, prompt="<|im_start|>user\nWhich?<|im_end|>", step=3, **columns):
    columns = {"ground_truth": "yes", "tag": "toys", "domain": "math_rule", "id": "7", **columns}
    return SimpleNamespace(
        batch={"prompts": padded([prompt] * len(texts), left=True), "responses": padded(texts, left=False)},
        non_tensor_batch={name: numpy.array([value] * len(texts), dtype=object) for name, value in columns.items()},
        meta_info={"global_step": step},
    )
