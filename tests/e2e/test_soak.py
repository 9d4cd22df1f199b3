"""Ten thousand requests, good and hostile: no 5xx, no hang, and memory that does not grow."""

import asyncio
import contextlib
import gzip
import itertools
import json
import os
import random
import statistics
import time
from collections import Counter

import httpx
import psutil
import pytest

pytestmark = pytest.mark.long

JSON = {"content-type": "application/json"}


def good(rng):
    answer = rng.randrange(200)
    texts = [
        f"<think>{'so ' * rng.randrange(200)}</think><answer>{answer + rng.randrange(2)}</answer>" for _ in range(4)
    ]
    return 200, {"content": json.dumps({"completions": texts, "reference": str(answer)}).encode(), "headers": JSON}


def hostile_completions(rng):
    texts = [
        "\\boxed{" * rng.randrange(5000),
        "<think>" * rng.randrange(5000),
        "$ " * rng.randrange(5000),
        "(" * 5000 + ")" * 5000,
        f"<answer>{'9' * rng.randrange(1, 5000)}</answer>",
        "\u202e\u200b" * 100,
        "\ud800 \0" * 100,  # which a model can write: it costs its group nothing
        "```" * 1000,
        "\\frac{" * 300 + "1" + "}{2}" * 300,
    ]
    return 200, {"content": json.dumps({"completions": texts, "reference": "7"}).encode(), "headers": JSON}


def bomb(rng):
    text = rng.choice(["\\boxed{9^{9^{9^{9}}}}", "\\boxed{(10^9)!}"]) + " " * rng.randrange(20)
    return 200, {"content": json.dumps({"completions": [text, "7"], "reference": "7"}).encode(), "headers": JSON}


def malformed(rng):
    body = rng.choice(
        [
            b"",
            b"{",
            b"\xff",
            b"[" * 1000,
            b'{"completions":["a"],"reference":"\\ud800"}',
            b'{"completions":["a"],"completions":["b"]}',
            b'{"completions":["a"],"step":NaN}',
            b'{"completions":["a"],"tokens":[1' + b"0" * 500 + b"]}",
            b'{"completions":[]}',
            b'{"completions":["a"],"surprise":1}',
            b'{"completions":[{"role":1}]}',
            rng.randbytes(100),
        ]
    )
    return 400, {"content": body, "headers": JSON}


def wrong_wrapping(rng):
    headers = rng.choice(
        [
            {"content-type": "text/plain"},
            {**JSON, "content-encoding": "br"},
            {**JSON, "content-encoding": "gzip"},
        ]
    )
    return 400, {"content": b"{}", "headers": headers}


def zip_bomb(_):
    return 400, {"content": BOMB, "headers": {**JSON, "content-encoding": "gzip"}}


BOMB = gzip.compress(b" " * (80 << 20))
KINDS = {good: 70, hostile_completions: 10, malformed: 15, wrong_wrapping: 4, zip_bomb: 0.1, bomb: 0.3}


@pytest.mark.timeout(1200)
async def test_ten_thousand_requests(serve, capsys):
    rng = random.Random(0)
    plan = rng.choices(list(KINDS), list(KINDS.values()), k=10_000)
    seen: Counter[tuple[str, int]] = Counter()
    with serve(TOUCHSTONE_CACHE_MB="1") as (url, server):
        process = psutil.Process(server.pid)
        async with httpx.AsyncClient(base_url=url, timeout=60) as client:
            queue = iter(plan)

            async def work():
                for kind in queue:
                    family, request = kind(rng)
                    reply = await client.post("/score/math", **request)
                    assert reply.status_code < 500, (kind, reply.text)
                    assert reply.status_code // 100 == family // 100, (kind, reply.status_code, reply.text)
                    seen[kind.__name__, reply.status_code] += 1
                    if kind is good:
                        assert all(result["valid"] for result in reply.json()["results"])

            async def some(count):
                nonlocal queue
                queue = itertools.islice(plans, count)
                await asyncio.gather(*(work() for _ in range(16)))

            plans = iter(plan)
            await some(1000)
            early = process.memory_info().rss
            await some(9000)
            late = process.memory_info().rss
            assert (await client.get("/readyz")).status_code == 200
    assert seen.total() == 10_000
    with capsys.disabled():
        print(f"\nresident after 1,000 requests: {early >> 20} MB; after 10,000: {late >> 20} MB")
    assert late < early * 1.1 + (8 << 20)


SOAK_S = float(os.environ.get("TOUCHSTONE_SOAK_S", "3600"))


def resident(process: psutil.Process) -> int:
    """Of the server and of all below it, in bytes."""
    total = 0
    for one in [process, *process.children(recursive=True)]:
        with contextlib.suppress(psutil.NoSuchProcess):
            total += one.memory_info().rss
    return total


@pytest.mark.timeout(SOAK_S + 600)
async def test_an_hour(serve, capsys):
    """TOUCHSTONE_SOAK_S is how long. Memory is flat after the first quarter, in the server and in its workers."""
    rng = random.Random(1)
    sizes: list[int] = []
    seen: Counter[int] = Counter()
    with serve(TOUCHSTONE_CACHE_MB="1", TOUCHSTONE_IDEMPOTENCY_MB="1") as (url, server):
        process = psutil.Process(server.pid)
        end = time.monotonic() + SOAK_S
        async with httpx.AsyncClient(base_url=url, timeout=60) as client:

            async def work():
                while time.monotonic() < end:
                    [kind] = rng.choices(list(KINDS), list(KINDS.values()))
                    family, request = kind(rng)
                    reply = await client.post("/score/math", **request)
                    assert reply.status_code // 100 == family // 100, (kind, reply.status_code, reply.text)
                    seen[reply.status_code] += 1

            async def weigh():
                while time.monotonic() < end:
                    sizes.append(resident(process))
                    await asyncio.sleep(SOAK_S / 100)

            await asyncio.gather(weigh(), *(work() for _ in range(16)))
            assert (await client.get("/readyz")).status_code == 200
    quarter = len(sizes) // 4
    early, late = statistics.median(sizes[quarter : 2 * quarter]), statistics.median(sizes[-quarter:])
    with capsys.disabled():
        print(f"\n{seen.total()} requests; second quarter: {early / 2**20:.0f} MB; last: {late / 2**20:.0f} MB")
    assert late < early * 1.1 + (16 << 20)
