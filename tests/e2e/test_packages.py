"""The two wheels in an environment of their own: alone, and beside what trainers install."""

import os
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

pytestmark = [pytest.mark.long, pytest.mark.timeout(1200)]

ROOT = Path(__file__).parents[2]
UV = Path(sys.executable).with_name("uv")


def run(*command, cwd=ROOT):
    done = subprocess.run([str(part) for part in command], cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    return done.stdout


@pytest.fixture(scope="module")
def wheels(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheels")
    for project in (ROOT, ROOT / "trainer_client"):
        run(UV, "build", "--wheel", "--out-dir", folder, project)
    return {wheel.name.partition("-")[0]: wheel for wheel in folder.glob("*.whl")}


@pytest.fixture
def environment(tmp_path):
    run(UV, "venv", "--python", sys.executable, tmp_path / "venv")
    return tmp_path / "venv/bin/python"


def test_the_wheel_serves_its_own_domains(wheels, environment, tmp_path):
    run(
        UV,
        "pip",
        "install",
        "--python",
        environment,
        f"{wheels['touchstone_rewards']}[all]",
        wheels["touchstone_client"],
    )
    assert "all good" in run(environment, "-m", "reward_api", "domains", "check", cwd=tmp_path)


def test_what_the_readme_installs_becomes_ready_without_reward_models(wheels, environment, tmp_path, free_port):
    suite = f"{wheels['touchstone_rewards']}[suite]"
    run(UV, "pip", "install", "--python", environment, suite, wheels["touchstone_client"])
    command = [environment.with_name("touchstone"), "serve", "--port", str(free_port)]
    gateway = f"http://127.0.0.1:{free_port}"
    server = subprocess.Popen(command, cwd=tmp_path)
    try:
        with httpx.Client(base_url=gateway, transport=httpx.HTTPTransport(retries=9), timeout=60) as client:
            give_up = time.monotonic() + 300
            while client.get("/readyz").status_code != 200:
                assert time.monotonic() < give_up, client.get("/readyz").text
                time.sleep(0.1)
            listed = client.get("/domains").json()
            results = client.post("/score/math", json={"completions": ["4", "5"], "reference": "4"}).json()["results"]
    finally:
        server.terminate()
        server.wait(60)
    assert {"general", "safety"} <= listed["left_out"].keys()
    assert listed["refused"] == {}
    assert [result["reward"] for result in results] == [1, 0]


@pytest.mark.parametrize(
    ("command", "extra"),
    [("serve", "suite"), ("domains check", "suite"), ("serve answer", "answer"), ("serve sandbox", "sandbox")],
)
def test_a_bare_install_names_the_extra_that_is_missing(wheels, environment, command, extra):
    run(UV, "pip", "install", "--python", environment, wheels["touchstone_rewards"], wheels["touchstone_client"])
    touchstone = [environment.with_name("touchstone"), *command.split()]
    done = subprocess.run(touchstone, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    assert f"touchstone-rewards[{extra}]" in line


def test_the_client_installs_alone_and_scores(wheels, environment, tmp_path, serve):
    run(UV, "pip", "install", "--python", environment, wheels["touchstone_client"])
    program = (
        "import sys\n"
        "from trainer_client import RewardClient\n"
        "with RewardClient(sys.argv[1]) as client:\n"
        "    print(client.score('math', ['4', '5'], reference='4').components['answer'])\n"
    )
    with serve() as (url, _):
        assert run(environment, "-W", "error", "-c", program, url, cwd=tmp_path) == "[1.0, 0.0]\n"
    listed = run(UV, "pip", "list", "--python", environment, "--format", "freeze").split()
    names = {name.partition("==")[0].partition("@")[0] for name in listed}
    assert names <= {
        "touchstone-client",
        "httpx",
        "httpcore",
        "anyio",
        "certifi",
        "h11",
        "idna",
        "sniffio",
        "typing-extensions",
    }


# Whose each file of the environment is. Any that two claim, or that is not as its own package made it, is named.
FILES = """
import base64, hashlib, importlib.metadata as metadata, sys
ours, theirs = {"touchstone-client", "touchstone-rewards"}, sys.argv[1:]
owners = {}
for package in metadata.distributions():
    name = package.metadata["Name"].lower()
    for file in package.files or []:
        if str(file).startswith(".."):
            continue
        other = owners.setdefault(str(file), name)
        assert other == name or not ours & {name, other}, (file, name, other)
        if name in ours | set(theirs) and file.hash is not None:
            digest = base64.urlsafe_b64encode(hashlib.sha256(file.locate().read_bytes()).digest()).rstrip(b"=").decode()
            assert digest == file.hash.value, (name, file)
assert ours & set(owners.values()) and set(theirs) <= set(owners.values()), set(owners.values())
print(sorted({file.partition("/")[0] for file, name in owners.items() if name == "touchstone-client"}))
"""


def test_the_client_shares_no_file_with_trainers(wheels, environment, tmp_path):
    run(UV, "pip", "install", "--python", environment, wheels["touchstone_client"])
    run(UV, "pip", "install", "--python", environment, "--no-deps", "verifiers", "trl", "verl")
    folders = run(environment, "-c", FILES, "verifiers", "trl", "verl", cwd=tmp_path)
    assert folders == "['grpo_trainer', 'touchstone_client-0.1.0.dist-info', 'trainer_client']\n"


# Named so that a CPU build found by --find-links is taken, and not gigabytes of CUDA.
TORCH = os.environ.get("TOUCHSTONE_TORCH", "torch==2.13.0")
ADAPTERS = "import trainer_client.adapters.trl, trainer_client.adapters.swift, trainer_client.adapters.prime\n"


def test_both_install_beside_trl_and_verifiers(wheels, environment, tmp_path):
    run(UV, "pip", "install", "--python", environment, *wheels.values(), "trl", "verifiers", TORCH)
    program = ADAPTERS + (
        "import reward_verifiers.contract, reward_api, trainer_client, verifiers.v1, trl\n"
        "from trl import GRPOTrainer\n"
        "assert 'site-packages/verifiers/' in verifiers.__file__, verifiers.__file__\n"
        "assert 'site-packages/trl/' in trl.__file__, trl.__file__\n"
        "assert verifiers.__version__\n"
    )
    run(environment, "-c", program, cwd=tmp_path)
    run(environment, "-c", FILES, "verifiers", "trl", cwd=tmp_path)


def test_the_client_installs_beside_verl(wheels, environment, tmp_path):
    """By itself: verl's transformers is not trl's."""
    run(UV, "pip", "install", "--python", environment, wheels["touchstone_client"], "verl", "transformers<5.11", TORCH)
    program = ADAPTERS + "import verl, trainer_client\nassert 'site-packages/verl/' in verl.__file__, verl.__file__\n"
    run(environment, "-c", program, cwd=tmp_path)
    run(environment, "-c", FILES, "verl", cwd=tmp_path)
