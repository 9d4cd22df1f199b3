"""SandboxFusion's clients: verl's own code reward, to the sandbox service.

    touchstone serve sandbox --port 8004
    python examples/sandbox_fusion_rewards.py

What a training is told (docs/trainers/sandbox_fusion.md); in ROLL, `code_url` of the code worker with `use_local: false`:

    python -m verl.trainer.main_ppo reward.sandbox_fusion.url=http://127.0.0.1:8004/run_code \\
        reward.sandbox_fusion.max_concurrent=64 reward.sandbox_fusion.memory_limit_mb=1024 …
"""

from __future__ import annotations

import json
import os
import threading

from verl.utils.reward_score import default_compute_score

URL = os.environ.get("TOUCHSTONE_SANDBOX_URL", "http://127.0.0.1:8004") + "/run_code"
TESTS = json.dumps({"inputs": ["1 2\n", "5 -5\n"], "outputs": ["3\n", "0"]})


def main() -> None:
    for code in ("a, b = map(int, input().split())\nprint(a + b)", "print(3)", "def f(:"):
        score = default_compute_score(
            "codecontests",
            f"```python\n{code}\n```",
            TESTS,
            sandbox_fusion_url=URL,
            concurrent_semaphore=threading.Semaphore(4),
            memory_limit_mb=1024,
        )
        print(score, code.splitlines()[-1])


main()


# It was run: Linux, Python 3.11, no GPU, verl 0.9.1.
#   $ python examples/sandbox_fusion_rewards.py
#   1.0 print(a + b)
#   0.5 print(3)
#   0.0 def f(:
