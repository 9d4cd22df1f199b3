"""In SkyRL's environment: its own `search` environment, with our URL in its configuration.

Arguments: the URL; JSON of what the model writes, turn by turn; the right answer; how many episodes at once (1). Prints
what each step of them gave.
"""

import json
import sys
from concurrent.futures import ThreadPoolExecutor

import skyrl_gym
from omegaconf import OmegaConf


def episode(url, turns, answer):
    config = OmegaConf.create({"search_url": url, "topk": 3, "timeout": 30, "log_requests": False})
    extras = {"reward_spec": {"ground_truth": {"target": [answer]}}, "max_turns": 3}
    env = skyrl_gym.make("search", env_config=config, extras=extras)
    env.init([{"role": "user", "content": "In which year was Velmora founded?"}])
    return [env.step(turn) for turn in turns]


def main():
    url, turns, answer, number = sys.argv[1], json.loads(sys.argv[2]), sys.argv[3], int((sys.argv[4:] or [1])[0])
    with ThreadPoolExecutor(number) as pool:
        episodes = list(pool.map(lambda _: episode(url, turns, answer), range(number)))
    print(json.dumps([step for steps in episodes for step in steps]))


main()
