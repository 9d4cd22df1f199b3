"""What the monitor remembers of a scored group, and of a completion that was graded again: lines of its log, too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Any

import orjson

from reward_api.monitor.features import Features, digest, features, quote


class Check(StrEnum):
    """Why a completion was graded again."""

    SECOND = "second"
    NULL = "null_reference"
    CANARY = "canary"
    UNSCORABLE = "unscorable"
    ANCHOR = "anchor"


@dataclass(frozen=True, slots=True)
class SampleRecord:
    """One completion. failure: the kind, where there is no reward. paid: whether it counts as right; None where nothing
    says. path: how the verdict came about. features: None where the text was not looked at.
    """

    index: int
    reward: float | None
    failure: str | None
    paid: bool | None
    scores: Mapping[str, float | None]
    path: str
    tokens: int
    quote: str
    features: Features | None = None


@dataclass(frozen=True, slots=True)
class GroupRecord:
    """The completions of one prompt. prompt: a digest. correct: the component that says what is right."""

    domain: str
    version: str
    run: str
    step: int | None
    group: str
    prompt: int
    correct: str
    weight: float
    samples: tuple[SampleRecord, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class CheckRecord:
    """A completion that was graded again. is_hit: the second verdict speaks against the first. why: in words.

    prompt: a digest, as of the group.
    """

    domain: str
    version: str
    run: str
    step: int | None
    group: str
    index: int
    check: Check
    is_hit: bool
    why: str
    quote: str
    prompt: int


Record = GroupRecord | CheckRecord


def sample_record(
    index: int, text: str, reward: float | None, failure: str | None, scores: Mapping[str, float | None], *,
    paid: bool | None, path: str = "", tokens: int | None = None, with_features: bool = True,
) -> SampleRecord:  # fmt: skip
    """Looks at the text. Without a number of tokens, four characters count as one, whether the text is looked at or not."""
    of_text = features(text) if with_features else None
    size = tokens if tokens is not None else len(text) // 4
    return SampleRecord(index, reward, failure, paid, scores, path, size, quote(text), of_text)


def prompt_digest(prompt: str, group: str) -> int:
    """Of the prompt; of the group's id where no prompt is sent."""
    return digest(prompt) if prompt else digest(group)


def line_of(record: Record) -> bytes:
    """The record as a line of JSON."""
    return orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE)


def record_of(document: dict[str, Any]) -> Record:
    """The record of a line. Raises KeyError, TypeError or ValueError where it is none."""
    if "check" in document:
        return CheckRecord(**{**document, "check": Check(document["check"])})
    samples = tuple(
        SampleRecord(**{**sample, "features": _features(sample.get("features"))}) for sample in document["samples"]
    )
    return GroupRecord(**{**document, "samples": samples})


def _features(document: dict[str, Any] | None) -> Features | None:
    """A feature that an older log has and nobody reads any more is left out."""
    if document is None:
        return None
    values = {one.name: document[one.name] for one in fields(Features)}
    return Features(**{**values, "sketch": tuple(values["sketch"])})
