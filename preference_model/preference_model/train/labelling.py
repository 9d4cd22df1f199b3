"""Unlabelled pairs become pairs: k judgements each in random order, averaged, kept where the mean is clear (R1: 4 and > 1).

What is judged is written at once, so that an interrupted run goes on; a pair whose judge fails is left out and counted.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from pathlib import Path

import orjson
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

from preference_model.judge.judge import Judge
from preference_model.model.registry import read
from preference_model.outcome import ScoreFailure, ScoreItem
from preference_model.settings import PreferenceSettings
from preference_model.train.data import BadData, PreferencePair, Record, UnlabelledPair


async def label_pairs(
    records: Sequence[Record], judge: str, votes: int, margin: float, output: Path, console: Console
) -> list[Record]:
    """The records, with unjudged pairs replaced by those that the judge is clear about. Raises BadData."""
    registry = read(PreferenceSettings().registry)
    spec = registry.models.get(judge)
    if spec is None or spec.upstream is None or spec.upstream.kind != "judge_pairs":
        raise BadData(f"--judge: the registry has no judge of pairs named {judge!r}")
    unlabelled = [record for record in records if isinstance(record, UnlabelledPair)]
    labelled: list[Record] = [record for record in records if not isinstance(record, UnlabelledPair)]
    output.mkdir(parents=True, exist_ok=True)
    log = output / "judged.jsonl"
    earlier = _earlier(log)
    client = Judge(spec)
    failed = 0
    try:
        with (
            log.open("ab") as out,
            Progress(BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), console=console) as bar,
        ):
            task = bar.add_task("judging", total=len(unlabelled))
            for start in range(0, len(unlabelled), spec.upstream.concurrency):
                part = unlabelled[start : start + spec.upstream.concurrency]
                scores = await asyncio.gather(*(_score(client, pair, votes, earlier, judge) for pair in part))
                for pair, score in zip(part, scores, strict=True):
                    failed += score is None
                    if score is not None:
                        out.write(orjson.dumps({"key": _key(pair, judge, votes), "score": score}) + b"\n")
                        labelled += _clear(pair, score, margin)
                out.flush()
                bar.advance(task, len(part))
    finally:
        await client.aclose()
    console.print(f"{len(labelled)} pairs kept; {failed} had no verdict of the judge and are left out")
    return labelled


def _clear(pair: UnlabelledPair, score: float, margin: float) -> list[PreferencePair]:
    if abs(score) <= margin:
        return []
    return [PreferencePair(pair.prompt, pair.a, pair.b) if score > 0 else PreferencePair(pair.prompt, pair.b, pair.a)]


async def _score(
    client: Judge, pair: UnlabelledPair, votes: int, earlier: dict[str, float], judge: str
) -> float | None:
    """The mean of the votes for a, -2 to 2; None where the judge gave none that can be read."""
    key = _key(pair, judge, votes)
    if key in earlier:
        return earlier[key]
    try:
        outcome = await client.compare(ScoreItem(pair.prompt, pair.a), pair.a, pair.b, votes=votes, swap=False)
    except ScoreFailure:
        return None
    return outcome.score


def _key(pair: UnlabelledPair, judge: str, votes: int) -> str:
    return hashlib.sha256(orjson.dumps([pair.prompt, pair.a, pair.b, judge, votes])).hexdigest()


def _earlier(log: Path) -> dict[str, float]:
    """What an earlier run has judged; a last line that was cut off is not."""
    if not log.exists():
        return {}
    rows = {}
    for line in log.read_bytes().splitlines():
        try:
            row = orjson.loads(line)
            rows[row["key"]] = float(row["score"])
        except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
            continue
    return rows
