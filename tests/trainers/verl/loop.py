"""In verl's environment, with a local Ray: its RewardLoopManager. Argument: JSON of settings, rows and a folder."""

import json
import sys

import ray
from bytes_tokenizer import bytes_tokenizer
from verl.experimental.reward_loop import RewardLoopManager
from verl.trainer.ppo.core_algos import compute_grpo_outcome_advantage
from world import batch, configuration


def main():
    requests = json.loads(sys.argv[1])
    tokenizer = bytes_tokenizer()
    tokenizer.save_pretrained(requests["folder"])
    # A model's configuration of a kind for which the tokenizer stays what it is.
    with open(f"{requests['folder']}/config.json", "w") as file:
        json.dump({"model_type": "mistral"}, file)
    # Of its own: an address that some other cluster has left on this machine is not looked for.
    ray.init("local", num_cpus=1, include_dashboard=False, log_to_driver=False)
    data = batch(tokenizer, requests["rows"])
    loop = RewardLoopManager(configuration("function", requests["folder"], **requests["settings"]))
    got = loop.compute_rm_score(data)
    mask = data.batch["attention_mask"][:, data.batch["prompts"].shape[1] :]
    scores = got.batch["rm_scores"]
    advantages, _ = compute_grpo_outcome_advantage(scores.clone(), mask, data.non_tensor_batch["uid"])
    message = {
        "rewards": scores.sum(-1).tolist(),
        "keys": got.meta_info["reward_extra_keys"],
        "failed": got.non_tensor_batch["failed"].tolist(),
        "advantages": advantages[:, 0].tolist(),
    }
    ray.shutdown()
    print(json.dumps(message))


main()
