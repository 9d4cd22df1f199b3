"""`make run` on a machine that cannot: it says so first."""

import os
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_an_old_python_is_the_first_line(tmp_path):
    shutil.copy(ROOT / "Makefile", tmp_path)
    old = tmp_path / "bin" / "python3"
    old.parent.mkdir()
    old.write_text('#!/bin/sh\n[ "$1" = -V ] && echo "Python 3.10.13" && exit\nexit 1\n')
    old.chmod(0o755)
    # Of the make that runs the tests: its flags have this one say where it is.
    own = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    environment = {**own, "PATH": f"{old.parent}:{os.environ['PATH']}"}
    done = subprocess.run(["make", "run"], cwd=tmp_path, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 2
    assert done.stdout == "Python 3.11 or newer is needed, this is Python 3.10.13; try make PYTHON=python3.12\n"
    assert not (tmp_path / ".venv").exists()
