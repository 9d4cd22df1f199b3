"""What a trainer hands over at once, rows of prompt, completion and data set columns, as the groups that they came from.

    prompts, completions, columns ──▶ grouped ──▶ [RolloutGroup, …] ──▶ score_many ──▶ one result a row, in the rows' order

Trainers send no group id. The completions of a prompt stand next to each other, so a group is a run of rows with the same
prompt, domain and reference. Two rows of the data set with the same prompt and different references stay apart; one that is
drawn twice in a row becomes a group of both draws, which are completions of one question after all.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from trainer_client.adapters.dialect import prefilled, readable, reference_of, without_end
from trainer_client.adapters.settings import AdapterSettings
from trainer_client.client_metrics import log
from trainer_client.results import ScoredGroup
from trainer_client.wire import RolloutGroup, Text

SOURCES = ("data_source", "source", "dataset")
"""Columns that name a row's data source, the first that is there; `domain` names the domain itself."""


def grouped(
    told: AdapterSettings,
    prompts: Sequence[Text | None],
    completions: Sequence[Text],
    columns: Mapping[str, Any],
    tokens: Sequence[int] | None = None,
    step: int | None = None,
) -> list[RolloutGroup]:
    """The rows' groups, in order. A column is a list with one value a row; whatever else is in `columns` is none.

    The column `reference` is all of the reference where there is one; else all columns are, with the answer among them
    (`dialect.ANSWERS`). What JSON cannot carry, images say, is left out. Raises ValueError for a row without a domain.
    """
    rows = _rows(prompts, columns)
    groups: list[RolloutGroup] = []
    start = 0
    for (prompt, row), size in _runs(rows):
        mine = slice(start, start + size)
        start += size
        reference = _reference(row)
        shown, prefix = prefilled(prompt and readable(prompt), told.prefix)
        groups.append(
            RolloutGroup(
                _domain(told, row),
                [without_end(readable(text)) for text in completions[mine]],
                reference,
                prompt=shown,
                prefix=prefix,
                tokens=tokens and tokens[mine],
                id=f"{_digest(shown, reference)}-{len(groups)}",
                step=step,
            )
        )
    return groups


def imputed(group: ScoredGroup) -> list[float | None]:
    """For trainers that count a None as 0: the mean of the scored siblings in its place, with which its advantage is 0 and
    their mean stays as it is. None for all where none is scored: then all are 0, and have no advantages."""
    known = [reward for reward in group.rewards if reward is not None]
    if len(known) < len(group):
        failure = next(failure for failure in group.failures if failure)
        count = len(group) - len(known)
        log.warning("no verdict: %d of %d, %s: %s", count, len(group), failure["kind"], failure["message"])
    if not known:
        return list(group.rewards)
    mean = sum(known) / len(known)
    return [mean if reward is None else reward for reward in group.rewards]


Row = tuple[Any, dict[str, Any]]


def _rows(prompts: Sequence[Any], columns: Mapping[str, Any]) -> Iterator[Row]:
    lists = {
        name: values
        for name, values in columns.items()
        if isinstance(values, list | tuple) and len(values) == len(prompts) and _is_data(values[0])
    }
    if "reference" in lists:
        lists = {name: lists[name] for name in ("reference", "domain", *SOURCES) if name in lists}
    return ((prompt, {name: values[index] for name, values in lists.items()}) for index, prompt in enumerate(prompts))


def _is_data(value: Any) -> bool:
    """What a data set holds, and not a trainer's own objects, which differ from row to row."""
    return value is None or isinstance(value, str | int | float | Mapping | list | tuple) or hasattr(value, "tolist")


def _runs(rows: Iterator[Row]) -> Iterator[tuple[Row, int]]:
    """(the first row, how many follow that are like it)."""
    first: Row | None = None
    size = 0
    for row in rows:
        if first is not None and _is_same(first, row):
            size += 1
            continue
        if first is not None:
            yield first, size
        first, size = row, 1
    if first is not None:
        yield first, size


def _is_same(one: Row, other: Row) -> bool:
    try:
        return bool(one == other)
    except (ValueError, RuntimeError):  # arrays and tensors do not compare as a whole
        return [_plain(part) for part in one] == [_plain(part) for part in other]


def _reference(row: Mapping[str, Any]) -> dict[str, Any]:
    reference = reference_of(_plain(row.get("reference", row)))
    return {name: value for name, value in reference.items() if value is not None}


def _domain(told: AdapterSettings, row: Mapping[str, Any]) -> str:
    source, named = (
        next((str(row[name]) for name in names if row.get(name) is not None), None) for names in (SOURCES, ("domain",))
    )
    return told.domain_of(source, told.sources.get(named or "", named))


def _plain(value: Any) -> Any:
    """The value as JSON has it, without the parts of which it has none: images, bytes, NaN."""
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return value if value - value == 0 else None
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return _plain(value.tolist()) if hasattr(value, "tolist") else None


def _digest(*parts: Any) -> str:
    return hashlib.blake2b(json.dumps(parts, sort_keys=True).encode("utf-8", "replace"), digest_size=8).hexdigest()
