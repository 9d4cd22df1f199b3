"""What a judge costs in one step of GRPO, and what becomes of its faults. The judge is the scripted one of the
tests, behind a real socket.

    python benchmarks/preference_judge.py

A step is 64 groups of 16 completions, each group with 8 different answers behind 16 different thoughts.
"""

from __future__ import annotations

import asyncio
import socket
import sys
import time
from collections.abc import Awaitable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "preference_model"))

from faulty_judge import FaultyJudge

from preference_model.backend import PreferenceBackend
from preference_model.judge.group import pairings
from preference_model.rubric.backend import RubricBackend
from preference_model.settings import JudgeSettings, PreferenceSettings
from reward_verifiers.contract import Verdict, VerifyRequest

GROUPS, SIZE, DIFFERENT = 64, 16, 8
RUBRIC = [
    {"text": 'The answer mentions "alpha".', "weight": 2, "kind": "must"},
    {"text": 'The answer mentions "beta".', "weight": 1, "kind": "nice"},
]


def group(number: int, options: dict[str, Any], reference: dict[str, Any]) -> VerifyRequest:
    """Answer `at` has the value `at`, and holds alpha and beta, alpha alone, or neither."""
    words = ("alpha and beta", "alpha alone", "neither")
    answers = [f"It has {words[at % 3]}, and the value {at}, says group {number}." for at in range(DIFFERENT)]
    texts = [f"<think>thought {at}</think>{answers[at % DIFFERENT]}" for at in range(SIZE)]
    prompt = "Give me a value."
    return VerifyRequest(prompt=prompt, completions=texts, options=options, reference=reference, deadline_s=600)


@dataclass(frozen=True)
class Way:
    """A kind of judge: its backend, options and reference; `alone`: the calls of a group without sharing anything;
    `groups`: how many of them take 2,000 replies.
    """

    name: str
    kind: type[Any]
    options: dict[str, Any]
    reference: dict[str, Any]
    alone: int
    groups: int


WAYS = (
    Way("rubric", RubricBackend, {}, {"rubric": RUBRIC}, SIZE, 256),
    Way("by a reference", PreferenceBackend, {"model": "judge_reference"}, {"answer": "value 3,"}, SIZE, 256),
    Way(
        "pairs in the group",
        PreferenceBackend,
        {"model": "judge_pairs", "mode": "pairwise"},
        {},
        2 * len(pairings(SIZE)),
        40,
    ),
)


async def step(backend: Any, way: Way, numbers: Iterable[int]) -> list[Verdict]:
    requests = [group(number, way.options, way.reference) for number in numbers]
    replies = await asyncio.gather(*(backend.verify(request) for request in requests))
    return [one for reply in replies for one in reply.verdicts]


async def measure(judge: FaultyJudge, url: str, way: Way) -> None:
    judge.rate = 0.0
    backend = way.kind(PreferenceSettings(judge=JudgeSettings(url=url, concurrency=64, canary_minutes=1000)))
    expected = [one.score for one in await step(backend, way, [-1])]
    before, begun = len(judge.bodies), time.perf_counter()
    verdicts = await step(backend, way, range(GROUPS))
    calls, seconds = len(judge.bodies) - before, time.perf_counter() - begun
    equal = [one.score for one in verdicts] == expected * GROUPS
    print(f"{way.name}: {calls} calls where {GROUPS * way.alone} were needed without sharing", end=" ")
    print(f"({GROUPS * way.alone / calls:.2f}), equal verdicts: {equal}, {seconds:.1f} s")
    judge.rate, before = 0.15, len(judge.bodies)
    faulty = await step(backend, way, range(1000, 1000 + way.groups))
    rows = list(zip(faulty, expected * way.groups, strict=True))
    nulls = sum(one.score is None for one, _ in rows)
    lost = sum(bool(one.evidence.get("failed_pairs")) for one, _ in rows)
    wrong = sum(one.score not in (None, score) and not one.evidence.get("failed_pairs") for one, score in rows)
    print(f"  faults in 15 % of {len(judge.bodies) - before} replies: {len(rows)} verdicts, {wrong} wrong,", end=" ")
    print(f"{nulls} without a score ({nulls / len(rows):.2%}), {lost} short of a pair")
    await backend.aclose()


def serve(judge: FaultyJudge) -> tuple[str, uvicorn.Server, Awaitable[None]]:
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(judge.app, log_level="error", lifespan="off"))
    return f"http://127.0.0.1:{listener.getsockname()[1]}/v1", server, server.serve([listener])


async def main() -> None:
    judge = FaultyJudge(seed=1)
    url, server, serving = serve(judge)
    task = asyncio.ensure_future(serving)
    try:
        for way in WAYS:
            await measure(judge, url, way)
    finally:
        server.should_exit = True
        await task


if __name__ == "__main__":
    asyncio.run(main())
