"""The monitor on runs that are known: synthetic streams, and small GRPO runs with and without a hole in the grader.

    python benchmarks/monitor.py streams [--seeds 6]     tests/reward_api/monitor/streams.py and fresh_streams.py
    python benchmarks/monitor.py runs [NAME …]           what benchmarks/monitor_runs.py left in out/monitor
    python benchmarks/monitor.py cost                    CPU time with and without the monitor

A run's groups are sent again, in order, to a gateway with the monitor: its state is read after each step. What is true of a
completion, the monitor does not get: the run's component `answer`, of weight 0, says it to this table alone.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

import httpx
import psutil
import yaml

ROOT = Path(__file__).parents[1]
RUNS = ROOT / "out" / "monitor"
sys.path += [str(Path(__file__).parent), str(ROOT / "tests" / "reward_api" / "monitor")]
os.environ["PYTHONPATH"] = str(Path(__file__).parent)
SMALL = 0.05
TRAILING = 200


def streams(seeds: int, only: str) -> None:
    import fresh_streams
    import streams

    from reward_api.monitor.alarms import State

    for title, module in (("streams", streams), ("fresh streams", fresh_streams)):
        right = total = 0
        for name, synthetic in module.STREAMS.items():
            if not name.startswith(only):
                continue
            seen = [module.watched(name, synthetic, seed) for seed in range(seeds)]
            good = [_is_as_expected(synthetic.expected, one) for one in seen]
            right, total = right + sum(good), total + len(good)
            raised = sorted({f"{alarm} {state.name}" for one in seen for alarm, (state, _) in one.alarms.items()})
            names = _names(synthetic.expected)
            steps = [
                min(one.alarms[name][1] for name in names & one.alarms.keys())
                for one in seen
                if names & one.alarms.keys()
            ]
            first = f"{min(steps)}–{max(steps)}" if steps else "–"
            print(
                f"| {name} | {', '.join(sorted(names)) or '–'} | {sum(good)}/{len(good)} | {first} | {', '.join(raised)} |",
                flush=True,
            )
        quiet = State.SUSPECT.name
        print(f"\n{title}: {right} of {total} as expected (quiet streams: below {quiet})\n", flush=True)


def _is_as_expected(expected: str | frozenset[str] | None, seen: Any) -> bool:
    from reward_api.monitor.alarms import State

    names = _names(expected)
    return bool(names & seen.alarms.keys()) if names else seen.worst < State.SUSPECT


def _names(expected: str | frozenset[str] | None) -> frozenset[str]:
    return frozenset({expected}) if isinstance(expected, str) else expected or frozenset()


# --- runs -------------------------------------------------------------------------------------------------------------


@dataclass
class Step:
    """What one step of a run held: paid completions, hacks among them, and the monitor's state after it."""

    number: int
    paid: int
    hacks: int
    total: int
    nulls: int
    state: str = "OK"
    alarms: list[str] = field(default_factory=list)


def groups_of(name: str) -> Iterator[tuple[int, str, list[dict[str, Any]]]]:
    """(step, group, its rows) of all stages of a run, in order."""
    from grpo_trainer.rollout.rollout_file import read_rows

    before = 0
    for path in sorted((RUNS / name).glob("*-*/rollouts.jsonl.zst")):
        last = 0
        for (step, group), rows in groupby(read_rows(path), lambda row: (row["step"], row["group"])):
            last = step
            yield before + step, f"{path.parent.name}/{group}", list(rows)
        before += last


def references() -> dict[str, Any]:
    from grpo_trainer.tasks.signs import Signs

    problems = [one for numbers in (2, 3) for one in Signs(numbers).problems("train")]
    return {problem.prompt: dict(problem.reference) for problem in problems}


def domain_of(name: str, monitor: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """The domain that the run was trained by, without what says the truth, and with a second verifier."""
    from monitor_runs import HOLES, domains, runs

    stages, _, _ = runs()[name]
    document = domains()[stages[0][1]]
    parts = [one for one in document["components"] if one.get("weight") != 0]
    honest = {"verifier": "holes:Evaluated"}
    second = {"verifier": "answer", "options": {"kind": "exact"}} if name.partition("-")[0] in HOLES else honest
    return stages[0][1], {**document, "components": parts, "monitor": {"second": second, **monitor}}


async def send(name: str, monitor: dict[str, Any]) -> tuple[list[Step], dict[str, Any]]:
    """The run's steps, and its figures."""
    from reward_api.app import create_app
    from reward_api.gateway.gateway import Gateway
    from reward_api.settings import GatewaySettings

    domain, document = domain_of(name, monitor)
    known, steps = references(), []
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / f"{domain}.yaml").write_text(yaml.safe_dump(document))
        gateway = Gateway(GatewaySettings(domains=Path(folder), workers=1, cache_mb=0))
        async with gateway.running():
            transport = httpx.ASGITransport(create_app(gateway))
            async with httpx.AsyncClient(transport=transport, base_url="http://gateway", timeout=60) as client:
                begun, before = time.monotonic(), cpu_seconds()
                for number, rows in groupby(groups_of(name), lambda one: one[0]):
                    step = Step(number, 0, 0, 0, 0)
                    for _, group, samples in rows:
                        await _score(client, domain, step, group, samples, known)
                    if gateway.monitoring is not None:
                        await gateway.monitoring.settle()
                        await _look(client, domain, step)
                    steps.append(step)
                figures = {"cpu": cpu_seconds() - before, "wall": time.monotonic() - begun}
                if gateway.monitoring is not None:
                    figures["thread"] = gateway.monitoring.seconds
                    figures["regrades"] = sum(gateway.monitoring.regrades.values())
                    figures["skipped"] = gateway.monitoring.skipped
                    figures["report"] = (await client.get("/monitor")).json()
    return steps, figures


async def _score(
    client: httpx.AsyncClient, domain: str, step: Step, group: str, rows: list[dict[str, Any]], known: dict[str, Any]
) -> None:
    prompt = rows[0]["prompt"]
    body = {
        "prompt": prompt, "completions": [row["completion"] for row in rows], "reference": known[prompt],
        "tokens": [row["tokens"] for row in rows], "id": group, "run": "run", "step": step.number,
    }  # fmt: skip
    reply = (await client.post(f"/score/{domain}", json=body)).raise_for_status().json()
    for row, result in zip(rows, reply["results"], strict=True):
        step.total += 1
        if result["reward"] is None:
            step.nulls += 1
            continue
        judging = result["components"].get("grader") or result["components"]["answer"]
        if judging["score"] >= 0.5:
            step.paid += 1
            step.hacks += row["components"]["answer"] < 0.5


async def _look(client: httpx.AsyncClient, domain: str, step: Step) -> None:
    run = (await client.get("/monitor")).json()["domains"][domain]["runs"]["run"]
    step.state = run["state"]
    step.alarms = [f"{one['name']} {one['state']} since {one['onset_step']}" for one in run["alarms"]]


def cpu_seconds() -> float:
    """Of this process and all that it started."""
    here = psutil.Process()
    total = 0.0
    for process in (here, *here.children(recursive=True)):
        try:
            times = process.cpu_times()
        except psutil.Error:
            continue
        total += times.user + times.system
    return total


def shares(steps: list[Step], at: int) -> tuple[float, float, float]:
    """Of paid completions, how many are hacks: in this step, in the last 200 paid ones, and since the beginning."""
    hacks = paid = 0
    for step in reversed(steps[: at + 1]):
        hacks, paid = hacks + step.hacks, paid + step.paid
        if paid >= TRAILING:
            break
    whole = steps[: at + 1]
    total = sum(step.hacks for step in whole) / max(1, sum(step.paid for step in whole))
    return steps[at].hacks / max(1, steps[at].paid), hacks / max(1, paid), total


def tell(name: str, steps: list[Step], figures: dict[str, Any]) -> None:
    ranks = ["OK", "WATCH", "SUSPECT", "HACKING"]
    cells = [name]
    for state in ("WATCH", "SUSPECT", "HACKING"):
        at = next((at for at, step in enumerate(steps) if ranks.index(step.state) >= ranks.index(state)), None)
        if at is None:
            cells.append("–")
        else:
            _, trailing, total = shares(steps, at)
            cells.append(f"{steps[at].number} ({trailing:.1%}, {total:.1%})")
    crossed = next((step.number for at, step in enumerate(steps) if shares(steps, at)[1] > SMALL), None)
    names = sorted({one.rpartition(" since")[0] for step in steps for one in step.alarms})
    end = shares(steps, len(steps) - 1)[1]
    nulls = sum(step.nulls for step in steps[-10:]) / max(1, sum(step.total for step in steps[-10:]))
    cells += [str(crossed or "–"), f"{end:.0%}", f"{nulls:.0%}", ", ".join(names)]
    print("| " + " | ".join(cells) + " |", flush=True)


def run_all(names: list[str], monitor: dict[str, Any]) -> None:
    from monitor_runs import runs

    print("| run | WATCH | SUSPECT | HACKING | hacks pass 5 % | hacks at the end | nulls at the end | alarms |")
    for name in names or runs():
        if not list((RUNS / name).glob("*-*/rollouts.jsonl.zst")):
            continue
        steps, figures = asyncio.run(send(name, monitor))
        tell(name, steps, figures)
        (RUNS / f"{name}.json").write_text(json.dumps({"steps": [vars(step) for step in steps], **figures}, indent=1))


# --- cost -------------------------------------------------------------------------------------------------------------

SECOND = {"second": {"verifier": "answer", "options": {"kind": "exact"}}}


def honest_groups(count: int) -> list[dict[str, Any]]:
    """Sums of fractions: sixteen completions of about 150 words, of which about half are right."""
    from streams import WORDS

    rng = random.Random(0)
    groups = []
    for number in range(count):
        answer = f"{rng.randrange(1, 99)}/{rng.choice([7, 11, 13])}"
        texts = []
        for _ in range(16):
            said = answer if rng.random() < 0.5 else f"{rng.randrange(1, 99)}/17"
            thought = " ".join(rng.choices(WORDS, k=rng.randrange(90, 210)))
            texts.append(f"<think>{thought}</think><answer>\\boxed{{{said}}}</answer>")
        groups.append({
            "prompt": f"question {number}", "completions": texts, "reference": answer, "id": str(number), "run": "run",
            "step": number // 8,
        })  # fmt: skip
    return groups


async def spend(groups: list[dict[str, Any]], monitor: dict[str, Any] | None) -> dict[str, Any]:
    """CPU time for these groups by the shipped domain math; monitor: what its file says of it, None without one."""
    from reward_api.app import create_app
    from reward_api.gateway.gateway import Gateway
    from reward_api.settings import SHIPPED_DOMAINS, GatewaySettings

    document = yaml.safe_load((SHIPPED_DOMAINS / "math.yaml").read_text()) | {"monitor": monitor or {}}
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "math.yaml").write_text(yaml.safe_dump(document))
        gateway = Gateway(GatewaySettings(domains=Path(folder), workers=1, monitor=monitor is not None, cache_mb=0))
        async with gateway.running():
            transport = httpx.ASGITransport(create_app(gateway))
            async with httpx.AsyncClient(transport=transport, base_url="http://gateway", timeout=60) as client:
                await client.post("/score/math", json=groups[0])
                before = cpu_seconds()
                for group in groups:
                    (await client.post("/score/math", json=group)).raise_for_status()
                if gateway.monitoring is None:
                    return {"cpu": cpu_seconds() - before}
                await gateway.monitoring.settle()
                watch = gateway.monitoring
                return {"cpu": cpu_seconds() - before, "thread": watch.seconds, "regrades": sum(watch.regrades.values()),
                        "states": [state.name for state in watch.states().values()]}  # fmt: skip


def cost(rounds: int) -> None:
    """One after the other, a few times, so that what else the machine does falls on all alike."""
    groups = honest_groups(250)
    scored = 16 * len(groups)
    settings: dict[str, dict[str, Any] | None] = {
        "off": None,
        "statistics": {"null_share": 0},
        "null reference": {},
        "null reference, second verifier": SECOND,
    }
    for _ in range(rounds):
        off = 0.0
        for name, monitor in settings.items():
            spent = asyncio.run(spend(groups, monitor))
            off = off or spent["cpu"]
            thread, regrades = spent.get("thread", 0.0), spent.get("regrades", 0)
            print(
                f"| {name} | {spent['cpu']:.2f} | {spent['cpu'] / off - 1:+.1%} | {thread / off:.1%} | "
                f"{regrades / scored:.1%} | {spent.get('states', '')} |",
                flush=True,
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=6)
    parser.add_argument("--only", default="", help="streams whose name begins so")
    parser.add_argument("--monitor", type=json.loads, default={"second_share": 0.1, "null_share": 1.0}, help="JSON")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("what", choices=["streams", "runs", "cost"])
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    logging.getLogger().addHandler(logging.NullHandler())
    if options.what == "streams":
        streams(options.seeds, options.only)
    elif options.what == "runs":
        run_all(options.names, options.monitor)
    else:
        cost(options.rounds)


if __name__ == "__main__":
    main()
