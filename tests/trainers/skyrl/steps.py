"""In SkyRL's environment: `skyrl_gym.make` of our environment, stepped as its generator does, in a pool of threads.

Argument: JSON of rows with text. Prints what each step gave, and the metrics of all.
"""

import json
import sys
from concurrent.futures import ThreadPoolExecutor

import skyrl_gym
from skyrl_gym.metrics import aggregate_for_environment


def stepped(row):
    extras = {"data_source": "toys", "reward_spec": {"method": "rule", "ground_truth": "yes"}, **row.get("extras", {})}
    try:
        env = skyrl_gym.make("touchstone", env_config=None, extras=extras)
        prompt, _ = env.init([{"role": "user", "content": "What is 1/2 + 1/3?"}])
        step = env.step(row["text"])
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"}, None
    return {"prompt": prompt, **step}, env.get_metrics()


def main():
    skyrl_gym.register(id="touchstone", entry_point="trainer_client.adapters.skyrl:TouchstoneEnv")
    with ThreadPoolExecutor(32) as pool:
        results = list(pool.map(stepped, json.loads(sys.argv[1])))
    metrics = aggregate_for_environment("touchstone", [message for _, message in results if message])
    print(json.dumps({"steps": [step for step, _ in results], "metrics": metrics}))


main()
