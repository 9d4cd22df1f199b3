"""NeMo-Gym, NeMo-RL: the requests of a Gym agent to a resources server, here the gateway.

    touchstone serve
    python examples/nemo_gym_rewards.py

Gym starts each server of its YAML itself, so a small one of yours forwards these routes; Prime's verifiers take the address
(docs/trainers/nemo_gym.md):

    --env.taskset.id nemo_gym --env.taskset.dataset rows.jsonl \\
    --env.taskset.task.resources-url http://127.0.0.1:8700/compat/prime/math
"""

from __future__ import annotations

import os

import httpx
from rollouts import COMPLETIONS, QUESTION

URL = f"{os.environ.get('TOUCHSTONE_URL', 'http://127.0.0.1:8700')}/compat/nemo_gym/math/"
SHOWN = ("reward", "reward_components", "mask_sample", "failure_kind", "failure_reason")


def row(answer: str | None, text: str) -> dict[str, object]:
    message = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": text}]}
    return {
        "responses_create_params": {"input": [{"role": "user", "content": QUESTION}]},
        "expected_answer": answer,
        "response": {"output": [message]},
    }


def main() -> None:
    with httpx.Client(base_url=URL, timeout=60) as server:
        server.post("seed_session", json={}).raise_for_status()
        for answer, text in [*(("5/6", text) for text in COMPLETIONS), (None, COMPLETIONS[0])]:
            reply = server.post("verify", json=row(answer, "<think>\n" + text)).raise_for_status().json()
            print({name: reply[name] for name in SHOWN})
        server.post("close_session", json={}).raise_for_status()


main()


# It was run: Linux, Python 3.11, no GPU, nemo-gym not installed.
#   $ python examples/nemo_gym_rewards.py
#   {'reward': 3.0, 'reward_components': {'answer': 1.0, 'format': 1.0, 'language': 1.0}, 'mask_sample':
#     False, 'failure_kind': None, 'failure_reason': None}
#   {'reward': 2.0, 'reward_components': {'answer': 0.0, 'format': 1.0, 'language': 1.0}, 'mask_sample':
#     False, 'failure_kind': None, 'failure_reason': None}
#   {'reward': 2.0, 'reward_components': {'answer': 1.0, 'format': 0.0, 'language': 1.0}, 'mask_sample':
#     False, 'failure_kind': None, 'failure_reason': None}
#   {'reward': 2.0, 'reward_components': {'answer': 0.0, 'format': 1.0, 'language': 1.0}, 'mask_sample':
#     False, 'failure_kind': None, 'failure_reason': None}
#   {'reward': 1.5, 'reward_components': {'answer': 0.5, 'format': 0.5, 'language': 0.5}, 'mask_sample': True,
#     'failure_kind': 'touchstone:bad_reference', 'failure_reason': 'answer: reference.: answer is missing'}
