"""Standard streams by name in every isolation level, interpreters that are closed to others, a namespace of one user."""

import os
import shutil
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

import pytest

from reward_sandbox.jail.backends.bwrap import BwrapJail
from reward_sandbox.jail.backends.fork_server import ForkServerJail
from reward_sandbox.jail.host import slots
from reward_sandbox.jail.spec import PYTHON, File, Limits, Run

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="tier A needs root on Linux"),
]
JAILS = {
    **{tier: partial(ForkServerJail, tier=tier) for tier in ("A", "B", "C", "X")},
    **{f"bwrap {tier}": partial(BwrapJail, tier=tier) for tier in ("A", "B")},
}
BY_NAME = b"""
print(open('/dev/stdin').read().split(), flush=True)
with open('/dev/stdout', 'w') as out: out.write('by name\\n')
print('as usual', flush=True)
with open('/dev/fd/1', 'w') as out: out.write('by number\\n')
with open('/dev/stderr', 'w') as out: out.write('error\\n')
with open(0) as rest: print(len(rest.read()))
"""
SHELL = b"#!/bin/sh\ncat /dev/stdin\necho name > /dev/stdout\necho usual\necho error > /dev/stderr\n"


async def _run(jail, *runs):
    await jail.start()
    try:
        return [await jail.run(run) for run in runs]
    finally:
        await jail.aclose()


def _python(code, stdin=b"", **more):
    return Run(PYTHON, {"solution.py": File(code)}, stdin, **more)


@pytest.mark.parametrize("name", JAILS)
async def test_standard_streams_have_names(name):
    script = Run(("/box/script",), {"script": File(SHELL, executable=True)}, b"1 2\n")
    by_name, shell = await _run(JAILS[name](1, python="/usr/bin/python3"), _python(BY_NAME, b"1 2\n"), script)
    assert (by_name.ending, by_name.stderr) == ("ok", b"error\n"), by_name
    assert by_name.stdout == b"['1', '2']\nby name\nas usual\nby number\n4\n"
    assert (shell.stdout, shell.stderr) == (b"1 2\nname\nusual\n", b"error\n"), shell


@pytest.mark.parametrize("name", JAILS)
async def test_what_is_written_by_name_counts_as_output(name):
    flood = b"with open('/dev/stdout', 'w') as out:\n    while True: out.write('x' * 1000)"
    limits = Limits(output_kb=16, wall_s=5)
    [outcome] = await _run(JAILS[name](1, python="/usr/bin/python3"), _python(flood, limits=limits))
    assert outcome.ending == "output_limit"
    assert len(outcome.stdout) <= 16 << 10


@pytest.mark.parametrize("name", JAILS)
async def test_a_large_input_takes_none_of_the_room_for_files(name):
    code = b"import sys\nopen('own', 'wb').write(b'x' * (3 << 20))\nprint(len(sys.stdin.buffer.read()))"
    run = _python(code, b"x" * (8 << 20), limits=Limits(file_mb=4))
    [outcome] = await _run(JAILS[name](1, python="/usr/bin/python3"), run)
    assert (outcome.ending, outcome.stdout) == ("ok", b"8388608\n"), outcome


@pytest.fixture
def closed_interpreter():
    """One below a folder that only root may pass through, and not in /tmp, which a jail has for its own."""
    closed = Path(tempfile.mkdtemp(dir="/var/tmp"))
    home = closed / "python"
    source = Path(os.path.realpath("/usr/bin/python3"))
    library = next(Path("/usr/lib").glob(f"{source.name}*/os.py")).parent
    (home / "bin").mkdir(parents=True)
    shutil.copy(source, home / "bin" / source.name)
    shutil.copytree(
        library, home / "lib" / library.name, ignore=shutil.ignore_patterns("test", "__pycache__", "dist-packages")
    )
    yield str(home / "bin" / source.name)
    shutil.rmtree(closed)


@pytest.mark.parametrize("name", JAILS)
async def test_an_interpreter_may_be_where_other_users_are_not_let_in(name, closed_interpreter):
    code = b"import sys, colorsys\nprint(sys.executable, colorsys.rgb_to_hsv(1, 1, 1)[2])"
    [outcome] = await _run(JAILS[name](1, python=closed_interpreter), _python(code))
    assert outcome.stdout == f"{closed_interpreter} 1\n".encode(), outcome
    assert Path(closed_interpreter).exists()  # outside nothing has changed


IN_A_NAMESPACE = """
import asyncio, sys
from reward_sandbox.jail.backends.fork_server import ForkServerJail
from reward_sandbox.jail.spec import PYTHON, File, Run
async def main():
    jail = ForkServerJail(1, python="/usr/bin/python3")
    await jail.start()
    outcome = await jail.run(Run(PYTHON, {"solution.py": File(b"import os\\nprint(6 * 7, os.getuid())")}))
    print(jail.tier, outcome.ending, outcome.stdout.decode().strip(), outcome.error)
    await jail.aclose()
asyncio.run(main())
"""


async def test_a_namespace_with_a_single_user_has_an_isolation_level():
    command = ["unshare", "--user", "--map-root-user", sys.executable, "-c", IN_A_NAMESPACE]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)  # noqa: ASYNC221
    assert done.stdout.split() == ["B", "ok", "42", "0"], done


@pytest.mark.parametrize(
    ("text", "holds"),
    [("0 0 4294967295\n", True), ("0 1000 1\n", False), ("0 1000 1\n1 100000 65536\n", True), ("", False)],
)
def test_which_users_a_namespace_has(text, holds):
    assert slots._holds(text, 20_000) is holds
