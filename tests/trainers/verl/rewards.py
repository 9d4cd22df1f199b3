"""In verl's environment, without Ray: its own reward managers and trainer code with our function or manager.

Argument: JSON of cases by name, each with kind, settings and rows. Prints what verl's trainer would see of each.
"""

import asyncio
import json
import sys
from types import SimpleNamespace

import numpy as np
import torch
from bytes_tokenizer import bytes_tokenizer
from verl import DataProto
from verl.experimental.agent_loop.agent_loop import AgentLoopMetrics, AgentLoopOutput
from verl.trainer.ppo.core_algos import compute_grpo_outcome_advantage
from verl.trainer.ppo.metric_utils import process_validation_metrics
from verl.trainer.ppo.reward import load_reward_manager
from verl.trainer.ppo.v1 import agent_loop_tq
from verl.trainer.ppo.v1.utils import compute_advantage_for_multi_trajectories
from world import PROMPT, batch, columns, configuration, ids


async def case(tokenizer, requests):
    config = configuration(requests["kind"], size=requests.get("size", 4), **requests["settings"])
    manager = load_reward_manager(config, tokenizer)
    return await (dropped if requests.get("trainer") == "v1" else scored)(manager, tokenizer, config, requests["rows"])


async def scored(manager, tokenizer, config, rows):
    """Each sample by run_single, all at once, and then the group's advantages and a validation's metrics."""
    data = batch(tokenizer, rows)
    results = await asyncio.gather(
        *(manager.run_single(data[index : index + 1]) for index in range(len(rows))), return_exceptions=True
    )
    if errors := [f"{type(one).__name__}: {one}" for one in results if isinstance(one, BaseException)]:
        return {"errors": errors}
    rewards = [one["reward_score"] for one in results]
    extras = [one["reward_extra_info"] for one in results]
    # As RewardLoopManager.compute_rm_score and the agent loop do it: by the first sample's keys.
    arrays = {name: np.array([extra[name] for extra in extras]) for name in extras[0]}
    scores = manager.assemble_rm_scores(data, rewards)
    uids = data.non_tensor_batch["uid"]
    mask = data.batch["attention_mask"][:, data.batch["prompts"].shape[1] :]
    advantages, _ = compute_grpo_outcome_advantage(scores, mask, uids)
    metrics = process_validation_metrics(
        data.non_tensor_batch["data_source"], uids, {name: array.tolist() for name, array in arrays.items()}
    )
    return {
        "rewards": rewards,
        "extras": extras,
        "advantages": advantages[:, 0].tolist(),
        "metrics": {
            source: {name: dict(matches) for name, matches in message.items()} for source, message in metrics.items()
        },
    }


async def dropped(manager, tokenizer, config, rows):
    """verl's v1 worker runs a prompt's sessions; what it puts into the transfer queue becomes the batch."""
    put, tags = {}, {}

    async def put_one(key, partition_id, tag):
        tags[key] = tag["status"]

    async def put_many(keys, fields, tags, partition_id):
        put.update({key: fields[index] for index, key in enumerate(keys)})

    agent_loop_tq.tq = SimpleNamespace(async_kv_put=put_one, async_kv_batch_put=put_many)
    kind = agent_loop_tq.AgentLoopWorkerTQ.__ray_metadata__.modified_class
    worker = object.__new__(kind)
    worker.config, worker.tokenizer, worker.processor = config, tokenizer, None
    worker.distillation_enabled, worker.mm_processor_kwargs = False, {}
    worker.reward_loop_worker_handles = [SimpleNamespace(compute_score=SimpleNamespace(remote=manager.run_single))]

    async def run(sampling_params, *, trajectory, trace, session_id, **prompt):
        """Generation, which needs a GPU; then verl's own way on."""
        response = ids(tokenizer, rows[session_id]["text"] + "<|im_end|>")
        output = AgentLoopOutput(
            prompt_ids=ids(tokenizer, PROMPT),
            response_ids=response,
            response_mask=[1] * len(response),
            num_turns=2,
            metrics=AgentLoopMetrics(),
        )
        await worker._agent_loop_postprocess(output, trajectory["validate"], session_id=session_id, **prompt)

    worker._run_agent_loop = run
    prompt = {**columns(rows[0]), "global_steps": 1, "__rollout_n__": len(rows)}
    await worker._run_prompt(prompt, {}, trajectory={"validate": False})
    keys = sorted(put)
    longest = max(len(put[key]["responses"]) for key in keys)
    data = DataProto.from_dict(
        tensors={
            "response_mask": torch.stack([padded(put[key]["response_mask"], longest) for key in keys]),
            "token_level_rewards": torch.stack([padded(put[key]["rm_scores"], longest) for key in keys]),
        },
        non_tensors={"uid": np.array(["u"] * len(keys), dtype=object)},
    )
    message = compute_advantage_for_multi_trajectories(data, keys, "grpo", config=None)
    return {
        "status": tags["u"],
        "sessions": [int(key.split("_")[1]) for key in keys],
        "advantages": message.batch["advantages"][:, 0].tolist(),
    }


def padded(row, length):
    row = torch.as_tensor(row)
    return torch.nn.functional.pad(row, (0, length - len(row)))


async def main():
    tokenizer = bytes_tokenizer()
    print(json.dumps({name: await case(tokenizer, requests) for name, requests in json.loads(sys.argv[1]).items()}))


asyncio.run(main())
