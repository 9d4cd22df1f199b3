"""Records from files: the monitor's own log, what `touchstone score` wrote, and the rollouts of a run.

    {"samples": […]}, {"check": …}               a line of the log
    {"results": […], "completions": […]}         a scored group
    {"completion": …, "reward": …, "group": …}   a rollout; those of one group and step stand together

Of the last two nothing was graded again, so that only statistics of shape, and failures, can be looked at.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any

from reward_api.monitor.observation import GroupRecord, Record, SampleRecord, record_of
from reward_api.monitor.records import Judging, Scored, group_record, record
from reward_api.monitor.spec import AUXILIARY, MonitorSpec

Line = dict[str, Any]


class NoRecord(ValueError):
    """A line that is none of these; the message says why."""


def records(lines: Iterable[Line], spec: MonitorSpec) -> Iterator[Record]:
    """Raises NoRecord. spec: says which component judges, where the file does not."""
    for _, group in groupby(enumerate(lines, 1), lambda one: _group_of(*one)):
        numbered = [*group]
        try:
            yield _record([line for _, line in numbered], spec)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            message = f"line {numbered[0][0]}: neither a record, a scored group nor a rollout ({error!r})"
            raise NoRecord(message) from None


def _group_of(number: int, line: Line) -> object:
    """Rollouts of one group have one key; every other line stands alone."""
    return (line.get("domain"), line.get("step"), line["group"]) if _is_rollout(line) else number


def _is_rollout(line: Line) -> bool:
    return "completion" in line and "group" in line and "reward" in line


def _record(lines: list[Line], spec: MonitorSpec) -> Record:
    first = lines[0]
    if _is_rollout(first):
        return _of_rollouts(lines, spec)
    return _of_scored(first, spec) if "results" in first else record_of(first)


def _judging(scores: Iterable[str], weights: dict[str, float], spec: MonitorSpec) -> Judging:
    names = [*scores]
    judging = [name for name in names if name not in AUXILIARY and weights.get(name, 1.0)]
    component = spec.component or (judging or names or [""])[0]
    return Judging(component, weights.get(component, 1.0), spec.paid_at)


def _of_rollouts(lines: list[Line], spec: MonitorSpec) -> GroupRecord:
    first = lines[0]
    judging = _judging(first.get("components") or {}, {}, spec)
    samples = [
        record(
            judging,
            int(line.get("index", at)),
            Scored(
                line["completion"], line["reward"], _kind(line.get("failure")), line.get("components") or {}, {},
                line.get("tokens"),
            ),
        )
        for at, line in enumerate(lines)
    ]  # fmt: skip
    return _grouped(judging, first, str(first["group"]), samples)


def _of_scored(line: Line, spec: MonitorSpec) -> GroupRecord:
    results = line["results"]
    parts = results[0]["components"]
    judging = _judging(parts, {name: part["weight"] for name, part in parts.items()}, spec)
    tokens = line.get("tokens") or [None] * len(results)
    samples: list[SampleRecord] = []
    for at, (text, result) in enumerate(zip(line["completions"], results, strict=True)):
        components = result["components"]
        scores = {name: part["score"] for name, part in components.items()}
        evidence = components.get(judging.component, {}).get("evidence") or {}
        scored = Scored(_text(text), result["reward"], _kind(result["failure"]), scores, evidence, tokens[at])
        samples.append(record(judging, at, scored))
    return _grouped(judging, line, str(line.get("id") or ""), samples)


def _grouped(judging: Judging, line: Line, group: str, samples: list[SampleRecord]) -> GroupRecord:
    return group_record(
        judging, domain=line.get("domain") or "", version=line.get("version") or "", run=line.get("run") or "",
        step=line.get("step"), group=group, prompt=_text(line.get("prompt") or ""), samples=samples,
    )  # fmt: skip


def _kind(failure: Any) -> str | None:
    """Of a failure as an object, or as its kind alone."""
    if isinstance(failure, dict):
        failure = failure.get("kind")
    return failure if isinstance(failure, str) else None


def _text(value: Any) -> str:
    """Of a text, or of chat messages."""
    if isinstance(value, str):
        return value
    return "\n".join(str(message.get("content") or "") for message in value if message.get("role") != "system")
