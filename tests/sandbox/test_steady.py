"""A busy machine and greedy neighbours are no fault of a program's. The moods of a machine are made here: they cannot be had
at will.
"""

import os
import signal
import subprocess
import sys
from dataclasses import replace

import pytest

from reward_sandbox.jail.host.steady import MORE_S, SteadyJail
from reward_sandbox.jail.inside import waiting
from reward_sandbox.jail.spec import PYTHON, Limits, Outcome, Run

RUN = Run(PYTHON, limits=Limits(wall_s=6, cpu_s=4))
OK = Outcome("ok", "B", 0, cpu_ms=3000, wall_ms=4000)
LATE = Outcome("ok", "B", 0, cpu_ms=3000, wall_ms=9000)
KEPT_WAITING = Outcome("time_limit", "B", cpu_ms=3000, wall_ms=6000, waited_ms=2500)
SLEPT = Outcome("time_limit", "B", cpu_ms=10, wall_ms=6000, waited_ms=5)
BURNT = Outcome("time_limit", "B", cpu_ms=4100, wall_ms=6000, waited_ms=1900)
KILLED = Outcome("runtime_error", "B", -signal.SIGKILL)


class Moods:
    """Runs that go as they are told to."""

    tier = "B"

    def __init__(self, *outcomes):
        self.outcomes, self.walls = list(outcomes), []

    async def run(self, run):
        self.walls.append(run.limits.wall_s)
        return self.outcomes.pop(0)

    async def run_pair(self, first, second, **_):
        return await self.run(first), Outcome("ok", "B", 0)


@pytest.mark.parametrize(
    ("outcomes", "ending"),
    [
        ((OK,), "ok"),
        ((SLEPT,), "time_limit"),
        ((BURNT,), "time_limit"),
        ((KEPT_WAITING, OK), "ok"),
        ((KEPT_WAITING, BURNT), "time_limit"),
        ((KEPT_WAITING, SLEPT), "time_limit"),
        ((KEPT_WAITING, KEPT_WAITING), "system_error"),
        ((KEPT_WAITING, LATE), "system_error"),
        ((KILLED, OK), "ok"),
        ((KILLED, KILLED), "runtime_error"),
    ],
)
@pytest.mark.parametrize("pair", [False, True])
async def test_what_is_measured_again_and_what_it_comes_to(outcomes, ending, pair):
    moods = Moods(*outcomes)
    jail = SteadyJail(moods)
    outcome = (await jail.run_pair(RUN, RUN))[0] if pair else await jail.run(RUN)
    assert outcome.ending == ending
    assert not moods.outcomes
    if outcomes[0] is KEPT_WAITING:
        assert moods.walls[1] == moods.walls[0] + MORE_S
    counted = ending in ("time_limit", "system_error")
    assert jail.ends == ({ending: 1} if counted else {})


async def test_in_tier_a_a_run_that_is_killed_has_only_itself_to_blame():
    killed = Outcome("runtime_error", "A", -signal.SIGKILL)
    assert await SteadyJail(Moods(killed)).run(RUN) is killed


async def test_no_run_is_given_longer_than_limits_allow():
    moods = Moods(replace(KEPT_WAITING, wall_ms=400_000, waited_ms=200_000), OK)
    await SteadyJail(moods).run(Run(PYTHON, limits=Limits(wall_s=595)))
    assert moods.walls == [595, 600]


@pytest.mark.parametrize(
    ("threads", "waited_ms"),
    [
        ({"1": (0, 0), "2": (100, 2000)}, 2000),  # alone, and kept waiting by others
        ({"1": (0, 0), "2": (900, 1000), "3": (900, 1000)}, 100),  # by each other, for the most part
        ({"1": (0, 0), **{str(n): (300, 1500) for n in range(2, 14)}}, 0),
    ],
)
def test_what_a_run_waits_for_itself_is_not_the_machines(tmp_path, threads, waited_ms):
    children = " ".join(pid for pid in threads if pid != "1")
    for pid, (used, waited) in threads.items():
        task = tmp_path / pid / "task" / pid
        task.mkdir(parents=True)
        (task / "children").write_text(children if pid == "1" else "")
        (task / "schedstat").write_text(f"{used * 1_000_000} {waited * 1_000_000} 1")
    proc = os.open(tmp_path, os.O_RDONLY)
    assert waiting.waited_ms(waiting.times(proc, 1)) == waited_ms
    os.close(proc)


def test_what_has_ended_kept_the_run_waiting_too():
    """Children that burn and end, one after another: not one of them is there to be seen when it is looked."""
    now = waiting.Times(9000, {"main": (1000, 9000), "child": (10, 90)})
    assert waiting.waited_ms(now) == 1000
    assert waiting.waited_ms(now._replace(used=1010)) == 8990


def test_what_a_run_has_used_before_excuses_no_machine_later():
    before = waiting.Times(20_000, {"main": (500, 100)})
    now = waiting.Times(20_100, {"main": (600, 9100), "new": (0, 5)})
    assert waiting.waited_ms(now, before) == 9000


def test_processes_that_have_ended_are_in_what_a_run_has_used():
    burn = "import time\nend = time.process_time() + 0.1\nwhile time.process_time() < end: pass"
    parent = (
        "import subprocess, sys\n"
        f"for _ in range(3): subprocess.run([sys.executable, '-c', {burn!r}])\n"
        "print('done', flush=True)\ninput()"
    )
    with subprocess.Popen([sys.executable, "-c", parent], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"done\n"
        proc = os.open("/proc", os.O_RDONLY)
        times = waiting.times(proc, process.pid)
        os.close(proc)
        process.stdin.write(b"\n")
    assert times.used >= 270
    assert sum(used for used, _ in times.threads.values()) < times.used - 200
