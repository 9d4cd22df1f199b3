"""Same request, same work once: single flight and a bounded cache of verdicts, sample by sample, for pure verifiers.

Trainers retry 5 to 25 times, and GRPO groups repeat answers. A failure is never remembered, and a caller that joined
another's flight and got a failure tries once by itself: the other may have had less time.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence

import orjson
from cachetools import LRUCache

from reward_api.gateway.single_flight import Flight
from reward_verifiers.contract import Verdict, VerifyRequest
from reward_verifiers.verifier import Backend

Key = bytes
_Verdicts = Flight[dict[Key, Verdict]]


def sample_keys(identity: Sequence[str], request: VerifyRequest) -> list[Key]:
    """One key per completion: equal keys get equal verdicts from a pure verifier.

    `identity` says which verifier this is: its name, version and home.
    """
    shared = request.model_dump(mode="json", exclude={"completions", "truncated", "tokens", "deadline_s"})
    group = hashlib.sha256(orjson.dumps([*identity, shared], option=orjson.OPT_SORT_KEYS))
    keys = []
    for position, completion in enumerate(request.completions):
        sample = group.copy()
        truncated = request.truncated and request.truncated[position]
        tokens = request.tokens and request.tokens[position]
        sample.update(f"{truncated} {tokens} ".encode())
        if isinstance(completion, str):
            sample.update(b"s" + completion.encode("utf-8", "surrogatepass"))
        else:
            sample.update(b"m" + orjson.dumps([message.model_dump() for message in completion]))
        keys.append(sample.digest())
    return keys


def part(request: VerifyRequest, positions: Sequence[int]) -> VerifyRequest:
    """The request for some of its completions."""
    return request.model_copy(
        update={
            "completions": [request.completions[position] for position in positions],
            "truncated": request.truncated and [request.truncated[position] for position in positions],
            "tokens": request.tokens and [request.tokens[position] for position in positions],
        }
    )


class VerdictCache:
    """At most `entries` verdicts, least recently used out first."""

    def __init__(self, entries: int) -> None:
        self._verdicts: LRUCache[Key, Verdict] = LRUCache(maxsize=entries)
        self._flights: dict[Key, _Verdicts] = {}
        self.hits = self.joined = self.misses = 0

    async def verify(self, backend: Backend, identity: Sequence[str], request: VerifyRequest) -> list[Verdict]:
        """The verdicts of `backend` on `request`, in order. Raises what the backend raises."""
        keys = sample_keys(identity, request)
        have: dict[Key, Verdict] = {}
        joined: dict[Key, _Verdicts] = {}
        mine: dict[Key, int] = {}
        for position, key in enumerate(keys):
            if (verdict := self._verdicts.get(key)) is not None:
                have[key] = verdict
            elif key in self._flights:
                joined[key] = self._flights[key]
            else:
                mine.setdefault(key, position)
        self.hits += len(have)
        self.joined += len(joined)
        self.misses += len(mine)
        if mine:
            have |= await self._fly(backend, request, mine).result()
        if joined:
            have |= await self._join(joined)
            if again := {key: position for position, key in enumerate(keys) if key not in have}:
                have |= await self._fly(backend, request, again).result()
        return [have[key] for key in keys]

    def _fly(self, backend: Backend, request: VerifyRequest, wanted: dict[Key, int]) -> _Verdicts:
        flight = Flight(asyncio.create_task(self._work(backend, part(request, list(wanted.values())), list(wanted))))
        self._flights |= dict.fromkeys(wanted, flight)
        flight.task.add_done_callback(lambda _: self._landed(flight, wanted))
        return flight

    async def _work(self, backend: Backend, request: VerifyRequest, keys: list[Key]) -> dict[Key, Verdict]:
        reply = await backend.verify(request)
        verdicts = dict(zip(keys, reply.verdicts, strict=True))
        self._verdicts.update({key: verdict for key, verdict in verdicts.items() if verdict.valid})
        return verdicts

    def _landed(self, flight: _Verdicts, wanted: dict[Key, int]) -> None:
        for key in wanted:
            if self._flights.get(key) is flight:
                del self._flights[key]
        if not flight.task.cancelled():
            flight.task.exception()  # whoever waits has it; an unwatched one is not worth a warning

    @staticmethod
    async def _join(joined: dict[Key, _Verdicts]) -> dict[Key, Verdict]:
        """What others' flights brought; without their failures."""
        have: dict[Key, Verdict] = {}
        for flight in {id(flight): flight for flight in joined.values()}.values():
            try:
                landed = await flight.result()
            except asyncio.CancelledError:
                if not flight.task.cancelled():
                    raise
                continue
            except Exception:  # noqa: S112  # its owner reports it; here the work is tried again
                continue
            have |= {key: verdict for key, verdict in landed.items() if verdict.valid and key in joined}
        return have
