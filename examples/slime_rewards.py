"""slime, miles: what their rollout calls, with a stand-in for their Sample: the package needs a GPU and is not on PyPI.

    touchstone serve
    python examples/slime_rewards.py

What a training is told (docs/trainers/slime.md):

    TOUCHSTONE_DOMAIN=math python train.py --custom-rm-path trainer_client.adapters.slime.custom_rm --reward-key reward \\
        --prompt-data gsm8k.jsonl --input-key prompt --label-key label --apply-chat-template --n-samples-per-prompt 4 …
"""

from __future__ import annotations

import asyncio
import os
from types import SimpleNamespace

from rollouts import COMPLETIONS, QUESTION

from trainer_client.adapters.slime import custom_rm

ARGUMENTS = SimpleNamespace(n_samples_per_prompt=4, reward_key="reward", eval_reward_key=None, group_rm=False)


def samples(group: int, label: str | None) -> list[SimpleNamespace]:
    """The fields of slime/utils/types.py that a reward has to do with."""
    common = {"group_index": group, "prompt": f"{QUESTION}\n<think>\n", "label": label, "remove_sample": False}
    status = SimpleNamespace(value="completed")
    return [
        SimpleNamespace(**common, response=text, response_length=len(text), status=status, metadata={"domain": "math"})
        for text in COMPLETIONS
    ]


async def main() -> None:
    # The last row's answer is missing: no verdict. Its number is the domain's mean, once there are 16 rewards.
    batch = [sample for group in range(5) for sample in samples(group, "5/6" if group < 4 else None)]
    rewards = await asyncio.gather(*(custom_rm(ARGUMENTS, sample) for sample in batch))
    for sample, reward in list(zip(batch, rewards, strict=True))[12:]:
        print(f"{reward['reward']:.3f}", f"valid={reward['valid']:.0f}", f"remove_sample={sample.remove_sample}")


os.environ.setdefault("TOUCHSTONE_DEADLINE_S", "30")
asyncio.run(main())


# It was run: Linux, Python 3.11, no GPU, slime not installed.
#   $ python examples/slime_rewards.py
#   3.000 valid=1 remove_sample=False
#   2.000 valid=1 remove_sample=False
#   2.000 valid=1 remove_sample=False
#   2.000 valid=1 remove_sample=False
#   2.250 valid=0 remove_sample=True
#   2.250 valid=0 remove_sample=True
#   2.250 valid=0 remove_sample=True
#   2.250 valid=0 remove_sample=True
