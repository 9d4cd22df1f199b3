"""The sandbox: programs a second beside starting Python un-isolated, in one interleaved run; and beside bwrap and docker.

    python benchmarks/sandbox.py [bombs | calls]

`bombs`: only what quick programs wait beside slow ones. `calls`: only 1,500 calls at once of a service of its own, which is
then killed, and what the next one leaves of it.

With a Docker engine that has the image touchstone/sandbox, docker's ways are measured too.

Every figure is the mean of ROUNDS runs, the ways taken in turn within each round so that the machine's moods fall on all
alike. The ratio is to `python3 -I -S` started un-isolated on the same program: above 1 the jail is the faster one.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import os
import platform
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx

from reward_sandbox.backend import CodeBackend
from reward_sandbox.jail.backends.bwrap import BwrapJail
from reward_sandbox.jail.backends.docker import DockerJail
from reward_sandbox.jail.backends.fork_server import ForkServerJail
from reward_sandbox.jail.spec import PYTHON, CannotJail, File, Jail, Limits, Run
from reward_sandbox.languages.compiler import Compiler
from reward_sandbox.languages.table import LANGUAGES
from reward_sandbox.service import app_of
from reward_sandbox.settings import SandboxSettings

ROUNDS = 60
INTERPRETER = os.path.realpath(sys.executable)
SYSTEM = "/usr/bin/python3"  # for users who may not see the other one
PRELUDE = (
    "from string import *\nfrom re import *\nfrom datetime import *\nfrom collections import *\nfrom heapq import *\n"
    "from bisect import *\nfrom copy import *\nfrom math import *\nfrom random import *\nfrom statistics import *\n"
    "from itertools import *\nfrom functools import *\nfrom operator import *\nfrom io import *\nfrom sys import *\n"
    "from json import *\nfrom builtins import *\nfrom typing import *\nprint(1)\n"
)
PROGRAMS = {
    "print(1)": "print(1)",
    "LiveCodeBench's imports": PRELUDE,
    "numpy": "import numpy\nprint(numpy.ones(3).sum())",
}
SUM = {"stdin": "1 2\n", "stdout": "3\n"}
ADD = "a, b = map(int, input().split())\nprint(a + b)\n"
CPP = "#include <bits/stdc++.h>\nint main(){int a,b;std::cin>>a>>b;std::cout<<a+b;}\n// %d"


def bare(code: str, path: str) -> Callable[[], Awaitable[None]]:
    """Un-isolated; with numpy's folder on its path where the program needs it."""
    code = f"import sys; sys.path.append({path!r})\n{code}" if path else code

    async def once() -> None:
        subprocess.run([INTERPRETER, "-I", "-S", "-c", code], capture_output=True, check=True)

    return once


def bwrap(code: str) -> Callable[[], Awaitable[None]]:
    command = ["bwrap", "--unshare-all", "--ro-bind", "/usr", "/usr", "--symlink", "usr/lib", "/lib"]
    command += ["--symlink", "usr/lib64", "/lib64", "--tmpfs", "/tmp", "--die-with-parent"]

    async def once() -> None:
        subprocess.run([*command, "/usr/bin/python3", "-I", "-S", "-c", code], capture_output=True, check=True)

    return once


def docker_run(code: str) -> Callable[[], Awaitable[None]]:
    command = ["docker", "run", "--rm", "--network", "none", "--entrypoint", "python3", "touchstone/sandbox"]

    async def once() -> None:
        subprocess.run([*command, "-I", "-S", "-c", code], capture_output=True, check=True)

    return once


def jailed(jail: Jail, code: str) -> Callable[[], Awaitable[None]]:
    run = Run(PYTHON, {"solution.py": File(code.encode())})

    async def once() -> None:
        outcome = await jail.run(run)
        if outcome.ending != "ok":
            raise RuntimeError(outcome)

    return once


async def interleaved(ways: dict[str, Callable[[], Awaitable[None]]], rounds: int = ROUNDS) -> dict[str, list[float]]:
    times: dict[str, list[float]] = {name: [] for name in ways}
    for way in ways.values():
        await way()
    for _ in range(rounds):
        for name, way in ways.items():
            begun = time.perf_counter()
            await way()
            times[name].append((time.perf_counter() - begun) * 1000)
    return times


async def programs(path: str) -> None:
    print("| program | way | mean ms | median ms | p95 ms | ratio |\n|---|---|---|---|---|---|")
    default = SandboxSettings().preload
    for name, code in PROGRAMS.items():
        wants_numpy = name == "numpy"
        if wants_numpy and not path:
            continue
        folders = [path] if wants_numpy else []
        jails: list[Jail] = [
            ForkServerJail(1, preload=[*default, "numpy"] if wants_numpy else default, path=folders, folders=folders)
        ]
        ways = {"un-isolated": bare(code, path if wants_numpy else ""), "fork server, tier A": jailed(jails[0], code)}
        if name == "print(1)":
            others: dict[str, Jail] = {
                f"fork server, tier {tier}": ForkServerJail(1, tier=tier, python=SYSTEM) for tier in "BC"
            }
            if shutil.which("bwrap"):
                others["bwrap backend"] = BwrapJail(1, python=SYSTEM)
                ways["bwrap alone"] = bwrap(code)
            jails += others.values()
            ways |= {way: jailed(jail, code) for way, jail in others.items()}
        for jail in jails:
            await jail.start()
        times = await interleaved(ways)
        base = statistics.mean(times["un-isolated"])
        for way, taken in times.items():
            mean, p95 = statistics.mean(taken), statistics.quantiles(taken, n=20)[-1]
            print(f"| {name} | {way} | {mean:.2f} | {statistics.median(taken):.2f} | {p95:.2f} | {base / mean:.2f} |")
        for jail in jails:
            await jail.aclose()


async def containers() -> None:
    jail = DockerJail(1)
    try:
        await jail.start()
    except CannotJail as error:
        print(f"\nno figures of docker: {error}")
        return
    run = Run(PYTHON, {"solution.py": File(b"print(1)")})

    async def submission(tests: int) -> None:
        async with jail.submission(Limits()) as place:
            for _ in range(tests):
                outcome = await place.run(run)
                if outcome.ending != "ok":
                    raise RuntimeError(outcome)

    ways = {
        "un-isolated": (1, bare("print(1)", "")),
        "docker run": (1, docker_run("print(1)")),
        "docker backend, 1 test a submission": (1, lambda: submission(1)),
        "docker backend, 20 tests a submission": (20, lambda: submission(20)),
    }
    times = await interleaved({name: way for name, (_, way) in ways.items()}, rounds=10)
    print("\n| print(1) | mean ms a test | ratio |\n|---|---|---|")
    base = statistics.mean(times["un-isolated"])
    for name, (tests, _) in ways.items():
        mean = statistics.mean(times[name]) / tests
        print(f"| {name} | {mean:.2f} | {base / mean:.2f} |")
    await jail.aclose()


async def service_and_slots() -> None:
    print("\n| load | programs a second | ratio |\n|---|---|---|")
    base = await interleaved({"bare": bare("print(1)", "")})
    rate = 1000 / statistics.mean(base["bare"])
    print(f"| un-isolated, one after another | {rate:.0f} | 1.00 |")
    backend = CodeBackend(SandboxSettings(slots=os.cpu_count() or 1))
    await backend.start()
    app = app_of(backend)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://sandbox", timeout=120) as client:

        async def batch(turn: int) -> None:
            codes = [f"print({n} - {n} + 1)  # {turn}" for n in range(64)]
            items = [{"language": "python", "code": code, "tests": [{"stdout": "1"}]} for code in codes]
            (await client.post("/grade", json={"items": items})).raise_for_status()

        await batch(-1)
        begun = time.perf_counter()
        for turn in range(8):
            await batch(turn)
        graded = 8 * 64 / (time.perf_counter() - begun)
    print(f"| POST /grade in batches of 64, {os.cpu_count()} slots | {graded:.0f} | {graded / rate:.2f} |")
    await backend.aclose()
    rates = {}
    for slots in (1, 2):
        jail = ForkServerJail(slots)
        await jail.start()
        run = Run(PYTHON, {"solution.py": File(b"sum(i * i for i in range(200_000))")})
        await asyncio.gather(*(jail.run(run) for _ in range(8)))
        begun = time.perf_counter()
        await asyncio.gather(*(jail.run(run) for _ in range(100)))
        rates[slots] = 100 / (time.perf_counter() - begun)
        print(
            f"| 20 ms of work each, {slots} slot(s) | {rates[slots]:.0f} | {rates[slots] / rates[1]:.2f} to one slot |"
        )
        await jail.aclose()


async def compiling() -> None:
    print("\n| C++ with `bits/stdc++.h` | ms | ratio |\n|---|---|---|")
    jail, backend, cpp = ForkServerJail(1), CodeBackend(SandboxSettings(slots=1)), LANGUAGES["cpp"]
    await jail.start()
    await backend.start()
    compilers = {"as it is": Compiler(jail), "precompiled header": Compiler(backend.jail)}
    seconds: dict[str, list[float]] = {name: [] for name in (*compilers, "from the cache")}
    for n in range(6):
        for name, compiler in compilers.items():
            begun = time.perf_counter()
            await compiler.compile(cpp, CPP % n)
            seconds[name].append(time.perf_counter() - begun)
        begun = time.perf_counter()
        await compilers["as it is"].compile(cpp, CPP % n)
        seconds["from the cache"].append(time.perf_counter() - begun)
    base = statistics.mean(seconds["as it is"])
    for name, times in seconds.items():
        mean = statistics.mean(times)
        print(f"| {name} | {mean * 1000:.2f} | {base / mean:,.1f} |")
    await jail.aclose()
    await backend.aclose()


async def beside_bombs(bombs: int = 8, clients: int = 4, seconds: float = 40.0) -> None:
    """Quick programs, one after another of each client, beside endless loops and sleepers that never let up."""
    backend = CodeBackend(SandboxSettings(slots=os.cpu_count() or 1))
    await backend.start()
    end = time.monotonic() + seconds
    times: list[float] = []

    async def post(client: httpx.AsyncClient, code: str) -> float | None:
        item = {"language": "python", "code": code, "tests": [{"stdin": "1 2\n", "stdout": "3\n"}]}
        reply = await client.post("/grade", json={"items": [item]})
        return reply.raise_for_status().json()["items"][0]["score"]

    async def bomb(client: httpx.AsyncClient, number: int) -> None:
        turn = 0
        while time.monotonic() < end:
            turn += 1
            code = "while True: pass" if number % 2 else "import time; time.sleep(100)"
            await post(client, f"{code}  # {number} {turn}")

    async def quick(client: httpx.AsyncClient, number: int) -> None:
        await asyncio.sleep(2)
        while time.monotonic() < end:
            begun = time.monotonic()
            score = await post(client, f"{ADD}# {number} {len(times)} {begun}")
            times.append(time.monotonic() - begun)
            if score != 1:
                raise RuntimeError(f"a right program got {score}")

    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app_of(backend)), base_url="http://sandbox", timeout=300
    ) as client:
        loops = [bomb(client, n) for n in range(bombs)] + [quick(client, n) for n in range(clients)]
        await asyncio.gather(*loops)
    p95 = statistics.quantiles(times, n=20)[-1]
    print("\n| quick programs beside bombs | graded | median s | p95 s | longest s |\n|---|---|---|---|---|")
    print(
        f"| {clients} clients, {bombs} bombs, {os.cpu_count()} slots | {len(times)} | {statistics.median(times):.3f} "
        f"| {p95:.3f} | {max(times):.2f} |"
    )
    await backend.aclose()


CALLS = 1500
# What each of the calls has: a program, and its score.
KINDS = (
    (ADD, 1),
    ("print(sum(map(int, input().split())))", 1),
    ("print(4)", 0),
    ("import sys\nsys.exit(1)", 0),
    ("import os\nos.fork()\nos.kill(os.getppid(), 9)", 0),
    ("print('x' * 10**7)", 0),
)


async def calls_at_once() -> None:
    """Each call a connection of its own; then the service is killed with programs at work."""
    port, folder = _free_port(), tempfile.mkdtemp()
    environment = {**os.environ, "TMPDIR": folder}
    command = [str(Path(sys.executable).with_name("touchstone")), "serve", "sandbox", "--port", str(port)]
    service = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.DEVNULL, env=environment)
    limits = httpx.Limits(max_connections=CALLS)
    times: list[float] = []
    wrong = lost = 0

    async def call(client: httpx.AsyncClient, number: int) -> None:
        nonlocal wrong, lost
        code, score = KINDS[number % len(KINDS)]
        item = {"language": "python", "code": f"{code}\n# {number}", "tests": [{"stdin": "1 2", "stdout": "3"}]}
        begun = time.monotonic()
        try:
            reply = await client.post("/grade", json={"items": [item]})
            wrong += reply.json()["items"][0]["score"] != score
        except (httpx.HTTPError, KeyError):
            lost += 1
        times.append(time.monotonic() - begun)

    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=600, limits=limits) as client:
        await _served(client)
        begun = time.monotonic()
        await asyncio.gather(*(call(client, number) for number in range(CALLS)))
        took = time.monotonic() - begun
        bomb = {"items": [{"language": "python", "code": "while True: pass", "tests": [{"stdout": ""}]}]}
        at_work = [asyncio.create_task(client.post("/grade", json=bomb)) for _ in range(8)]
        await asyncio.sleep(1)
        service.kill()
        await service.wait()
        await asyncio.gather(*at_work, return_exceptions=True)
    print("\n| calls at once | lost | wrong | calls a second | median s | longest s |\n|---|---|---|---|---|---|")
    print(f"| {CALLS} | {lost} | {wrong} | {CALLS / took:.0f} | {statistics.median(times):.2f} | {max(times):.2f} |")
    await asyncio.sleep(61)  # a folder this young may be one that is only being made
    again = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.DEVNULL, env=environment)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
        await _served(client)
    again.terminate()
    await again.wait()
    left = [path.name for path in Path(folder).iterdir()] + _left(service.pid)
    print(
        f"\nOf a service that `kill -9` ended with programs at work, the next one leaves: {', '.join(left) or 'nothing'}"
    )
    shutil.rmtree(folder)


async def _served(client: httpx.AsyncClient) -> None:
    for _ in range(600):
        with contextlib.suppress(httpx.HTTPError):
            if (await client.get("/readyz")).status_code == httpx.codes.OK:
                return
        await asyncio.sleep(0.2)
    raise RuntimeError("the service does not start")


def _left(pid: int) -> list[str]:
    """The control groups and the processes of a sandbox that had this process id."""
    groups = [str(path) for path in Path("/sys/fs/cgroup").glob(f"**/touchstone-{pid}-*")]
    users = {20_000 + (pid * 64 + index) % 40_000 for index in range(64)}
    processes = [path for path in Path("/proc").glob("[0-9]*") if path.exists() and path.stat().st_uid in users]
    return groups + [path.name for path in processes]


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def main() -> None:
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}\n")
    if sys.argv[1:] == ["bombs"]:
        asyncio.run(beside_bombs())
        return
    if sys.argv[1:] == ["calls"]:
        asyncio.run(calls_at_once())
        return
    numpy = importlib.util.find_spec("numpy")
    path = os.path.dirname(os.path.dirname(numpy.origin)) if numpy and numpy.origin else ""
    asyncio.run(programs(path))
    asyncio.run(containers())
    asyncio.run(service_and_slots())
    asyncio.run(compiling())
    asyncio.run(beside_bombs())
    asyncio.run(calls_at_once())


if __name__ == "__main__":
    main()
