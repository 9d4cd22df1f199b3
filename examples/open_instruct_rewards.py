"""open-instruct: the requests of its code verifier, to the sandbox service.

    touchstone serve sandbox --port 8004
    python examples/open_instruct_rewards.py

What a training is told (docs/trainers/open_instruct.md):

    python open_instruct/grpo_fast.py --code_api_url http://127.0.0.1:8004/test_program --code_max_execution_time 2.0 …
"""

from __future__ import annotations

import os

import httpx

URL = os.environ.get("TOUCHSTONE_SANDBOX_URL", "http://127.0.0.1:8004")
CALLS = ["assert add(1, 2) == 3", "assert add(-1, 1) == 0"]
LINES = [{"input": "1 2\n", "output": "3\n"}, {"input": "5 -5\n", "output": "0\n"}]
SUM = "a, b = map(int, input().split())\nprint(a + b)"


def main() -> None:
    jobs = [
        ("/test_program", "def add(a, b):\n    return a + b", CALLS),
        ("/test_program", "def add(a, b):\n    return 3", CALLS),
        ("/test_program", "import os\nos._exit(0)", CALLS),
        ("/test_program_stdio", SUM, LINES),
        ("/test_program_stdio", "while True: pass", LINES),
    ]
    for path, program, tests in jobs:
        body = {"program": program, "tests": tests, "max_execution_time": 1.0}
        reply = httpx.post(URL + path, json=body, timeout=60).raise_for_status().json()
        print(path, reply["results"])


main()


# It was run: Linux, Python 3.11, no GPU, open-instruct not installed.
#   $ python examples/open_instruct_rewards.py
#   /test_program [1, 1]
#   /test_program [1, 0]
#   /test_program [0, 0]
#   /test_program_stdio [1, 1]
#   /test_program_stdio [0, 0]
