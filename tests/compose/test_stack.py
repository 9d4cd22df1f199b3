"""The stack in a real Docker engine: the same rewards as embedded, and what happens when a verifier dies or moves."""

import json
import os
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from load import Load

from reward_api.cli.samples import alike, played
from reward_api.domains.samples import sample_groups
from reward_api.domains.spec import read

pytestmark = pytest.mark.compose

ROOT = Path(__file__).parents[2]
DOMAINS = ROOT / "reward_api" / "reward_api" / "domains" / "data"
PROJECT = "touchstone-test"
PORT = "18000"
URL = f"http://127.0.0.1:{PORT}"
TOOLS_PORT = "18001"
TOOLS_URL = f"http://127.0.0.1:{TOOLS_PORT}"
ADMIN = {"authorization": "Bearer test-admin"}
NAMES = sorted(path.stem for path in DOMAINS.glob("*.yaml") if read(path).enabled)


def run(*command: str, **more) -> str:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, **more)
    assert done.returncode == 0, f"{command}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
    return done.stdout


@pytest.fixture(scope="module")
def compose():
    """`compose("up", "-d")`: Compose v2, on the stack that is up."""
    settings = {
        "TOUCHSTONE_PORT": PORT,
        "TOUCHSTONE_TOOLS_PORT": TOOLS_PORT,
        "TOUCHSTONE_ADMIN_KEYS": "test-admin",
        "TOUCHSTONE_PUT_HOSTS": "answer-b, nobody",
    }
    environment = {**os.environ, **settings}

    def call(*arguments: str) -> str:
        return run("docker", "compose", "-p", PROJECT, *arguments, env=environment)

    call("build")
    call("up", "-d")
    try:
        wait_until_ready()
        yield call
    finally:
        call("down", "--volumes", "--timeout", "20")
        # The images that this build has replaced: 5 GB a time.
        run("docker", "image", "prune", "--force", "--filter", f"label=com.docker.compose.project={PROJECT}")
        assert not run("docker", "ps", "-aq", "--filter", f"label=com.docker.compose.project={PROJECT}")
        assert not run("docker", "network", "ls", "-q", "--filter", f"label=com.docker.compose.project={PROJECT}")


def wait_until_ready() -> None:
    give_up = time.monotonic() + 120
    reply = None
    while time.monotonic() < give_up:
        try:
            reply = httpx.get(f"{URL}/readyz", timeout=10)
            if reply.status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.2)
    raise AssertionError(f"not ready: {reply and reply.text}")


def container(compose, service: str) -> str:
    return compose("ps", "-q", service).strip()


def services(compose) -> list[str]:
    return compose("config", "--services").split()


def score(group, domain="math", **more):
    reply = httpx.post(f"{URL}/score/{domain}", json={**group, **more}, timeout=120)
    assert reply.status_code == 200, reply.text
    return reply.json()


@pytest.fixture(scope="module")
def embedded(serve):
    with serve() as (url, _), httpx.Client(base_url=url, timeout=120) as client:
        yield client


@pytest.mark.parametrize("domain", NAMES)
def test_sample_groups_get_the_same_rewards_as_embedded(compose, embedded, domain):
    samples = sample_groups(DOMAINS, domain)
    assert samples
    with httpx.Client(base_url=TOOLS_URL, timeout=120) as tools:
        for sample in samples:
            here = embedded.post(f"/score/{domain}", json=played(sample, embedded)).json()
            stack = score(played(sample, tools), domain)
            assert still(here["results"]) == still(stack["results"])
            assert all(map(alike, [result["reward"] for result in stack["results"]], sample.expected))


def still(results):
    """Without the time that a verdict took, the tier of the jail (a container's user is no root) and the session's name."""
    for result in results:
        for component in result["components"].values():
            for varying in ("ms", "tier", "session"):
                component["evidence"].pop(varying, None)
    return results


def test_containers_run_as_a_plain_user_without_powers(compose):
    for service in services(compose):
        [about] = json.loads(run("docker", "inspect", container(compose, service)))
        assert about["Config"]["User"] == "10001"
        assert about["HostConfig"]["ReadonlyRootfs"] is True
        assert about["HostConfig"]["CapDrop"] == ["ALL"]
        assert "no-new-privileges:true" in about["HostConfig"]["SecurityOpt"]
        assert about["HostConfig"]["Memory"] > 0
        assert about["HostConfig"]["PidsLimit"] > 0
        assert about["HostConfig"]["NanoCpus"] > 0
        assert about["HostConfig"]["LogConfig"]["Config"]["max-size"]
        assert about["HostConfig"]["Privileged"] is False
        status = run("docker", "exec", about["Id"], "cat", "/proc/self/status")
        lines = dict(line.split(":\t") for line in status.splitlines() if ":\t" in line)
        assert int(lines["CapEff"], 16) == int(lines["CapBnd"], 16) == 0
        assert lines["NoNewPrivs"] == "1"
        written = subprocess.run(["docker", "exec", about["Id"], "touch", "/opt/x"], capture_output=True, check=False)
        assert b"Read-only file system" in written.stderr


def test_the_sandbox_makes_its_jails_as_a_plain_user(compose):
    [sample, *_] = sample_groups(DOMAINS, "code")
    for result in score(sample.group, "code")["results"][:2]:
        assert result["components"]["code"]["evidence"]["tier"] == "B"


def test_only_the_gateway_and_the_tools_are_published_and_only_on_loopback(compose):
    for service in services(compose):
        [about] = json.loads(run("docker", "inspect", container(compose, service)))
        bindings = [binding for ports in about["NetworkSettings"]["Ports"].values() for binding in ports or []]
        if service in ("gateway", "tools"):
            assert bindings == [{"HostIp": "127.0.0.1", "HostPort": PORT if service == "gateway" else TOOLS_PORT}]
            continue
        assert bindings == []
        for network in about["NetworkSettings"]["Networks"].values():
            assert run("docker", "network", "inspect", "-f", "{{.Internal}}", network["NetworkID"]).strip() == "true"


def test_a_verifier_killed_in_mid_group_is_null_with_its_cause_and_comes_back(compose):
    # Neither stage knows it, and sympy thinks about it for long.
    integral = "\\int \\frac{1}{\\sin^7 x+\\cos^5 x+x^x}\\,dx"
    slow = {"reference": integral, "completions": [f"<answer>\\boxed{{{i}+{integral}}}</answer>" for i in range(99)]}
    answer = container(compose, "answer")
    with ThreadPoolExecutor() as pool:
        scoring = pool.submit(score, slow)
        while in_flight(answer) == 0:
            assert not scoring.done()
            time.sleep(0.05)
        run("docker", "kill", answer)
        body = scoring.result()
    for result in body["results"]:
        assert result["reward"] is None
        assert (result["failure"]["kind"], result["failure"]["component"]) == ("verifier_unreachable", "answer")
        assert result["components"]["format"]["valid"] is True
    down = httpx.get(f"{URL}/readyz", timeout=10)
    until = time.monotonic() + 20
    while down.status_code == 200 and time.monotonic() < until:  # it is asked every two seconds whether it answers
        time.sleep(0.2)
        down = httpx.get(f"{URL}/readyz", timeout=10)
    assert down.status_code == 503
    assert down.json()["domains"]["math"] == {"answer": False, "format": True, "language": True, "reflection": True}

    compose("up", "-d", "answer")
    wait_until_ready()
    back = score({"reference": "42", "completions": ["<think>6*7</think><answer>42</answer>"]})
    assert back["results"][0]["reward"] == 2


def in_flight(container_id: str) -> float:
    """Samples at work in a service, asked from inside its network."""
    program = "import urllib.request as r; print(r.urlopen('http://127.0.0.1:8700/metrics').read().decode())"
    page = run("docker", "exec", container_id, "python3", "-c", program)
    [line] = [line for line in page.splitlines() if line.startswith("reward_inflight_samples ")]
    return float(line.split()[1])


def test_a_verifier_moves_to_another_url_and_the_version_tells(compose):
    before = httpx.get(f"{URL}/domains/math").json()
    network = f"{PROJECT}_verifiers"
    moved = run(
        *("docker", "run", "-d", "--rm", "--network", network, "--network-alias", "answer-b"),
        *("--env", "TOUCHSTONE_ALLOW_OPEN=1", "--env", "TOUCHSTONE_HOSTS=answer-b"),
        *("touchstone/answer", "serve", "answer", "--host", "0.0.0.0"),
    ).strip()
    try:
        spec = {**before["spec"], "verifiers": {"answer": {"url": "http://answer-b:8700"}}}
        after = put_until_accepted(spec)
        body = score({"reference": "42", "completions": ["<think>6*7</think><answer>42</answer>"]})
        assert body["version"] == after["version"] != before["version"]
        assert body["results"][0]["reward"] == 2
        nowhere = {**spec, "verifiers": {"answer": {"url": "http://nobody:8700"}}}
        refused = httpx.put(f"{URL}/domains/math", json=nowhere, headers=ADMIN, timeout=30)
        assert refused.status_code == 422
        assert refused.json()["errors"][0]["path"] == "verifiers.answer.url"
        assert httpx.get(f"{URL}/domains/math").json()["version"] == after["version"]
    finally:
        run("docker", "kill", moved)
        run("docker", "kill", "--signal", "HUP", container(compose, "gateway"))  # its files are read again
        wait_until_version(before["version"])
        wait_until_ready()


def wait_until_version(version):
    """A signal is answered by nobody: the domain's own version tells when its file was read."""
    give_up = time.monotonic() + 60
    while (now := httpx.get(f"{URL}/domains/math").json()["version"]) != version:
        assert time.monotonic() < give_up, now
        time.sleep(0.2)


def put_until_accepted(spec):
    """The new verifier takes a moment to start; until it answers, the swap is refused and the old version goes on."""
    give_up = time.monotonic() + 60
    while time.monotonic() < give_up:
        reply = httpx.put(f"{URL}/domains/math", json=spec, headers=ADMIN, timeout=30)
        if reply.status_code == 200:
            return reply.json()
        assert reply.status_code == 422
        time.sleep(0.2)
    raise AssertionError(reply.text)


@pytest.fixture
def replicas(compose):
    """The two containers of `answer`."""
    compose("up", "-d", "--wait", "--scale", "answer=2")
    yield compose("ps", "-q", "answer").split()
    compose("up", "-d", "--wait", "--scale", "answer=1")


def math_load():
    def texts(answer):
        """The format is right in both."""
        rewards = {answer: 2, answer + 1: 1}
        return [(f"<think>so</think><answer>{one}</answer>", reward) for one, reward in rewards.items()]

    return Load(URL, "math", texts, timeout_s=60)


def test_one_of_two_replicas_killed_under_load_costs_no_reward(compose, replicas):
    with math_load() as load:
        load.pass_by(200)
        run("docker", "kill", replicas[0])
        load.pass_by(600)
    assert load.faults == []
    assert load.seen.keys() == {"scored"}, (load.seen, load.causes)


def test_a_rolling_restart_costs_under_one_null_in_a_hundred(compose, replicas):
    with math_load() as load:
        for replica in replicas:
            load.pass_by(200)
            run("docker", "restart", "--time", "20", replica)
            until_healthy(replica)
        load.pass_by(200)
    assert load.faults == []
    assert load.seen.keys() <= {"scored", "null"}, load.seen
    assert load.seen["null"] < load.seen.total() / 100, load.causes


def until_healthy(container_id):
    give_up = time.monotonic() + 120
    while run("docker", "inspect", "-f", "{{.State.Health.Status}}", container_id).strip() != "healthy":
        assert time.monotonic() < give_up, run("docker", "logs", container_id)
        time.sleep(0.2)
