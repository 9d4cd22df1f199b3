"""Requests that are sent again: the header `Idempotency-Key` names a group, and its reply is made once.

A retry, a hedge or a resumed run gets the reply that was made, also by a verifier that would judge differently the second
time, and also when the domain was swapped in between. A reply with a failure in it is not kept. The content counts beside
the key: another group under a used key is another group.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Callable, Coroutine
from typing import Any

import orjson
from cachetools import LRUCache

from reward_api.gateway.single_flight import Flight
from reward_verifiers.contract import ProblemError, ScoreReply, ScoreRequest
from reward_verifiers.service.problems import HTTPProblem

_KEY = re.compile(r'"?([\x21\x23-\x2b\x2d-\x7e]{1,128})"?')


def keys_of(header: str | None, groups: int) -> list[str | None]:
    """One key a group, in their order, from a header with commas between them. Raises HTTPProblem."""
    if header is None:
        return [None] * groups
    found = [_KEY.fullmatch(part.strip()) for part in header.split(",")]
    keys = [match.group(1) for match in found if match]
    if len(keys) != len(found) or len(keys) != groups:
        reason = (
            f"give one key of 1 to 128 visible characters for each of the {groups} groups, with commas between them"
        )
        raise HTTPProblem(422, errors=[ProblemError(path="Idempotency-Key", reason=reason)])
    return [*keys]


class IdempotentReplies:
    """IdempotentReplies by key and content: at most `max_bytes` of them, least recently used out first."""

    def __init__(self, max_bytes: int) -> None:
        self._kept: LRUCache[bytes, bytes] = LRUCache(maxsize=max_bytes, getsizeof=len)
        self._flights: dict[bytes, Flight[ScoreReply]] = {}
        self.replayed = 0

    async def once(
        self, key: str | None, domain: str, request: ScoreRequest, score: Callable[[], Coroutine[Any, Any, ScoreReply]]
    ) -> bytes:
        """The reply as JSON: the one that was made, the one that is being made, or a new one."""
        if key is None:
            return _json(await score())
        name = _name(key, domain, request)
        if (kept := self._kept.get(name)) is not None:
            self.replayed += 1
            return kept
        if (flight := self._flights.get(name)) is not None:
            reply = await _joined(flight)
            if reply is not None and _is_complete(reply):
                self.replayed += 1
                return _json(reply)
        return _json(await self._fly(name, score).result())

    def _fly(self, name: bytes, score: Callable[[], Coroutine[Any, Any, ScoreReply]]) -> Flight[ScoreReply]:
        flight = self._flights[name] = Flight(asyncio.create_task(score()))
        flight.task.add_done_callback(lambda _: self._landed(name, flight))
        return flight

    def _landed(self, name: bytes, flight: Flight[ScoreReply]) -> None:
        if self._flights.get(name) is flight:
            del self._flights[name]
        if flight.task.cancelled() or flight.task.exception() or not _is_complete(flight.task.result()):
            return
        reply = _json(flight.task.result())
        if len(reply) <= self._kept.maxsize:
            self._kept[name] = reply


async def _joined(flight: Flight[ScoreReply]) -> ScoreReply | None:
    """What another's flight brings; None when it was cancelled, because the other left."""
    try:
        return await flight.result()
    except asyncio.CancelledError:
        if not flight.task.cancelled():
            raise
        return None


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


def _json(reply: ScoreReply) -> bytes:
    return reply.model_dump_json().encode()
