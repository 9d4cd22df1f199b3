"""Same request, same work once: single flight and a bounded cache of verdicts, sample by sample, for pure verifiers.

Trainers retry 5 to 25 times, and GRPO groups repeat answers. A failure is never remembered, and a caller that shared
another's flight and got a failure tries once by itself: the other may have had less time.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

import orjson
from cachetools import LRUCache
from pydantic_core import to_jsonable_python

from reward_verifiers.contract import Text, Verdict, VerifyRequest
from reward_verifiers.service.single_flight import Flight, SingleFlight
from reward_verifiers.verifier import Judge

Key = bytes
Identity = tuple[str, str, str, str]
"""Which verifier this is: its name, version, build and endpoint."""
_Verdicts = dict[Key, Verdict]


def completion_digests(completions: Sequence[Text]) -> list[bytes]:
    """A digest of each completion, of 32 bytes; the components of one group share them."""
    return [hashlib.sha256(_completion_bytes(completion)).digest() for completion in completions]


def sample_keys(identity: Identity, request: VerifyRequest, digests: Sequence[bytes] | None = None) -> list[Key]:
    """One key per completion: equal keys get equal verdicts from a pure verifier.

    `identity` says which verifier this is: its name, version, build and endpoint. `digests` are the completions', if
    they are there already.
    """
    digests = completion_digests(request.completions) if digests is None else digests
    shared = [*identity, request.prompt, request.reference, request.prefix, request.options]
    group = hashlib.sha256(_canonical(shared))
    keys = []
    for position, digest in enumerate(digests):
        sample = group.copy()
        truncated = request.truncated and request.truncated[position]
        tokens = request.tokens and request.tokens[position]
        sample.update(b"%a %a " % (truncated, tokens))
        sample.update(digest)
        keys.append(sample.digest())
    return keys


def _canonical(value: object) -> bytes:
    """Equal bytes for equal values."""
    try:
        return orjson.dumps(value, default=to_jsonable_python, option=orjson.OPT_SORT_KEYS)
    except orjson.JSONEncodeError:  # an integer of more than 64 bits
        return json.dumps(value, default=to_jsonable_python, sort_keys=True).encode("utf-8", "surrogatepass")


def _completion_bytes(completion: Text) -> bytes:
    """The completion, one to one; a text in the encoding that Python makes fastest. The first byte says which."""
    if not isinstance(completion, str):
        return b"m" + orjson.dumps([message.model_dump() for message in completion])
    text = completion
    try:
        return b"1" + text.encode("latin-1")
    except UnicodeEncodeError:
        return b"2" + text.encode("utf-16-le", "surrogatepass")


def part(request: VerifyRequest, positions: list[int]) -> VerifyRequest:
    """The request for some of its completions."""
    if positions == [*range(len(request.completions))]:
        return request
    return request.model_copy(
        update={
            "completions": [request.completions[position] for position in positions],
            "truncated": request.truncated and [request.truncated[position] for position in positions],
            "tokens": request.tokens and [request.tokens[position] for position in positions],
        }
    )


class VerdictCache:
    """At most `max_bytes` of verdicts, least recently used out first."""

    def __init__(self, max_bytes: int) -> None:
        self._verdicts: LRUCache[Key, Verdict] = LRUCache(maxsize=max_bytes, getsizeof=_size)
        self._flights: SingleFlight[Key, _Verdicts] = SingleFlight()
        self.hits = self.coalesced = self.misses = 0

    async def verify(
        self, judge: Judge, identity: Identity, request: VerifyRequest, digests: Sequence[bytes] | None = None
    ) -> list[Verdict]:
        """The verdicts of `judge` on `request`, in order. Raises what it raises. digests: see `sample_keys`."""
        keys = sample_keys(identity, request, digests)
        verdicts: _Verdicts = {}
        coalesced: dict[Key, Flight[_Verdicts]] = {}
        missing: dict[Key, int] = {}
        for position, key in enumerate(keys):
            if (verdict := self._verdicts.get(key)) is not None:
                verdicts[key] = verdict
            elif (flight := self._flights.get(key)) is not None:
                coalesced[key] = flight
            else:
                missing.setdefault(key, position)
        self.hits += len(verdicts)
        self.coalesced += len(coalesced)
        self.misses += len(missing)
        if missing:
            verdicts |= await self._start(judge, identity, request, missing).result()
        if coalesced:
            verdicts |= await _shared(coalesced)
            if again := {key: position for position, key in enumerate(keys) if key not in verdicts}:
                verdicts |= await self._start(judge, identity, request, again).result()
        return [verdicts[key] for key in keys]

    def _start(
        self, judge: Judge, identity: Identity, request: VerifyRequest, missing: dict[Key, int]
    ) -> Flight[_Verdicts]:
        work = self._work(judge, identity, part(request, list(missing.values())), list(missing))
        return self._flights.start(missing, work)

    async def _work(self, judge: Judge, identity: Identity, request: VerifyRequest, keys: list[Key]) -> _Verdicts:
        reply = await judge(request)
        verdicts = dict(zip(keys, reply.verdicts, strict=True))
        for key, verdict in verdicts.items():
            if verdict.valid and reply.build in ("", identity[2]) and _size(verdict) <= self._verdicts.maxsize:
                self._verdicts[key] = verdict
        return verdicts


def _size(verdict: Verdict) -> int:
    """About how many bytes of memory a verdict takes."""
    return 1024 + len(verdict.reason) + 2 * len(orjson.dumps(verdict.evidence, default=to_jsonable_python))


async def _shared(flights: dict[Key, Flight[_Verdicts]]) -> _Verdicts:
    """The verdicts of others' flights, without their failures."""
    verdicts: _Verdicts = {}
    for flight in {id(flight): flight for flight in flights.values()}.values():
        try:
            landed = await flight.result()
        except Exception:  # noqa: S112  # its owner reports it; here the work is tried again
            continue
        verdicts |= {key: verdict for key, verdict in landed.items() if verdict.valid and key in flights}
    return verdicts
