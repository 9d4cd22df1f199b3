"""Two Ray nodes on this machine, one of which is killed under load. Prints what was seen as JSON.

Runs in a network namespace of its own (`unshare --net`), since Ray takes the machine's address also when told another.
"""

import json
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import httpx
import ray
from load import Load
from ray import serve
from ray._private.state import actors
from ray.cluster_utils import Cluster
from ray.serve.config import HTTPOptions
from ray_serve import start
from toy_gateway import ELSEWHERE, write_domains

from reward_api.settings import GatewaySettings
from trainer_client import RewardClient

PORT = 8700
NODE = {"num_cpus": 8, "object_store_memory": 100 << 20}
TEMPLATE = "components: [{verifier: format, options: {template: think_answer}}]\n"


def replicas():
    """Deployment and node of each replica."""
    alive = [one for one in actors().values() if one["State"] == "ALIVE" and "#" in one["Name"]]
    return sorted((one["Name"].split("#")[1], one["Address"]["NodeID"][:6]) for one in alive)


def texts(answer):
    return [(f"<think>so</think><answer>{answer}</answer>", 1), (f"no {answer}", 0)]


def until_whole():
    """Until every group of fifty in a row is scored."""
    good, begun = 0, time.monotonic()
    with httpx.Client(base_url=f"http://127.0.0.1:{PORT}", timeout=30) as client:
        while good < 50:
            reply = client.post("/score/form", json={"completions": ["x"], "reference": "y"})
            good = good + 1 if reply.status_code == 200 and reply.json()["group"]["valid"] == 1 else 0
    return time.monotonic() - begun


def main(folder):
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    cluster = Cluster(initialize_head=True, head_node_args={**NODE, "include_dashboard": False})
    second = cluster.add_node(**NODE)
    ray.init(address=cluster.address, log_to_driver=False)
    serve.start(proxy_location="HeadOnly", http_options=HTTPOptions(host="127.0.0.1", port=PORT))
    settings = GatewaySettings(domains=write_domains(Path(folder), {"form": TEMPLATE}), verifier_urls=ELSEWHERE)
    start(settings, PORT, cpus={"format": 1})
    until_whole()
    before = replicas()
    rewards = Counter()
    url = f"http://127.0.0.1:{PORT}"
    with Load(url, "form", texts, 60) as load, RewardClient(url) as client:
        load.pass_by(500)
        cluster.remove_node(second, allow_graceful=False)
        end = time.monotonic() + 20
        while time.monotonic() < end:
            [(right, _), (wrong, _)] = texts(7)
            rewards.update(map(str, client.score("form", [right, wrong], reference="7").rewards))
        back_s = until_whole()
    seen = {"before": before, "after": replicas(), "load": load.seen, "causes": load.causes, "faults": load.faults}
    print(json.dumps({**seen, "client": rewards, "back_s": back_s}))
    serve.shutdown()
    ray.shutdown()
    cluster.shutdown()


if __name__ == "__main__":
    main(sys.argv[1])
