"""What a trainer hands over at once, rows of prompt, completion and data set columns, as the groups that they came from.

    prompts, completions, columns ──▶ grouped ──▶ Batch.groups ──▶ score_many ──▶ Batch.in_rows: one result a row

Trainers send no group id. The rows with the same prompt, domain and reference are a group, wherever they stand; without a
prompt, those that stand side by side. Two rows of the data set with the same prompt and different references stay apart; one
that is drawn twice becomes a group of both draws, which are completions of one question after all.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from trainer_client.adapters.settings import AdapterSettings
from trainer_client.client_metrics import log
from trainer_client.dialect.grouping import digest
from trainer_client.dialect.imputation import Mean
from trainer_client.dialect.labels import json_value, reference_of
from trainer_client.dialect.messages import Text, ended, readable
from trainer_client.dialect.prefill import split_prefill
from trainer_client.results import ScoredGroup
from trainer_client.wire import RolloutGroup

SOURCES = ("data_source", "source", "dataset")
"""Columns that name a row's data source, the first that is there; `domain` names the domain itself."""
T = TypeVar("T")


@dataclass(frozen=True)
class Batch:
    """A trainer's rows as groups. places: for each group, the rows that its completions came from."""

    groups: list[RolloutGroup]
    places: list[list[int]]

    def in_rows(self, results: Sequence[Sequence[T]]) -> list[T]:
        """The groups' results, one a completion, in the order of the rows."""
        placed = {
            place: result
            for places, group in zip(self.places, results, strict=True)
            for place, result in zip(places, group, strict=True)
        }
        return [placed[place] for place in range(len(placed))]


def grouped(
    settings: AdapterSettings,
    prompts: Sequence[Text | None],
    completions: Sequence[Text],
    columns: Mapping[str, Any],
    tokens: Sequence[int] | None = None,
    step: int | None = None,
    sessions: Sequence[str | None] | None = None,
) -> Batch:
    """The rows' groups, in the order of their first rows. A column is a list or an array with one value a row; whatever else
    is in `columns` is none.

    The column `reference` is all of the reference where there is one; else all columns are, with the answer among them
    (`labels.ANSWERS`). What JSON cannot carry, images say, is left out. Raises ValueError for a row without a domain.
    """
    rows = list(_rows(prompts, columns))
    groups: list[RolloutGroup] = []
    places = _places(rows)
    for key, mine in places.items():
        prompt, row = rows[mine[0]]
        shown, prefix = split_prefill(None if prompt is None else readable(prompt), settings.prefix)
        groups.append(
            RolloutGroup(
                _domain(settings, row),
                [ended(readable(completions[place])) for place in mine],
                _reference(row),
                prompt=shown,
                prefix=prefix,
                tokens=tokens and [tokens[place] for place in mine],
                sessions=sessions and [sessions[place] for place in mine],
                id=key.hex()[:16],
                step=step,
            )
        )
    return Batch(groups, list(places.values()))


def imputed(group: ScoredGroup) -> list[float | None]:
    """For trainers that count a None as 0: the mean of the scored siblings in its place, with which its advantage is 0 and
    their mean stays as it is. None for all where none is scored: then all are 0, and have no advantages."""
    scored = [reward for reward in group.rewards if reward is not None]
    if len(scored) < len(group):
        failure = next(failure for failure in group.failures if failure)
        count = len(group) - len(scored)
        log.warning("no verdict: %d of %d, %s: %s", count, len(group), failure["kind"], failure["message"])
    mean = Mean({"reward": reward} for reward in scored).numbers.get("reward")
    return [mean if reward is None else reward for reward in group.rewards]


Row = tuple[Any, dict[str, Any]]


def _rows(prompts: Sequence[Any], columns: Mapping[str, Any]) -> Iterator[Row]:
    lists = {
        name: values
        for name, values in columns.items()
        if _is_column(values) and len(values) == len(prompts) and len(values) and _is_data(values[0])
    }
    if "reference" in lists:
        lists = {name: lists[name] for name in ("reference", "domain", *SOURCES) if name in lists}
    return ((prompt, {name: values[index] for name, values in lists.items()}) for index, prompt in enumerate(prompts))


def _is_column(values: Any) -> bool:
    """A list, or an array of at least one dimension, as JAX trainers have them."""
    return isinstance(values, list | tuple) or (hasattr(values, "tolist") and getattr(values, "ndim", 0) > 0)


def _is_data(value: Any) -> bool:
    """What a data set holds, and not a trainer's own objects, which differ from row to row."""
    return value is None or isinstance(value, str | int | float | Mapping | list | tuple) or hasattr(value, "tolist")


def _places(rows: Sequence[Row]) -> dict[bytes, list[int]]:
    """The rows of each group, by the group's key. Most rows are like the one before, and need no key of their own."""
    places: dict[bytes, list[int]] = {}
    key = b""
    for place, row in enumerate(rows):
        if not place or not _is_same(rows[place - 1], row):
            key = _key(row, place)
        places.setdefault(key, []).append(place)
    return places


def _key(row: Row, place: int) -> bytes:
    """Other questions may have the same answer, so without a prompt the place tells rows apart."""
    prompt, columns = row
    return digest(readable(prompt) if prompt else place, json_value(columns))


def _is_same(one: Row, other: Row) -> bool:
    try:
        return bool(one == other)
    except (ValueError, RuntimeError):  # arrays and tensors do not compare as a whole
        return False


def _reference(row: Mapping[str, Any]) -> dict[str, Any]:
    reference = reference_of(row.get("reference", row))
    return {name: value for name, value in reference.items() if value is not None}


def _domain(settings: AdapterSettings, row: Mapping[str, Any]) -> str:
    source, named = (
        next((str(row[name]) for name in names if row.get(name) is not None), None) for names in (SOURCES, ("domain",))
    )
    return settings.domain_of(source, settings.sources.get(named or "", named))
