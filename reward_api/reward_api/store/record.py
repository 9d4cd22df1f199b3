"""A scored group as it is stored: what went in, without its reference, and what the reply shows."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from pydantic_core import to_jsonable_python

from reward_verifiers.contract import SampleResult, ScoreReply, ScoreRequest, completion_text, prompt_text

_MASK = (1 << 62) - 1
_PROCESS = 8
"""Bits of an id that tell writers of one moment apart."""


@dataclass(frozen=True, slots=True)
class StoredSample:
    """One completion. place: its index in the whole group. result: a SampleResult as JSON; what follows is filtered by."""

    id: int
    place: int
    text: str
    result: bytes
    reward: float | None
    failure: str | None
    flags: Sequence[str]
    scores: Mapping[str, float | None]


@dataclass(frozen=True, slots=True)
class StoredGroup:
    """A group, or a part of one: parts with the same `id` are shown together.

    input: the request with its reference, where that is the user's own file. It is scored again and never shown.
    """

    id: int
    run: str
    step: int | None
    name: str
    domain: str
    version: str
    at: float
    prompt: str
    samples: Sequence[StoredSample]
    input: dict[str, Any] | None = field(default=None)


def digest(*parts: object) -> int:
    """A number of 62 bits, the same for the same parts."""
    text = "\0".join(map(str, parts)).encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest()) & _MASK


def ids() -> Iterator[int]:
    """Ids in the order of time, and others in another process."""
    last, process = 0, os.getpid() & ((1 << _PROCESS) - 1)
    while True:
        last = max(last + 1, time.time_ns() // 1000)
        yield (last << _PROCESS | process) & _MASK


def group_of(request: ScoreRequest, reply: ScoreReply, at: float, new: Iterator[int]) -> StoredGroup:
    """The record of a group that was scored. Samples that come one by one meet under the id of their group."""
    parts = (request.run, request.step, request.id, reply.domain, reply.version)
    number = next(new) if request.indices is None else digest(*parts)
    places = request.indices or range(len(reply.results))
    rows = zip(places, request.completions, reply.results, strict=True)
    return StoredGroup(
        id=number,
        run=request.run or "",
        step=request.step,
        name=request.id or "",
        domain=reply.domain,
        version=reply.version,
        at=at,
        prompt=prompt_text(request.prompt),
        samples=[_sample_of(next(new), place, completion_text(one), result) for place, one, result in rows],
    )


def _sample_of(number: int, place: int, text: str, result: SampleResult) -> StoredSample:
    return StoredSample(
        id=number,
        place=place,
        text=text,
        result=orjson.dumps(result, default=to_jsonable_python),
        reward=result.reward,
        failure=result.failure.kind.value if result.failure else None,
        flags=result.flags,
        scores={name: part.score for name, part in result.components.items()},
    )


def size_of(request: ScoreRequest) -> int:
    """About how many characters a request holds, without reading them."""
    texts = [request.prompt, *request.completions]
    return sum(len(one) if isinstance(one, str) else sum(map(_size_of_message, one)) for one in texts if one)


def _size_of_message(message: Any) -> int:
    content = message.content
    return len(content) if isinstance(content, str) else sum(len(str(part.get("text", ""))) for part in content or [])
