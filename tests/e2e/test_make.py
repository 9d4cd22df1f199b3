"""`make run` on a machine that cannot says so first; `make miniature` runs every experiment, whatever becomes of another."""

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def make(*arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    # Not of the make that runs the tests: its flags have this one say where it is.
    own = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    environment = {**own, **environment}
    return subprocess.run(["make", *arguments], cwd=cwd, capture_output=True, text=True, check=False, env=environment)


def test_an_old_python_is_the_first_line(tmp_path):
    shutil.copy(ROOT / "Makefile", tmp_path)
    old = tmp_path / "bin" / "python3"
    old.parent.mkdir()
    old.write_text('#!/bin/sh\n[ "$1" = -V ] && echo "Python 3.10.13" && exit\nexit 1\n')
    old.chmod(0o755)
    done = make("run", cwd=tmp_path, PATH=f"{old.parent}:{os.environ['PATH']}")
    assert done.returncode == 2
    assert done.stdout == "Python 3.11 or newer is needed, this is Python 3.10.13; try make PYTHON=python3.12\n"
    assert not (tmp_path / ".venv").exists()


# In place of Python: servers wait to be stopped, trainings are written down, and the one named FAILS does.
STUB = """#!/bin/sh
case "$*" in
    *" serve "*) echo $$ >>servers; exec sleep 600 ;;
    *" train $WAITS"*) exec sleep 600 ;;
    *" train $FAILS"*) exit 1 ;;
    *" train "*) echo "$*" ;;
    *) echo "$*" >>drawn ;;
esac
"""
EXPERIMENTS = ("language", "overthinking", "signs4", "r1", "r1-zero", "hacked")


@pytest.fixture
def miniature(tmp_path):
    (tmp_path / "trainer_client").mkdir()
    for name in ("Makefile", "trainer_client/train.mk"):
        shutil.copy(ROOT / name, tmp_path / name)
    stub = tmp_path / "python"
    stub.write_text(STUB)
    stub.chmod(0o755)

    return ["miniature", "-o", "install", f"PY={stub}"]


@pytest.mark.timeout(60)
def test_every_experiment_runs_with_every_seed_and_then_the_figures_are_drawn(miniature, tmp_path):
    done = make(*miniature, cwd=tmp_path, FAILS="none", WAITS="none")
    assert done.returncode == 0, done.stderr
    logs = {f"{name}-mini-{seed}.log" for name in EXPERIMENTS for seed in range(3)}
    assert {path.name for path in (tmp_path / "out").iterdir()} == logs
    for log in logs:
        name, seed = log.removesuffix(".log").rsplit("-", 1)
        port = 8033 if name == "hacked-mini" else 8031
        recipe = f"recipes/{name.replace('-', '_')}.yaml"
        command = f"-m reward_api train {recipe} --url http://127.0.0.1:{port} --seed {seed}\n"
        assert (tmp_path / "out" / log).read_text() == command
    assert (tmp_path / "drawn").read_text() == "benchmarks/miniature.py\n"


@pytest.mark.timeout(60)
def test_a_failed_experiment_is_named_and_stops_no_other(miniature, tmp_path):
    done = make(*miniature, "SEEDS=5", cwd=tmp_path, FAILS="recipes/signs4", WAITS="none")
    assert done.returncode == 2
    assert "out/signs4-mini-5.log: failed, see there\n" in done.stdout
    ended = {line.removesuffix(": done") for line in done.stdout.splitlines() if line.endswith(": done")}
    assert ended == {f"out/{name}-mini-5.log" for name in EXPERIMENTS if name != "signs4"}
    assert not (tmp_path / "drawn").exists()


@pytest.mark.timeout(60)
def test_ctrl_c_leaves_no_server(miniature, tmp_path):
    """Background jobs of a shell ignore Ctrl-C until they say otherwise: a server that is only starting would stay."""
    environment = {**os.environ, "FAILS": "none", "WAITS": "recipes"}
    command = ["env", "--default-signal=INT", "make", *miniature]
    with subprocess.Popen(command, cwd=tmp_path, env=environment, start_new_session=True) as running:
        servers = tmp_path / "servers"
        while not servers.exists() or len(servers.read_text().split()) < 3 or len(list(tmp_path.glob("out/*"))) < 2:
            time.sleep(0.01)
        os.killpg(running.pid, signal.SIGINT)
        assert running.wait() != 0
    for pid in servers.read_text().split():
        while Path(f"/proc/{pid}").exists():
            time.sleep(0.01)
