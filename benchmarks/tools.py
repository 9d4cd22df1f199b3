"""The tools service: queries a second of one core over 100,000 passages, and 1,500 episodes at once, an interpreter each.

    python benchmarks/tools.py [search | mixed | sessions]

The passages are drawn from a vocabulary of 50,000 words by Zipf's law, 60 words each; a query is four to eight words of one
of them. Of the episodes, each sets a variable of its own in Python; once all have, each calculates, searches, and reads its
variable back. In `mixed` one of ten has Python, and the others calculate instead. An episode is lost when a call fails, is
refused, or gives another answer than its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx
import numpy as np
import psutil

from reward_tools.corpus.build import build
from reward_tools.corpus.index import CorpusIndex

PASSAGES, WORDS, VOCABULARY = 100_000, 60, 50_000
QUERIES = 2_000
EPISODES = 1_500
PORT = 8793
# Client and server have the same cores here, so neither is to blame for a connection that does not move.
PATIENT = {"TOUCHSTONE_HEADER_TIMEOUT_S": "300", "TOUCHSTONE_WRITE_TIMEOUT_S": "300", "TOUCHSTONE_LOG_LEVEL": "ERROR"}
ROOM = {"TOUCHSTONE_TOOLS_MAX_INTERPRETERS": str(EPISODES)}
CUT: list[int] = []
"""Episodes of which a connection broke; the call is sent again."""
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


def word(number: int) -> str:
    """Its name in letters."""
    name = ""
    number += 700
    while number:
        number, digit = divmod(number, 26)
        name += _LETTERS[digit]
    return name


def texts(rng: np.random.Generator) -> list[list[str]]:
    names = [word(number) for number in range(VOCABULARY)]
    drawn = np.minimum(rng.zipf(1.15, size=(PASSAGES, WORDS)) - 1, VOCABULARY - 1)
    return [[names[number] for number in row] for row in drawn]


def search() -> None:
    passages = texts(np.random.default_rng(1))
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "texts"
        source.mkdir()
        with (source / "passages.jsonl").open("w") as out:
            for number, words in enumerate(passages):
                out.write(json.dumps({"id": str(number), "text": " ".join(words)}) + "\n")
        begun = time.monotonic()
        build(source, Path(folder) / "index")
        print(f"index: {PASSAGES:,} passages in {time.monotonic() - begun:.1f} s")
        index = CorpusIndex(Path(folder) / "index")
        rng = random.Random(2)
        questions = []
        for _ in range(QUERIES):
            number = rng.randrange(PASSAGES)
            questions.append((str(number), " ".join(rng.sample(passages[number], rng.randint(4, 8)))))
        index.search(questions[0][1], 3)
        rates, hits = [], 0
        for part in range(5):
            some = questions[part * QUERIES // 5 : (part + 1) * QUERIES // 5]
            begun, used = time.monotonic(), time.thread_time()
            hits += sum(any(hit.id == number for hit in index.search(query, 3)) for number, query in some)
            rates.append((len(some) / (time.monotonic() - begun), len(some) / (time.thread_time() - used)))
        wall, core = (statistics.median(one) for one in zip(*rates, strict=True))
        print(
            f"search: {wall:.0f} queries/s by the clock, {core:.0f} a second of one core; its passage in the best 3: "
            f"{hits / QUERIES:.0%}; load {os.getloadavg()[0]:.1f}"
        )


async def episode(
    client: httpx.AsyncClient, number: int, has_python: bool, all_begun: asyncio.Barrier, waits: list[float]
) -> str:
    """What went wrong; empty when nothing did."""

    async def call(name: str, arguments: dict[str, object]) -> dict[str, object]:
        begun = time.monotonic()
        while True:
            try:
                body = {"session": f"load-{number}", "name": name, "arguments": arguments}
                reply = await client.post("/call", json=body)
            except httpx.TransportError:  # had the call begun, it would be in the trace twice, and that not be whole
                CUT.append(number)
                continue
            if reply.status_code != 429:
                break
            await asyncio.sleep(float(reply.headers["retry-after"]))
        waits.append(time.monotonic() - begun)
        document: dict[str, object] = reply.json()
        return document

    def kept(code: str, expression: str) -> tuple[str, dict[str, object]]:
        return ("python", {"code": code}) if has_python else ("calculate", {"expression": expression})

    first = await call(*kept(f"kept = {number}", f"{number}"))
    await all_begun.wait()
    replies = [
        first,
        await call("calculate", {"expression": f"{number} * 7"}),
        await call("search", {"query": "Who founded Velmora?"}),
        await call(*kept("kept + 1", f"{number} + 1")),
    ]
    bad = [f"{one['outcome']} {one['cause']}: {one['output']}" for one in replies if one["outcome"] != "ok"]
    outputs = [str(one["output"]).strip() for one in replies]
    if outputs[1] != str(number * 7) or "Ilsa Verrane" not in outputs[2] or outputs[3] != f"{number + 1}":
        bad.append(f"other answers: {outputs}")
    return "; ".join(bad)


async def episodes(server: psutil.Process, python_every: int) -> None:
    async with contextlib.AsyncExitStack() as stack:
        # Many small pools: looking through a large one takes the client longer than the calls take.
        clients = [
            await stack.enter_async_context(
                httpx.AsyncClient(base_url=f"http://127.0.0.1:{PORT}", timeout=900, verify=False, trust_env=False)
            )
            for _ in range(EPISODES // 30)
        ]
        client = clients[0]
        while True:
            try:
                if (await client.get("/readyz")).status_code == 200:
                    break
            except httpx.TransportError:
                await asyncio.sleep(0.2)
        all_begun, waits = asyncio.Barrier(EPISODES + 1), []
        begun = time.monotonic()
        tasks = [
            asyncio.create_task(
                episode(clients[number % len(clients)], number, number % python_every == 0, all_begun, waits)
            )
            for number in range(EPISODES)
        ]
        await all_begun.wait()
        opened = time.monotonic() - begun
        children = server.children(recursive=True)
        memory = sum(child.memory_full_info().pss for child in children)
        lost = [why for why in await asyncio.gather(*tasks) if why]
        seconds = time.monotonic() - begun
        metrics = (await client.get("/metrics")).text
        turned = sum(
            float(line.split()[-1])
            for line in metrics.splitlines()
            if line.startswith("reward_tools_turned_away_total")
        )
        names = json.dumps({"sessions": [f"load-{number}" for number in range(EPISODES)]})
        traces = (await client.post("/traces", content=names, headers={"content-type": "application/json"})).json()
        whole = sum(len(one["calls"]) == 4 and not one["trouble"] for one in traces["traces"])
    print(
        f"episodes: {EPISODES:,} open at once after {opened:.1f} s, {len(children):,} processes, {memory / 2**20:,.0f} MB; "
        f"{4 * EPISODES / seconds:.0f} calls/s in all, median {statistics.median(waits):.2f} s; lost {len(lost)}, "
        f"whole traces {whole:,}, turned away {turned:.0f}, connections cut {len(CUT)}; load {os.getloadavg()[0]:.1f}"
    )
    for why in sorted(set(lost))[:5]:
        print("  lost:", why)


def sessions(python_every: int = 1) -> None:
    command = [sys.executable, "-m", "reward_api", "serve", "tools", "--port", str(PORT)]
    server = subprocess.Popen(command, env={**os.environ, **PATIENT, **ROOM})
    try:
        asyncio.run(episodes(psutil.Process(server.pid), python_every))
    finally:
        begun = time.monotonic()
        server.terminate()
        server.wait()
        print(f"ended in {time.monotonic() - begun:.1f} s")


if __name__ == "__main__":
    for part in sys.argv[1:] or ("search", "mixed", "sessions"):
        {"search": search, "mixed": lambda: sessions(10), "sessions": sessions}[part]()
