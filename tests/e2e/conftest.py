import contextlib
import os
import pty
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


@pytest.fixture
def terminal(tmp_path):
    """The command on a terminal: `terminal("show", …)` gives its exit status, and what it wrote there."""

    def run(*arguments, **environment):
        here, there = pty.openpty()
        command = [sys.executable, "-m", "reward_api", *map(str, arguments)]
        own = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "FORCE_COLOR")}
        environment = {**own, "COLUMNS": "160", "TERM": "xterm-256color", **environment}
        process = subprocess.Popen(command, cwd=tmp_path, env=environment, stdin=there, stdout=there, stderr=there)
        os.close(there)
        written = bytearray()
        with contextlib.suppress(OSError):  # the last process that had it open has ended
            while part := os.read(here, 1 << 16):
                written += part
        os.close(here)
        return process.wait(30), written.decode()

    return run
