"""Completions a second of the suite on Ray Serve, by how many replicas the gateway and each verifier have. As root:

    uv pip install 'ray[serve]'
    unshare --net python benchmarks/ray_replicas.py

One node, in a network namespace of its own, since Ray takes the machine's address also when told another. Groups of 16 new
completions of 3 KB go to a domain of answer and format; clients, proxies, gateways and verifiers share the machine's cores.
"""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import httpx
from answer import PROSE

ROOT = Path(__file__).parents[1]
FOLDERS = [str(ROOT / "deploy"), str(ROOT / "tests" / "toys")]
sys.path[:0] = FOLDERS
PORT, CLIENTS, SECONDS = 8700, 8, 20.0
DOMAIN = "components:\n  - {verifier: answer}\n  - {verifier: format, options: {template: think_answer}}\n"


def group(number: int) -> dict[str, object]:
    texts = [
        f"<think>{number} {member} {PROSE * 28}</think><answer>{number + member % 4}</answer>" for member in range(16)
    ]
    return {"completions": texts, "reference": str(number)}


def rate(numbers: itertools.count[int], seconds: float) -> tuple[float, int]:
    """Completions a second of all clients, and samples that got no verdict or a wrong one."""
    done, faults = [0] * CLIENTS, [0] * CLIENTS
    begun = time.monotonic()

    def send(client: int) -> None:
        with httpx.Client(base_url=f"http://127.0.0.1:{PORT}", timeout=60) as http:
            while time.monotonic() < begun + seconds:
                reply = http.post("/score/form", json=group(next(numbers)))
                rewards = [None] * 16
                if reply.status_code == 200:
                    rewards = [result["reward"] for result in reply.json()["results"]]
                faults[client] += sum(reward != 2.0 - (member % 4 > 0) for member, reward in enumerate(rewards))
                done[client] += len(rewards)

    threads = [threading.Thread(target=send, args=(client,)) for client in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(done) / (time.monotonic() - begun), sum(faults)


def main() -> None:
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    os.environ["PYTHONPATH"] = os.pathsep.join(FOLDERS)  # of the replicas
    import ray
    import ray_serve
    from ray import serve
    from ray.serve.config import HTTPOptions
    from toy_gateway import ELSEWHERE, write_domains

    from reward_api.settings import GatewaySettings

    ray.init(address="local", num_cpus=32, object_store_memory=100 << 20, include_dashboard=False, log_to_driver=False)
    serve.start(proxy_location="HeadOnly", http_options=HTTPOptions(host="127.0.0.1", port=PORT))
    folder = write_domains(Path(tempfile.mkdtemp()), {"form": DOMAIN})
    elsewhere = {name: url for name, url in ELSEWHERE.items() if name != "answer"}
    settings = GatewaySettings(domains=folder, verifier_urls=elsewhere)
    numbers = itertools.count(1000)
    print(f"{os.cpu_count()} cores\n\n| replicas of each | completions a second | faults | load |\n|---|---|---|---|")
    for replicas in (1, 2, 4, 1):
        ray_serve.MIN_REPLICAS = ray_serve.MAX_REPLICAS = replicas
        ray_serve.start(settings, PORT, cpus={"answer": 1, "format": 1})
        while rate(numbers, 3.0)[1]:  # until all of them are there
            pass
        speed, faults = rate(numbers, SECONDS)
        print(f"| {replicas} | {speed:,.0f} | {faults} | {os.getloadavg()[0]:.0f} |", flush=True)
    serve.shutdown()


if __name__ == "__main__":
    main()
