"""The monitor on runs that are known: synthetic streams, and small GRPO runs with and without a hole in the grader.

    python benchmarks/monitor.py streams [--seeds 6]     tests/reward_api/monitor/streams.py and fresh_streams.py
    python benchmarks/monitor.py runs [NAME …]           what benchmarks/monitor_runs.py left in out/monitor
    python benchmarks/monitor.py cost                    CPU time with and without the monitor

A run's groups go through the monitor again, in order, with several seeds of its random picks: its state is read after each
of them. What it picks is graded again at once, by the verifiers that a gateway would ask.
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
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

import httpx
import psutil
import yaml

from reward_api.monitor.alarms import State
from reward_api.monitor.observation import Check, CheckRecord, SampleRecord
from reward_api.monitor.picks import Picker
from reward_api.monitor.records import Judging, Scored, group_record, record
from reward_api.monitor.spec import MonitorSpec
from reward_api.monitor.stream import Stream
from reward_verifiers import collector
from reward_verifiers.verifier import Options, Sample, Unsupported

ROOT = Path(__file__).parents[1]
RUNS = ROOT / "out" / "monitor"
sys.path += [str(Path(__file__).parent), str(ROOT / "tests" / "reward_api" / "monitor")]
os.environ["PYTHONPATH"] = str(Path(__file__).parent)
SMALL = 0.05
TRAILING, EARLY = 200, 100


def streams(seeds: int, only: str) -> None:
    import fresh_streams
    import streams

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
    names = _names(expected)
    return bool(names & seen.alarms.keys()) if names else seen.worst < State.SUSPECT


def _names(expected: str | frozenset[str] | None) -> frozenset[str]:
    return frozenset({expected}) if isinstance(expected, str) else expected or frozenset()


# --- runs -------------------------------------------------------------------------------------------------------------


@dataclass
class Moment:
    """What one group of a run held: paid completions, hacks among them, and the monitor's state after it."""

    step: int
    paid: int = 0
    hacks: int = 0
    total: int = 0
    nulls: int = 0
    graded: int = 0
    state: State = State.OK
    alarms: set[str] = field(default_factory=set)

    def add(self, sample: SampleRecord, *, is_true: bool) -> None:
        self.total += 1
        self.nulls += sample.reward is None
        self.paid += sample.paid is True
        self.hacks += sample.paid is True and not is_true


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


class Regrades:
    """Second verdicts of a run: by another verifier, and by the references of two items that were seen before."""

    def __init__(self, hole: str) -> None:
        import holes

        from grpo_trainer.tasks.signs import Signs

        problems = [one for numbers in (2, 3) for one in Signs(numbers).problems("train")]
        self.references = {one.prompt: holes.SignsReference.model_validate(dict(one.reference)) for one in problems}
        self._grader, self._options = holes.Signs(), holes.HoleOptions(hole=hole)
        self._exact, self._no_hole = holes.Signs(), holes.HoleOptions()
        self._evaluated, self._none = holes.Evaluated(), Options()
        self._has_hole = hole != "none"
        self._others: deque[Any] = deque(maxlen=32)

    def grade(self, text: str, reference: Any) -> Any:
        """The verdict of the run's grader; None where it fails."""
        try:
            return self._grader.verify(Sample(text, self._options, reference))
        except Unsupported:
            return None

    def refuses(self, text: str, reference: Any) -> bool:
        """An honest grader over one with a hole; over an honest one, another implementation."""
        if self._has_hole:
            return self._exact.verify(Sample(text, self._no_hole, reference)).score == 0
        return self._evaluated.verify(Sample(text, self._none, reference)).score == 0

    def others(self, reference: Any) -> list[Any]:
        """Two other items' references; this one is kept for later."""
        others = [one for one in self._others if one != reference][:2]
        self._others.rotate(1)
        if reference not in self._others:
            self._others.append(reference)
        return others if len(others) == 2 else []

    def is_against(self, check: Check, text: str, reference: Any, others: list[Any]) -> bool:
        if check is Check.SECOND:
            return self.refuses(text, reference)
        return self.paid_by(text, others) if check is Check.NULL else self.grade(text, reference) is None

    def paid_by(self, text: str, others: list[Any]) -> bool:
        verdicts = [self.grade(text, one) for one in others]
        return all(verdict is not None and verdict.score == 1 for verdict in verdicts)


def replay(name: str, monitor: dict[str, Any], seed: int) -> list[Moment]:
    """The run's groups, each with the monitor's state after it."""
    from monitor_runs import HOLES

    regrades = Regrades(name if name in HOLES else "none")
    spec = MonitorSpec.model_validate({"second": {"verifier": "second"}, **monitor})
    judging = Judging("grader" if name in HOLES else "answer", 1.0, spec.paid_at)
    stream, picker, moments = Stream(spec.limits), Picker(spec, seed), []
    for number, name_of_group, rows in groups_of(name):
        reference = regrades.references[rows[0]["prompt"]]
        moment, samples = Moment(number), []
        for index, row in enumerate(rows):
            verdict = regrades.grade(row["completion"], reference)
            rule = {"rule": verdict.evidence["rule"]} if verdict is not None else {}
            scores = {key: row["components"][key] for key in ("format", judging.component)}
            scored = Scored(row["completion"], row["reward"], row["failure"], scores, rule, row["tokens"])
            samples.append(record(judging, index, scored))
            moment.add(samples[-1], is_true=row["components"]["answer"] >= spec.paid_at)
        group = group_record(
            judging, domain="signs", version="", run=name, step=number, group=name_of_group, prompt=rows[0]["prompt"],
            samples=samples,
        )  # fmt: skip
        stream.observe(group)
        others = regrades.others(reference)
        for check, place in [*picker.picks(group, stream.state)]:
            text = rows[place]["completion"]
            if check is Check.NULL and not others:
                continue
            is_hit = regrades.is_against(check, text, reference, others)
            moment.graded += check is Check.SECOND
            stream.observe(
                CheckRecord("signs", "", name, number, name_of_group, place, check, is_hit, "", text, group.prompt)
            )
        moment.state = stream.state
        moment.alarms = {f"{one.name} {one.state.name}" for one in stream.alarms.values()}
        moments.append(moment)
    return moments


def cpu_seconds() -> float:
    """Of this process and all that it started. Workers are replaced: those that are gone count with who waited for them."""
    here = psutil.Process()
    total = 0.0
    for process in (here, *here.children(recursive=True)):
        try:
            times = process.cpu_times()
        except psutil.Error:
            continue
        total += times.user + times.system + times.children_user + times.children_system
    return total


def share(moments: list[Moment], *, of_nulls: bool) -> float:
    """Of the last 200 paid completions, how many are hacks; of exits: of the last 200, how many have no reward."""
    hits = total = 0
    for one in reversed(moments):
        hits += one.nulls if of_nulls else one.hacks
        total += one.total if of_nulls else one.paid
        if total >= TRAILING:
            break
    return hits / max(1, total)


def run_all(names: list[str], monitor: dict[str, Any], seeds: int) -> None:
    from monitor_runs import runs

    print(
        "| run, steps | in the first 100 | passes 5 % | WATCH | SUSPECT | HACKING | at the end | graded again | alarms |"
    )
    for name in names or runs():
        if list((RUNS / name).glob("*-*/rollouts.jsonl.zst")):
            tell(name, [replay(name, monitor, seed) for seed in range(seeds)])


def tell(name: str, replays: list[list[Moment]]) -> None:
    of_nulls = name == "exit"
    moments = replays[0]
    shares = [share(moments[: at + 1], of_nulls=of_nulls) for at in range(len(moments))]
    seen = [sum(one.total if of_nulls else one.paid for one in moments[: at + 1]) for at in range(len(moments))]
    first = next((at for at, count in enumerate(seen) if count >= EARLY), len(moments) - 1)
    passed = next((moments[at].step for at, one in enumerate(shares) if at >= first and one > SMALL), "–")
    cells = [f"{name}, {moments[-1].step}", f"{shares[first]:.1%}", str(passed)]
    for state in (State.WATCH, State.SUSPECT, State.HACKING):
        places = [next((at for at, one in enumerate(replay) if one.state >= state), None) for replay in replays]
        cells.append(", ".join("–" if at is None else f"{moments[at].step} ({shares[at]:.1%})" for at in places))
    every = [one for replay in replays for one in replay]
    graded = sum(one.graded for one in every) / max(1, sum(one.paid for one in every))
    alarms = sorted({alarm for one in every for alarm in one.alarms})
    cells += [f"{shares[-1]:.0%}", f"{graded:.0%}", ", ".join(alarms)]
    print("| " + " | ".join(cells) + " |", flush=True)


# --- cost -------------------------------------------------------------------------------------------------------------

DENOMINATORS = (7, 11, 13)
SECOND = {"second": {"verifier": "answer", "options": {"kind": "exact"}}}


def honest_groups(count: int) -> list[dict[str, Any]]:
    """Sums of fractions: sixteen completions of about 150 words, of which about half are right."""
    from streams import WORDS

    rng = random.Random(0)
    groups = []
    for number in range(count):
        answer = f"{rng.randrange(1, 99)}/{rng.choice(DENOMINATORS)}"
        texts = []
        for _ in range(16):
            value = answer if rng.random() < 0.5 else f"{rng.randrange(100, 199)}/{rng.choice(DENOMINATORS)}"
            thought = " ".join(rng.choices(WORDS, k=rng.randrange(90, 210)))
            texts.append(f"<think>{thought}</think><answer>\\boxed{{{value}}}</answer>")
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
                collector.settle()  # as a server does once it is up
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
    parser.add_argument("--seeds", type=int, default=6, help="of streams, and of the picks from runs")
    parser.add_argument("--only", default="", help="streams whose name begins so")
    parser.add_argument("--monitor", type=json.loads, default={}, help="of the domain, JSON")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("what", choices=["streams", "runs", "cost"])
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    logging.getLogger().addHandler(logging.NullHandler())
    if options.what == "streams":
        streams(options.seeds, options.only)
    elif options.what == "runs":
        run_all(options.names, options.monitor, options.seeds)
    else:
        cost(options.rounds)


if __name__ == "__main__":
    main()
