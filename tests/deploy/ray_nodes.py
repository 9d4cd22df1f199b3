"""Two Ray nodes, each in a network namespace of its own, one of which is killed under load. Prints what was seen as JSON.

    namespace 1: 10.77.0.1, the head, this driver and the clients ── veth ── namespace 2: 10.77.0.2, which is killed

The first argument is a folder for the domains; without more, the script makes the namespaces and starts itself in the first.
"""

import contextlib
import json
import os
import signal
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
from ray.serve.config import HTTPOptions
from ray_serve import start
from toy_gateway import ELSEWHERE, write_domains

from reward_api.settings import GatewaySettings
from trainer_client import RewardClient

PORT = 8700
HEAD, OTHER = "10.77.0.1", "10.77.0.2"
SPACES = {HEAD: f"ts-{os.getpid()}-1", OTHER: f"ts-{os.getpid()}-2"}
NODE = ["--num-cpus=8", f"--object-store-memory={100 << 20}", "--disable-usage-stats"]
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


def ip(*words):
    subprocess.run(["ip", *words], check=True)


@contextlib.contextmanager
def two_namespaces():
    """Two namespaces that reach each other and nothing else; every process in them ends with the block."""
    try:
        for space in SPACES.values():
            ip("netns", "add", space)
        ends = [["name", "eth0", "netns", space] for space in SPACES.values()]
        ip("link", "add", *ends[0], "type", "veth", "peer", *ends[1])
        for address, space in SPACES.items():
            ip("-n", space, "address", "add", f"{address}/24", "dev", "eth0")
            for device in ("lo", "eth0"):
                ip("-n", space, "link", "set", device, "up")
        yield
    finally:
        for space in SPACES.values():
            kill(space)
            subprocess.run(["ip", "netns", "delete", space], check=False)


def kill(space):
    """The whole machine, so to say."""
    pids = subprocess.run(["ip", "netns", "pids", space], check=False, capture_output=True, text=True).stdout.split()
    for pid in map(int, pids):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def node(address, *arguments):
    """Returns once it runs."""
    command = ["ip", "netns", "exec", SPACES[address], sys.executable, "-m", "ray.scripts.scripts", "start"]
    subprocess.run([*command, f"--node-ip-address={address}", *NODE, *arguments], check=True, stdout=sys.stderr)


def outer(folder):
    with two_namespaces():
        node(HEAD, "--head", "--port=6379", "--include-dashboard=false")
        node(OTHER, f"--address={HEAD}:6379")
        driver = ["ip", "netns", "exec", SPACES[HEAD], sys.executable, __file__, folder, SPACES[OTHER]]
        subprocess.run(driver, check=True)


def main(folder, other):
    ray.init(address=f"{HEAD}:6379", log_to_driver=False)
    serve.start(proxy_location="EveryNode", http_options=HTTPOptions(host="127.0.0.1", port=PORT))
    settings = GatewaySettings(domains=write_domains(Path(folder), {"form": TEMPLATE}), verifier_urls=ELSEWHERE)
    start(settings, PORT, cpus={"format": 1})
    until_whole()
    before = replicas()
    rewards = Counter()
    url = f"http://127.0.0.1:{PORT}"
    with Load(url, "form", texts, 60) as load, RewardClient(url) as client:
        load.pass_by(500)
        kill(other)
        end = time.monotonic() + 20
        while time.monotonic() < end:
            [(right, _), (wrong, _)] = texts(7)
            rewards.update(map(str, client.score("form", [right, wrong], reference="7").rewards))
        back_s = until_whole()
    seen = {"before": before, "after": replicas(), "load": load.seen, "causes": load.causes, "faults": load.faults}
    print(json.dumps({**seen, "client": rewards, "back_s": back_s}))


if __name__ == "__main__":
    outer(*sys.argv[1:]) if len(sys.argv) == 2 else main(*sys.argv[1:])
