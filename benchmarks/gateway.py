"""Gateway: overhead against a bare FastAPI echo, a GRPO stream, and steps of R1's size in bounded memory.

    python benchmarks/gateway.py [overhead|stream|step|math ...]      (default: all)

Prints markdown tables for benchmarks/RESULTS.md. Everything compared is measured in the same run, in turn.
"""

from __future__ import annotations

import asyncio
import os
import platform
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from pydoc_data import topics
from typing import Annotated, Any

import httpx
import orjson
import typer
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel
from rich.console import Console
from rich.progress import track

from reward_api.app import create_app
from reward_api.gateway.gateway import Gateway
from reward_api.settings import SHIPPED_DOMAINS, GatewaySettings
from reward_verifiers.contract import Description, Verdict, VerifyReply, VerifyRequest
from reward_verifiers.verifier import Options, ReferenceModel, Sample, Verifier

SHAPES = {"16 × 8 KB": (16, 8 << 10), "512 × 32 KB": (512, 32 << 10)}
QUIET = Console(stderr=True)
WORDS = ["so", "wait,", "let", "x", "=", "12", "therefore", "we\n", "check", '"it"', "again.", "\\frac{1}{2}", "ü"]


class Noop(Verifier[Options, ReferenceModel]):
    """Always 1."""

    name = "noop"
    version = "1"

    def verify(self, sample: Sample[Options, ReferenceModel]) -> Verdict:
        return Verdict.scored(1, "nothing was looked at")


class NoopBackend:
    """The same without a worker: what is left is the gateway itself."""

    async def describe(self) -> Description:
        return Noop().describe()

    async def check_options(self, options: dict[str, Any]) -> None: ...

    async def ready(self) -> bool:
        return True

    async def aclose(self) -> None: ...

    async def verify(self, request: VerifyRequest) -> VerifyReply:
        verdict = Verdict.scored(1, "nothing was looked at")
        return VerifyReply(verifier="noop", version="1", verdicts=[verdict] * len(request.completions))


class EchoGroup(BaseModel):
    domain: str
    completions: list[str]


class EchoReply(BaseModel):
    rewards: list[float]


def echo_app() -> FastAPI:
    app = FastAPI()

    @app.post("/score")
    async def score(group: EchoGroup) -> EchoReply:
        return EchoReply(rewards=[1.0] * len(group.completions))

    return app


def noop_settings(folder: Path, verifier: str) -> GatewaySettings:
    (folder / "bench.yaml").write_text(f"components:\n  - {{verifier: '{verifier}'}}\n")
    return GatewaySettings(domains=folder, max_body_mb=256, max_inflight_mb=512)


@asynccontextmanager
async def gateway_app(direct: bool) -> AsyncIterator[FastAPI]:
    """The gateway with a no-op verifier: called directly, or in a worker."""
    with tempfile.TemporaryDirectory() as folder:
        name = "noop" if direct else f"{Path(__file__).stem}:Noop"
        gateway = Gateway(noop_settings(Path(folder), name))
        if direct:
            gateway.backends._backends["noop", "in-process"] = NoopBackend()
        async with gateway.running():
            yield create_app(gateway)


def bodies(count: int, completions: int, size: int) -> Iterator[bytes]:
    """Distinct groups of reasoning-like text, so that no cache helps."""
    rng = random.Random(0)
    text = " ".join(rng.choice(WORDS) for _ in range(size * 2))
    for _ in range(count):
        starts = [rng.randrange(len(text) - size) for _ in range(completions)]
        yield orjson.dumps({"domain": "bench", "completions": [text[start : start + size] for start in starts]})


@asynccontextmanager
async def over_http(app: FastAPI) -> AsyncIterator[str]:
    """The app behind uvicorn in this process's loop, on a free port: both sides pay the same client."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error", access_log=False))
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        await serving


async def timed(client: httpx.AsyncClient, body: bytes) -> float:
    begun = time.perf_counter()
    reply = await client.post("/score", content=body, headers={"content-type": "application/json"})
    reply.raise_for_status()
    return time.perf_counter() - begun


async def overhead() -> None:
    print("| body | way | bare echo ms | gateway ms | ratio | gateway with a worker ms | ratio |")
    print("|---|---|---|---|---|---|---|")
    for shape, (completions, size) in SHAPES.items():
        for way in ("in-process", "HTTP"):
            async with AsyncExitStack() as stack:
                apps = [
                    echo_app(),
                    await stack.enter_async_context(gateway_app(direct=True)),
                    await stack.enter_async_context(gateway_app(direct=False)),
                ]
                clients = []
                for app in apps:
                    if way == "HTTP":
                        url = await stack.enter_async_context(over_http(app))
                        client = httpx.AsyncClient(base_url=url, timeout=120)
                    else:
                        client = httpx.AsyncClient(
                            transport=httpx.ASGITransport(app), base_url="http://app", timeout=120
                        )
                    clients.append(await stack.enter_async_context(client))
                times: list[list[float]] = [[], [], []]
                for body in bodies(210 if completions < 100 else 12, completions, size):
                    for position, client in enumerate(clients):
                        times[position].append(await timed(client, body))
                echo, direct, worker = (statistics.median(values[2:]) * 1000 for values in times)
                print(
                    f"| {shape} | {way} | {echo:.2f} | {direct:.2f} | {direct / echo:.2f} "
                    f"| {worker:.2f} | {worker / echo:.2f} |"
                )


# --- a running gateway ------------------------------------------------------------------------------------------------


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


RULE = "components:\n  - {verifier: answer}\n  - {verifier: format}\n"
SHIPPED = (SHIPPED_DOMAINS / "math.yaml").read_text()
RANDOM_TEXT = " ".join(random.Random(1).choice(WORDS) for _ in range(200 << 10))
# English prose of 700 KB with code and names in it that every Python ships: its language reference.
ENGLISH = "\n".join(topics.topics.values())


@contextmanager
def running_suite(rule: str) -> Iterator[tuple[str, int]]:
    """(URL, pid) of `touchstone serve` with the domain `math` of `rule`."""
    port = free_port()
    folder = tempfile.TemporaryDirectory()
    Path(folder.name, "math.yaml").write_text(rule)
    command = [sys.executable, "-m", "reward_api", "serve", "--port", str(port), "--domains", folder.name]
    server = subprocess.Popen(command)
    url = f"http://127.0.0.1:{port}"
    try:
        while True:
            try:
                if httpx.get(f"{url}/readyz").status_code == 200:
                    break
            except httpx.TransportError:
                time.sleep(0.05)
            if server.poll() is not None:
                raise SystemExit("the server died")
        yield url, server.pid
    finally:
        server.terminate()
        server.wait()
        folder.cleanup()


def high_water_mb(pid: int) -> float:
    """Peak resident memory of a process."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1024
    raise ValueError("no VmHWM")


def maths_groups(text: str, count: int, completions: int, size: int) -> Iterator[dict[str, Any]]:
    """Groups as GRPO sends them: long chains of thought out of `text`, a box at the end, a third of them wrong."""
    rng = random.Random(1)
    for number in range(count):
        right = rng.randrange(1000)
        yield {
            "id": f"q{number}",
            "reference": {"answer": str(right)},
            "deadline_s": 300,
            "completions": [
                f"<think>{text[rng.randrange(len(text) - size) :][:size]}</think>"
                f"<answer>\\boxed{{{right + (rng.random() < 0.33)}}}</answer>"
                for _ in range(completions)
            ],
        }


async def send(client: httpx.AsyncClient, group: dict[str, Any], retries: list[int]) -> list[float | None]:
    body = orjson.dumps(group)
    while True:
        reply = await client.post("/score/math", content=body, headers={"content-type": "application/json"})
        if reply.status_code != 429:
            reply.raise_for_status()
            return [result["reward"] for result in reply.json()["results"]]
        retries.append(1)
        await asyncio.sleep(float(reply.headers["retry-after"]))


async def stream(rule: str, text: str, size: int, concurrency: int, label: str) -> None:
    retries: list[int] = []
    with running_suite(rule) as (url, pid):
        async with httpx.AsyncClient(base_url=url, timeout=600) as client:
            gate = asyncio.Semaphore(concurrency)

            async def one(group: dict[str, Any]) -> list[float | None]:
                try:
                    return await send(client, group, retries)
                finally:
                    gate.release()

            begun, tasks = time.perf_counter(), []
            for group in track(
                maths_groups(text, 512, 16, size), total=512, description=label, transient=True, console=QUIET
            ):
                await gate.acquire()
                tasks.append(asyncio.create_task(one(group)))
            rewards = [reward for task in tasks for reward in await task]
            elapsed = time.perf_counter() - begun
        memory = high_water_mb(pid)
    none = sum(reward is None for reward in rewards)
    mb_s = len(rewards) * size / 2**20 / elapsed
    print(
        f"| {label} | {len(rewards)} | {len(rewards) / elapsed:,.0f} | {elapsed:.1f} | {mb_s:.0f} "
        f"| {none} | {len(retries)} | {memory:.0f} |"
    )


async def streams(steps: list[tuple[int, int, str]], rule: str = RULE, text: str = RANDOM_TEXT) -> None:
    print("| load | completions | a second | seconds | MB/s | no verdict | 429s | gateway peak MB |")
    print("|---|---|---|---|---|---|---|---|")
    for size, concurrency, label in steps:
        await stream(rule, text, size, concurrency, label)


PARTS: dict[str, Callable[[], Awaitable[None]]] = {
    "overhead": overhead,
    "stream": lambda: streams([(8 << 10, 32, "512 groups of 16 × 8 KB, 32 at a time")]),
    "step": lambda: streams(
        [
            (100 << 10, 64, "R1's step: 512 groups of 16 × 100 KB, 64 at a time"),
            (100 << 10, 512, "the same, all 512 at once"),
        ]
    ),
    "math": lambda: streams([(100 << 10, 64, "R1's step through the shipped `math` domain")], SHIPPED, ENGLISH),
}


def main(parts: Annotated[list[str] | None, typer.Argument()] = None) -> None:
    sys.path.insert(0, str(Path(__file__).parent))
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, {platform.system()}\n")
    for part in parts or PARTS:
        asyncio.run(PARTS[part]())
        print()


if __name__ == "__main__":
    typer.run(main)
