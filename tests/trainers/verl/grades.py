"""In verl's environment: its built-in code reward against a sandbox. Arguments: the URL of /run_code, and JSON of cases."""

import json
import sys
import threading

from verl.utils.reward_score import default_compute_score
from verl.utils.reward_score.sandbox_fusion.utils import check_correctness


def main():
    url, cases = sys.argv[1], json.loads(sys.argv[2])
    message = []
    for case in cases:
        score = default_compute_score(
            "codecontests",
            f"```python\n{case['code']}\n```",
            json.dumps(case["tests"]),
            sandbox_fusion_url=url,
            concurrent_semaphore=threading.Semaphore(4),
            memory_limit_mb=1024,
        )
        results, metadata = check_correctness(url, case["tests"], case["code"], timeout=case.get("timeout", 10))
        message.append({"score": score, "results": results, "statuses": [one["status"] for one in metadata]})
    print(json.dumps(message))


main()
