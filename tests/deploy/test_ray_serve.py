"""The suite on Ray Serve: a node that is killed under load costs no wrong reward, and the client's retries cost nothing."""

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(600),
    pytest.mark.skipif(find_spec("ray") is None, reason="pip install 'ray[serve]'"),
    pytest.mark.skipif(os.geteuid() != 0, reason="a network namespace needs root"),
]

ROOT = Path(__file__).parents[2]


def test_a_node_is_killed_under_load(tmp_path, capsys):
    script = Path(__file__).with_name("ray_nodes.py")
    path = os.pathsep.join(map(str, (ROOT / "deploy", ROOT / "tests" / "toys")))
    # A head that finds a token in the home folder asks for it, and a node that joins does not send it.
    ray = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_AUTH_MODE": "disabled"}
    environment = {**os.environ, "PYTHONPATH": path, **ray}
    command = [sys.executable, script, tmp_path]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=500)
    assert done.returncode == 0, done.stderr[-3000:]
    [line] = [line for line in done.stdout.splitlines() if line.startswith('{"before"')]
    seen = json.loads(line)
    with capsys.disabled():
        print(f"\n{line}")
    for name in ("format", "gateway"):
        assert len({node for deployment, node in seen["before"] if deployment == name}) == 2, "one on each node"
    assert seen["faults"] == []
    load = seen["load"]
    assert load["scored"] > 0.98 * sum(load.values())
    assert set(seen["client"]) == {"1.0", "0.0"}
