"""The completions of a file of scored lines, one by one, and the figures over their groups."""

from __future__ import annotations

import json
import math
import operator
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from reward_api.cli.score.journal import lines_of
from reward_api.cli.score.requests import Columns, request_of
from reward_api.cli.score.rows import BadInput, Row
from reward_api.store.flips import RIGHT

Z_95 = 1.96
_FILTER = re.compile(r"([\w.-]+)\s{0,9}(<=|>=|!=|=|<|>)(.*)", re.DOTALL)
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


@dataclass(frozen=True)
class Sample:
    """One scored completion. index: its place in the row. result: as the gateway gave it. row: the input."""

    line: int
    index: int
    group: str
    text: str
    result: dict[str, Any]
    row: dict[str, Any]

    @property
    def reward(self) -> float | None:
        reward: float | None = self.result["reward"]
        return reward

    @property
    def failure(self) -> str | None:
        return self.result["failure"] and str(self.result["failure"]["kind"])

    def score(self, component: str) -> float | None:
        score: float | None = self.result["components"].get(component, {}).get("score")
        return score

    def value(self, name: str) -> Any:
        """`reward`, `failure`, `line`, the score of a component, or a column of the input."""
        if name in ("reward", "failure", "line"):
            return getattr(self, name)
        if name in self.result["components"]:
            return self.score(name)
        value: Any = self.row
        for part in name.split("."):
            value = value.get(part) if isinstance(value, dict) else None
        return value

    def evidence(self, name: str) -> str | None:
        """The first component's that has it."""
        parts = (component["evidence"].get(name) for component in self.result["components"].values())
        return next((str(value) for value in parts if value is not None), None)


def samples_of(path: Path, columns: Columns) -> Iterator[Sample]:
    """Raises BadInput for a file that `touchstone score` did not write."""
    for line in lines_of(path):
        row = line.get("input") or {}
        try:
            texts = [text_of(one) for one in request_of(Row(line["line"], row), columns)["completions"]]
        except BadInput:
            texts = []
        group = str(line.get("id") or (json.dumps(row["prompt"]) if row.get("prompt") else line["line"]))
        for index, result in enumerate(line.get("results", [])):
            yield Sample(line["line"], index, group, texts[index] if index < len(texts) else "", result, row)


def text_of(completion: Any) -> str:
    """The last message of a chat."""
    return completion if isinstance(completion, str) else str(completion[-1].get("content", ""))


def filter_of(text: str) -> Callable[[Sample], bool]:
    """Of `answer=0`, `reward<1`, `failure=timeout` or `source!=x`. Raises BadInput."""
    match = _FILTER.fullmatch(text)
    if match is None:
        raise BadInput(f"--where {text}: write name=value, with =, !=, <, <=, > or >=")
    name, sign, wanted = match[1], match[2], _parsed(match[3].strip())

    def holds(sample: Sample) -> bool:
        value = sample.value(name)
        if isinstance(value, bool | int | float) and isinstance(wanted, int | float):
            return _COMPARE[sign](value, wanted)
        if sign in ("=", "!="):
            return _COMPARE[sign](
                value if value is None else str(value), wanted if wanted is None else match[3].strip()
            )
        return False

    return holds


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


# --- figures ----------------------------------------------------------------------------------------------------------


def component_of(samples: Iterable[Sample], wanted: str | None) -> str:
    """The component that says what is right: `answer`, else the first. Raises BadInput for one that is not there."""
    names = list(dict.fromkeys(name for sample in samples for name in sample.result["components"]))
    if wanted is not None and wanted not in names:
        raise BadInput(f"--component {wanted}: there are: {', '.join(names)}")
    if wanted is not None or not names:
        return wanted or "reward"
    return "answer" if "answer" in names else names[0]


def estimates(samples: Iterable[Sample], component: str) -> dict[str, tuple[float, float]]:
    """pass@1, pass@k and cons@k over the groups: (estimate, half of its 95 % interval). Samples without a score are left
    out."""
    groups: dict[str, list[Sample]] = defaultdict(list)
    for sample in samples:
        if sample.score(component) is not None:
            groups[sample.group].append(sample)
    if not groups:
        return {}
    sizes = [len(group) for group in groups.values()]
    ks = [k for k in (1, 2, 4, 8, 16, 32, 64, 128) if k <= min(sizes)]
    figures = {f"pass@{k}": _interval([_pass_at(k, group, component) for group in groups.values()]) for k in ks}
    votes = [vote for group in groups.values() if (vote := _majority(group, component)) is not None]
    if min(sizes) > 1 and len(votes) == len(groups):
        figures[f"cons@{min(sizes)}" if min(sizes) == max(sizes) else "cons@all"] = _interval(votes)
    return figures


def _is_right(sample: Sample, component: str) -> bool:
    return (sample.score(component) or 0.0) >= RIGHT


def _pass_at(k: int, group: list[Sample], component: str) -> float:
    """Chen et al. 2021: unbiased from all samples of the group."""
    right = sum(_is_right(sample, component) for sample in group)
    return 1.0 - math.comb(len(group) - right, k) / math.comb(len(group), k)


def _majority(group: list[Sample], component: str) -> float | None:
    """Whether the most frequent answer is right, a tie in parts; None where the component compares no answers."""
    answers = [sample.result["components"][component]["evidence"].get("canonical") for sample in group]
    counts = Counter(answer for answer in answers if answer is not None)
    if not counts:
        return None
    most = [answer for answer, count in counts.items() if count == max(counts.values())]
    right = {answer for answer, sample in zip(answers, group, strict=True) if _is_right(sample, component)}
    return fmean(answer in right for answer in most)


def _interval(values: list[float]) -> tuple[float, float]:
    return fmean(values), Z_95 * stdev(values) / math.sqrt(len(values)) if len(values) > 1 else math.nan


def reasons(samples: Iterable[Sample]) -> Counter[tuple[str, str]]:
    """(component, reason) → how often."""
    return Counter((name, part["reason"]) for sample in samples for name, part in sample.result["components"].items())
