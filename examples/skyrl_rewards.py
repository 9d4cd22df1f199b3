"""SkyRL: its own registry makes the environment, and steps it. Generation needs a GPU; this does not.

    touchstone serve
    TOUCHSTONE_SOURCES=openai/gsm8k=math python examples/skyrl_rewards.py

A training needs the environment registered where its entry point runs, in the task that Ray starts (docs/trainers/skyrl.md):

    skyrl_gym.register(id="touchstone", entry_point="trainer_client.adapters.skyrl:TouchstoneEnv")

    TOUCHSTONE_SOURCES=openai/gsm8k=math python main_touchstone.py environment.env_class=touchstone \\
        generator.n_samples_per_prompt=8 trainer.algorithm.advantage_estimator=grpo …
"""

from __future__ import annotations

import skyrl_gym
from rollouts import COMPLETIONS, QUESTION

skyrl_gym.register(id="touchstone", entry_point="trainer_client.adapters.skyrl:TouchstoneEnv")


def main() -> None:
    for answer, text in [*(("5/6", text) for text in COMPLETIONS), (None, COMPLETIONS[0])]:
        extras = {"data_source": "openai/gsm8k", "reward_spec": {"method": "rule", "ground_truth": answer}}
        env = skyrl_gym.make("touchstone", env_config=None, extras=extras)
        env.init([{"role": "user", "content": QUESTION}])
        try:
            step = env.step("<think>\n" + text)
        except Exception as error:
            print(f"{type(error).__name__}: {error}")
        else:
            print(step["reward"], step["metadata"]["canonical"], env.get_metrics())


main()


# It was run: Linux, Python 3.11, no GPU, skyrl-gym 0.4.0.
#   $ TOUCHSTONE_SOURCES=openai/gsm8k=math python examples/skyrl_rewards.py
#   3.0 5/6 {'reward': 3.0, 'answer': 1.0, 'format': 1.0, 'language': 1.0, 'reflection': 0.0}
#   2.0 2/5 {'reward': 2.0, 'answer': 0.0, 'format': 1.0, 'language': 1.0, 'reflection': 0.0}
#   2.0 5/6 {'reward': 2.0, 'answer': 1.0, 'format': 0.0, 'language': 1.0, 'reflection': 0.0}
#   2.0 4166666666666667/5000000000000000 {'reward': 2.0, 'answer': 0.0, 'format': 1.0, 'language': 1.0,
#     'reflection': 0.0}
#   NoVerdict: bad_reference: answer: reference.: answer is missing
