"""How both clients write a request and read a reply: the JSON of `POST /score`, and nothing else.

RolloutGroup, RolloutSample ──▶ Body ──▶ POST /score ──▶ read_reply ──▶ ScoredGroup
"""

from __future__ import annotations

import hashlib
import json
import math
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from trainer_client.errors import BadGroup
from trainer_client.results import Failure, ScoredGroup, ScoredSample

Text = str | Sequence[Mapping[str, Any]]
"""A prompt or a completion: a string, or chat messages."""
Reference = Mapping[str, Any] | str | float


@dataclass(frozen=True)
class RolloutGroup:
    """Completions of one prompt: the fields of `POST /score`.

    reference: the right answer or tests; a bare string or number is short for {"answer": …}.
    prefix: what the chat template wrote at the start of each completion. truncated, tokens: one a completion.
    sessions: one a completion, the session of the tools service in which its calls were made; None where there was none.
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
    sessions: Sequence[str | None] | None = None
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
    session: "" where it made no call, None where there were no tools.
    failure: the kind of the failure that ended it before its time. It is not sent and has no verdict; where the domain looks
        at the whole group, the group is that of its siblings.
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
    session: str | None = None
    failure: str | None = None
    run: str | None = None
    step: int | None = None
    deadline_s: float | None = None


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
            sessions=group.sessions and [group.sessions[index] for index in part],
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
    per_completion = (group.completions, group.truncated, group.tokens, group.sessions)
    return _body(group, *per_completion, group.id, group.group_size, group.indices)


def write_samples(samples: Mapping[int, RolloutSample]) -> Body:
    """The group, or the part of a group, of these samples by index. They share all fields but their own. Raises BadGroup."""
    ordered = [samples[index] for index in sorted(samples)]
    one = ordered[0]
    truncated = [sample.truncated for sample in ordered]
    tokens = [sample.tokens for sample in ordered]
    sessions = [sample.session for sample in ordered]
    return _body(
        one,
        [sample.completion for sample in ordered],
        None if None in truncated else truncated,
        None if None in tokens else tokens,
        None if sessions == [None] * len(sessions) else [session or None for session in sessions],
        one.group_id,
        None if one.group_id is None else one.group_size,
        None if one.group_id is None else sorted(samples),
    )


def _body(
    item: RolloutGroup | RolloutSample,
    completions: Sequence[Text],
    truncated: Sequence[Any] | None,
    tokens: Sequence[Any] | None,
    sessions: Sequence[str | None] | None,
    group_id: str | None,
    group_size: int | None,
    indices: Sequence[int] | None,
) -> Body:
    _check(completions, item.deadline_s)
    fields = {
        "domain": item.domain,
        "completions": [_sendable(completion) for completion in completions],
        "reference": item.reference,
        "prompt": _sendable(item.prompt),
        "prefix": item.prefix or None,
        "truncated": truncated,
        "tokens": tokens,
        "sessions": sessions,
        "id": group_id,
        "run": item.run,
        "step": item.step,
        "group_size": group_size,
        "indices": indices,
    }
    document = {name: value for name, value in fields.items() if value is not None}
    try:
        text = json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_as_list)
    except (TypeError, ValueError, RecursionError) as error:
        raise BadGroup(f"the group cannot be written as JSON: {error}") from None
    body = text.encode("utf-8", "surrogatepass")  # in a reference a lone surrogate is the gateway's to refuse
    is_named = group_id is not None and item.run is not None and item.step is not None
    return Body(body, _key(body) if is_named else secrets.token_urlsafe(16), len(completions), item.domain)


def _key(body: bytes) -> str:
    """The idempotency key of a named group: the same for the same content in a resumed run."""
    return urlsafe_b64encode(hashlib.blake2b(body, digest_size=16).digest()).rstrip(b"=").decode()


def _check(completions: Sequence[Text], deadline_s: float | None) -> None:
    if isinstance(completions, str) or not len(completions):
        raise BadGroup("completions: give a list with at least one completion")
    for position, completion in enumerate(completions):
        if isinstance(completion, bytes) or not isinstance(completion, str | Sequence):
            kind = type(completion).__name__
            raise BadGroup(f"completions[{position}] is a {kind}: give a string or a list of chat messages")
    if deadline_s is not None and not deadline_s > 0:
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
    """The scored group of one reply. Unknown fields are ignored; a score that is no finite number raises BadReply."""
    try:
        results, version = reply["results"], str(reply["version"])
        samples = [_sample(result, version) for result in results]
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise BadReply(f"{type(error).__name__}: {error}") from None
    if len(samples) != count:
        raise BadReply(f"{len(samples)} results for {count} completions")
    return ScoredGroup(samples)


def _sample(result: Mapping[str, Any], version: str) -> ScoredSample:
    components = result["components"]
    reward, failure = _number(result["reward"]), _failure(result["failure"])
    if (reward is None) != (failure is not None):
        raise ValueError("a result is a reward, or a failure and no reward")
    evidence = (component.get("evidence") or {} for component in components.values())
    canonical = (answer for one in evidence if (answer := one.get("canonical")) is not None)
    return ScoredSample(
        reward=reward,
        failure=failure,
        components={name: _number(component["score"]) for name, component in components.items()},
        version=version,
        canonical=next(map(str, canonical), None),
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


def problem_text(status: int, content: bytes) -> str:
    """Problem details as one line."""
    try:
        return text_of(json.loads(content))
    except (ValueError, KeyError, TypeError, AttributeError):
        return f"HTTP {status}"


def text_of(problem: Mapping[str, Any]) -> str:
    """Title, detail and errors, of which the detail may repeat the first."""
    errors = "; ".join(f"{error['path']}: {error['reason']}" for error in problem.get("errors", []))
    detail = problem.get("detail", "")
    return ": ".join(part for part in (problem.get("title"), "" if detail in errors else detail, errors) if part)
