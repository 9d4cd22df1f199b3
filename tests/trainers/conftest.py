"""Runs a script in a trainer's environment, against the suite in processes of its own."""

import json
import os
import subprocess
from pathlib import Path

import pytest
from toy_gateway import RELATIVE, SETTINGS

HERE = Path(__file__).parent
ENVIRONMENTS = HERE.parents[1] / ".cache" / "trainers"

# The client, and the examples' tokenizer.
OURS = [str(HERE.parents[1] / folder) for folder in ("trainer_client", "examples")]


@pytest.fixture(scope="session")
def run_with():
    """run(trainer, script, *arguments, **environment) → what the script printed last, as JSON."""

    def run(trainer, script, *arguments, **more):
        environment = ENVIRONMENTS / trainer
        if not (environment / "ready").exists():
            pytest.skip(f"there is no environment of {trainer}; `make test-trainers` makes it")
        command = [environment / "bin" / "python", HERE / trainer / script, *map(str, arguments)]
        settings = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "PYTHONWARNINGS": "ignore"}
        settings |= {"PYTHONPATH": os.pathsep.join(OURS), **more}
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=500, env=settings)
        assert done.returncode == 0, done.stderr[-4000:]
        return json.loads(done.stdout.splitlines()[-1])

    return run


@pytest.fixture(scope="module")
def toy_settings(serve, toy_domains):
    """The settings of an adapter beside a gateway of the toy domains, one of which looks at whole groups."""
    with serve(TOUCHSTONE_DOMAINS=str(toy_domains(whole=RELATIVE)), **SETTINGS) as (url, _):
        yield {"TOUCHSTONE_URL": url, "TOUCHSTONE_DOMAIN": "toy", "TOUCHSTONE_STOP_AT": "1"}
