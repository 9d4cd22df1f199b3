import os
import subprocess
import sys
from pathlib import Path

import pytest
from toy_gateway import SETTINGS

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def toys(serve, toy_domains):
    """(URL, folder) of a gateway of the toy domains."""
    folder = toy_domains()
    with serve("--domains", str(folder), **SETTINGS) as (url, _):
        yield url, folder


@pytest.fixture
def touchstone(tmp_path):
    """The command, in an empty folder of its own: `touchstone("score", …, stdin=b"…", TOUCHSTONE_X="…")`."""

    def run(*arguments, stdin=None, cwd=tmp_path, **environment):
        command = [sys.executable, "-m", "reward_api", *map(str, arguments)]
        environment = {**os.environ, "COLUMNS": "160", **environment}
        done = subprocess.run(command, cwd=cwd, capture_output=True, input=stdin, check=False, env=environment)
        done.stdout, done.stderr = done.stdout.decode(), done.stderr.decode()
        assert "Traceback" not in done.stderr, done.stderr
        return done

    return run
