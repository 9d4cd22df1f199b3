"""200 programs a language, put together at random: each does in the jail what it does in the plain interpreter."""

import asyncio
import os
import re
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from reward_sandbox.jail.backends.fork_server import ForkServerJail
from reward_sandbox.jail.spec import Limits
from reward_sandbox.languages.compiler import Compiler
from reward_sandbox.languages.table import ARTEFACT

sys.path.insert(0, str(Path(__file__).parents[1] / "data" / "sandbox"))
import combined

pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(3600),
    pytest.mark.skipif(os.geteuid() != 0, reason="tier A needs root"),
]
COUNT = 200
SHARE = 0.995
INTERPRETER = "/usr/bin/python3"
ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8", "PYTHONHASHSEED": "0"}
COMMANDS = {
    "python": f"exec {INTERPRETER} -X int_max_str_digits=0 solution.py",
    "javascript": "exec node solution.js",
    "cpp": f"exec ./{ARTEFACT}",
    "java": f"tar xf {ARTEFACT} && exec java $(cat .main)",
}
LIMITS = Limits(wall_s=30, cpu_s=20, memory_mb=1024)


def _plain(language, files, folder):
    """(exit, output) where nothing is around it."""
    for name, file in files.items():
        (folder / name).write_bytes(file.content)
        (folder / name).chmod(0o700)
    room = resource.getrlimit(resource.RLIMIT_STACK)[1]
    done = subprocess.run(
        ["/bin/sh", "-c", COMMANDS[language]],
        cwd=folder,
        env={**ENVIRONMENT, "HOME": str(folder), "TMPDIR": str(folder)},
        input=combined.INPUT.encode(),
        capture_output=True,
        timeout=60,
        check=False,
        preexec_fn=lambda: resource.setrlimit(
            resource.RLIMIT_STACK, (min(room, 1 << 30) if room > 0 else 1 << 30, room)
        ),
    )
    return done.returncode, done.stdout


@pytest.mark.parametrize("language", combined.PARTS)
async def test_programs_do_in_the_jail_what_they_do_outside(language, tmp_path):
    jail = ForkServerJail(2, python=INTERPRETER)
    await jail.start()
    compiler = Compiler(jail)
    await compiler.find()
    if language not in compiler.here:
        await jail.aclose()
        pytest.skip(f"{language} is not installed here")
    turns = asyncio.Semaphore(2)

    async def differs(place, code):
        async with turns:
            kind = compiler.language_of(language)
            compiled = await compiler.compile(kind, code)
            if compiled.files is None:
                return f"{place}: it does not compile: {compiled.outcome}"
            outcome = await jail.run(kind.execution(compiled.files, combined.INPUT.encode(), LIMITS))
            folder = tmp_path / str(place)
            folder.mkdir()
            status, output = await asyncio.to_thread(_plain, language, compiled.files, folder)
            shutil.rmtree(folder)
            if (outcome.exit_code, outcome.stdout) == (status, output):
                return ""
            lines = _first(outcome.stdout, output)
            return f"{place}: {outcome.ending} {outcome.exit_code} for {status}\n{lines}\n{outcome.stderr[-300:]!r}"

    programs = combined.programs(language, COUNT)
    found = [text for text in await asyncio.gather(*(differs(*one) for one in enumerate(programs))) if text]
    await jail.aclose()
    print("\n".join(found), f"\n{language}: {COUNT - len(found)} of {COUNT} alike")
    assert 1 - len(found) / COUNT >= SHARE, "\n".join(found)


def _first(one, other):
    """The first lines that are not the same."""
    pairs = zip(re.split(rb"\n", one), re.split(rb"\n", other), strict=False)
    return next((f"{a!r} for {b!r}" for a, b in pairs if a != b), f"{len(one)} bytes for {len(other)}")
