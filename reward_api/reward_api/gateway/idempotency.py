"""Requests that are sent again: the header `Idempotency-Key` names a group, and its reply is made once.

A retry, a hedge or a resumed run gets the reply that was made, also by a verifier that would judge differently the second
time, and also when the domain was swapped in between. A reply with a failure in it is not kept. The content counts beside
the key: another group under a used key is another group.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Coroutine
from typing import Any

import orjson
from cachetools import LRUCache

from reward_verifiers.contract import ProblemError, ScoreReply, ScoreRequest
from reward_verifiers.service.problems import HTTPProblem
from reward_verifiers.service.single_flight import SingleFlight

_KEY = re.compile(r'"?([\x21\x23-\x2b\x2d-\x7e]{1,128})"?')
KEYS_PATTERN = f"^{_KEY.pattern}( *, *{_KEY.pattern})*$"
"""Of the whole header, for the OpenAPI document."""


def keys_of(header: str | None, groups: int) -> list[str | None]:
    """One key a group, in their order, from a header with commas between them. Raises HTTPProblem."""
    if header is None:
        return [None] * groups
    matches = [_KEY.fullmatch(part.strip()) for part in header.split(",")]
    keys = [match.group(1) for match in matches if match]
    if len(keys) != len(matches) or len(keys) != groups:
        reason = (
            f"give one key of 1 to 128 visible characters for each of the {groups} groups, with commas between them"
        )
        raise HTTPProblem(422, errors=[ProblemError(path="Idempotency-Key", reason=reason)])
    return [*keys]


class IdempotentReplies:
    """Replies by key and content: at most `max_bytes` of them, least recently used out first."""

    def __init__(self, max_bytes: int) -> None:
        self._kept: LRUCache[bytes, bytes] = LRUCache(maxsize=max_bytes, getsizeof=len)
        self._flights: SingleFlight[bytes, ScoreReply] = SingleFlight()
        self.replayed = 0

    async def once(
        self, key: str | None, domain: str, request: ScoreRequest, score: Callable[[], Coroutine[Any, Any, ScoreReply]]
    ) -> bytes:
        """The reply as JSON: the one that was made, the one that is being made, or a new one."""
        if key is None:
            return (await score()).json()
        name = _name(key, domain, request)
        if (kept := self._kept.get(name)) is not None:
            self.replayed += 1
            return kept
        if (flight := self._flights.get(name)) is not None:
            reply = await flight.result()
            if _is_complete(reply):
                self.replayed += 1
                return reply.json()
        return (await self._flights.start([name], self._score(name, score)).result()).json()

    async def _score(self, name: bytes, score: Callable[[], Coroutine[Any, Any, ScoreReply]]) -> ScoreReply:
        reply = await score()
        if _is_complete(reply) and len(body := reply.json()) <= self._kept.maxsize:
            self._kept[name] = body
        return reply


def _name(key: str, domain: str, request: ScoreRequest) -> bytes:
    """Key and content; the completions, most of it, are hashed as they are."""
    rest = request.model_dump_json(exclude={"completions", "deadline_s", "domain"})
    digest = hashlib.sha256(f"{key} {domain} {rest}".encode())
    for completion in request.completions:
        if isinstance(completion, str):
            kind, text = b"s", completion.encode()
        else:
            kind, text = b"m", orjson.dumps([message.model_dump() for message in completion])
        digest.update(b"%s%d " % (kind, len(text)))
        digest.update(text)
    return digest.digest()


def _is_complete(reply: ScoreReply) -> bool:
    return all(result.valid for result in reply.results)
