"""Both clients' one way of writing a request and reading a reply: the JSON of `POST /score`, and nothing else.

RolloutGroup, RolloutSample ──▶ Body ──▶ POST /score ──▶ read_reply ──▶ ScoredGroup
"""

from __future__ import annotations

import hashlib
import json
import math
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from trainer_client.errors import BadGroup
from trainer_client.results import Failure, ScoredGroup, ScoredSample, gathered

Text = str | Sequence[Mapping[str, Any]]
"""A prompt or a completion: a string, or chat messages."""
Reference = Mapping[str, Any] | str | float


@dataclass(frozen=True)
class RolloutGroup:
    """Completions of one prompt: the fields of `POST /score`.

    reference: what is known to be right; a bare string or number is short for {"answer": …}.
    prefix: what the chat template wrote at the start of each completion. truncated, tokens: one a completion.
    id, run, step: with all three, sending the same group again (a resumed run) finds the same verdicts.
    group_size, indices: these completions are those members of a larger group `id`.
    deadline_s: seconds from now until an answer is of no more use; the client's own when None.
    """

    domain: str
    completions: Sequence[Text]
    reference: Reference
    prompt: Text | None = None
    prefix: str = ""
    truncated: Sequence[bool] | None = None
    tokens: Sequence[int] | None = None
    id: str | None = None
    run: str | None = None
    step: int | None = None
    group_size: int | None = None
    indices: Sequence[int] | None = None
    deadline_s: float | None = None


@dataclass(frozen=True)
class RolloutSample:
    """One completion, as soon as it is finished; the group `group_id` of `group_size` samples is put together again here.

    index: its place in the group; None takes the next free one. Give it where a resumed run must find the same verdicts.
    The other fields are those of RolloutGroup.
    """

    domain: str
    completion: Text
    reference: Reference
    group_id: str | None = None
    group_size: int = 1
    index: int | None = None
    prompt: Text | None = None
    prefix: str = ""
    truncated: bool | None = None
    tokens: int | None = None
    run: str | None = None
    step: int | None = None
    deadline_s: float | None = None


def group_of(samples: Mapping[int, RolloutSample]) -> RolloutGroup:
    """The group, or the part of one, that these samples are, by index. They share all but what is their own."""
    indices, ordered = sorted(samples), [samples[index] for index in sorted(samples)]
    one = ordered[0]
    tokens = [sample.tokens for sample in ordered if sample.tokens is not None]
    truncated = [sample.truncated for sample in ordered if sample.truncated is not None]
    return RolloutGroup(
        domain=one.domain,
        completions=[sample.completion for sample in ordered],
        reference=one.reference,
        prompt=one.prompt,
        prefix=one.prefix,
        truncated=truncated if len(truncated) == len(ordered) else None,
        tokens=tokens if len(tokens) == len(ordered) else None,
        id=one.group_id,
        run=one.run,
        step=one.step,
        group_size=one.group_size if one.group_id is not None else None,
        indices=indices if one.group_id is not None else None,
        deadline_s=one.deadline_s,
    )


def split(group: RolloutGroup, most_bytes: int) -> list[RolloutGroup]:
    """The group as parts of about so many bytes each, at least one completion in each."""
    sizes = [len(json.dumps(_sendable(completion), ensure_ascii=False).encode()) for completion in group.completions]
    parts: list[list[int]] = [[]]
    room = most_bytes
    for index, size in enumerate(sizes):
        if parts[-1] and size > room:
            parts.append([])
            room = most_bytes
        parts[-1].append(index)
        room -= size
    name = group.id or secrets.token_urlsafe(16)
    return [
        replace(
            group,
            completions=[group.completions[index] for index in part],
            truncated=group.truncated and [group.truncated[index] for index in part],
            tokens=group.tokens and [group.tokens[index] for index in part],
            id=name,
            group_size=len(sizes),
            indices=part,
        )
        for part in parts
    ]


# --- what goes out ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Body:
    """A group as JSON, without its deadline: that one shrinks from try to try."""

    json: bytes
    key: str
    count: int
    domain: str

    def until(self, deadline_s: float) -> bytes:
        """The JSON with `deadline_s` seconds to go."""
        return b'%s,"deadline_s":%.3f}' % (self.json[:-1], max(deadline_s, 0.001))


def write(group: RolloutGroup) -> Body:
    """Raises BadGroup for what cannot be sent; the message names the field."""
    _check(group)
    given = {item.name: getattr(group, item.name) for item in fields(group) if item.name != "deadline_s"}
    given["completions"] = [_sendable(completion) for completion in group.completions]
    given["prompt"] = _sendable(group.prompt)
    sent = {name: value for name, value in given.items() if value is not None and (name != "prefix" or value)}
    try:
        text = json.dumps(sent, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_as_list)
    except (TypeError, ValueError, RecursionError) as error:
        raise BadGroup(f"the group cannot be written as JSON: {error}") from None
    body = text.encode("utf-8", "surrogatepass")  # in a reference a lone surrogate is the gateway's to refuse
    return Body(body, _key(group, body), len(group.completions), group.domain)


def _key(group: RolloutGroup, body: bytes) -> str:
    """Idempotency: the same for all tries of one call, and for the same sample of a resumed run."""
    if group.id is None or group.run is None or group.step is None:
        return secrets.token_urlsafe(16)
    return urlsafe_b64encode(hashlib.blake2b(body, digest_size=16).digest()).rstrip(b"=").decode()


def _check(group: RolloutGroup) -> None:
    if isinstance(group.completions, str) or not len(group.completions):
        raise BadGroup("completions: give a list with at least one completion")
    for position, completion in enumerate(group.completions):
        if isinstance(completion, bytes) or not isinstance(completion, str | Sequence):
            what = type(completion).__name__
            raise BadGroup(f"completions[{position}] is a {what}: give a string or a list of chat messages")
    if group.deadline_s is not None and not group.deadline_s > 0:
        raise BadGroup("deadline_s: give a positive number of seconds")


def _as_list(value: Any) -> Any:
    """Arrays and their numbers (numpy, torch), which have `tolist`."""
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} is no JSON")


def _sendable(value: Any) -> Any:
    """Text without what JSON over UTF-8 cannot carry: a model's NUL or lone surrogate becomes U+FFFD, and stays wrong."""
    if isinstance(value, str):
        value = value.replace("\0", "\ufffd")
        try:
            value.encode()
        except UnicodeEncodeError:
            return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
        return value
    if isinstance(value, Mapping):
        return {key: _sendable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_sendable(item) for item in value]
    return value


# --- what comes in ----------------------------------------------------------------------------------------------------


class BadReply(Exception):
    """The gateway, or what stands in its place, answered outside the contract."""


def read_reply(reply: Any, count: int) -> ScoredGroup:
    """The scored group of one reply. Unknown fields are no trouble; a number that is none is. Raises BadReply."""
    try:
        results, version = reply["results"], str(reply["version"])
        samples = [_sample(result, version) for result in results]
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise BadReply(f"{type(error).__name__}: {error}") from None
    if len(samples) != count:
        raise BadReply(f"{len(samples)} results for {count} completions")
    return gathered(samples)


def _sample(result: Mapping[str, Any], version: str) -> ScoredSample:
    components = result["components"]
    reward, failure = _number(result["reward"]), _failure(result["failure"])
    if (reward is None) != (failure is not None):
        raise ValueError("a result is a reward, or a failure and no reward")
    evidence = (component.get("evidence") or {} for component in components.values())
    return ScoredSample(
        reward=reward,
        failure=failure,
        components={name: _number(component["score"]) for name, component in components.items()},
        version=version,
        canonical=next((str(found["canonical"]) for found in evidence if found.get("canonical") is not None), None),
        reasons={name: str(component.get("reason", "")) for name, component in components.items()},
    )


def _number(value: Any) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError("a score is a finite number or null")
    return float(value)


def _failure(value: Any) -> Failure | None:
    if value is None:
        return None
    return Failure(kind=str(value["kind"]), component=value.get("component"), message=str(value.get("message", "")))


def told(status: int, content: bytes) -> str:
    """Problem details as one line."""
    try:
        problem = json.loads(content)
        found = "; ".join(f"{error['path']}: {error['reason']}" for error in problem.get("errors", []))
        return ": ".join(part for part in (problem["title"], problem.get("detail"), found) if part)
    except (ValueError, KeyError, TypeError, AttributeError):
        return f"HTTP {status}"
