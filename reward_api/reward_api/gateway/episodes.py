"""The traces of episodes: from the tools in this process, or from the tools service at a URL. Never from a trainer.

What cannot be had is a trace with its trouble, which leaves the episode without a reward.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Protocol

import httpx
import orjson
import stamina
from pydantic import BaseModel, ValidationError

from reward_verifiers.contract import FailureKind, Trace, Verdict
from reward_verifiers.service.http_client import HttpClient, Reply, UnreadableReply

if TYPE_CHECKING:
    from fastapi import FastAPI

    from reward_verifiers.service.metrics import Readings

NO_TOOLS = "pip install 'touchstone-rewards[tools]' and `touchstone serve`, or set TOUCHSTONE_TOOLS_URL"
MAX_REPLY_BYTES = 256 << 20
MAX_ATTEMPTS = 3


class TraceSource(Protocol):
    async def traces(self, sessions: Sequence[str | None]) -> list[Trace]:
        """One for each, in order; an empty one for null, and one with its trouble for a session that is not known."""


class Embedded(TraceSource, Protocol):
    """Tools in this process, which the gateway knows by their entry point alone."""

    def install(self, app: FastAPI, readings: Readings) -> None:
        """Add the routes and the metrics."""

    def running(self) -> AbstractAsyncContextManager[None]: ...


class Episodes:
    """Asks the one source there is. embedded: tools in this process, where there are any; url: wins over them."""

    def __init__(self, embedded: TraceSource | None, url: str = "", key: str = "") -> None:
        self._source = RemoteTraces(url, key) if url else embedded

    async def traces(self, sessions: Sequence[str | None], deadline: float) -> list[Trace]:
        """The traces by then."""
        if self._source is None:
            return _all(sessions, f"there is no tools service: {NO_TOOLS}")
        try:
            async with asyncio.timeout_at(deadline):
                return await self._source.traces(sessions)
        except TimeoutError:
            return _all(sessions, "the tools service did not answer before the deadline")
        except (httpx.TransportError, UnreadableReply, BadTraces) as error:
            return _all(sessions, f"the tools service cannot be read: {error or type(error).__name__}")

    async def aclose(self) -> None:
        if isinstance(self._source, RemoteTraces):
            await self._source.aclose()


def _all(sessions: Sequence[str | None], trouble: str) -> list[Trace]:
    return [Trace() if name is None else Trace(session=name, trouble=trouble) for name in sessions]


def without_failed(verdicts: Mapping[str, list[Verdict]], traces: Sequence[Trace]) -> dict[str, list[Verdict]]:
    """The verdicts, but none on an episode in which a tool failed by our doing: all that followed is in doubt."""
    failures = [trace.failure() for trace in traces]
    if not any(failures):
        return dict(verdicts)
    return {
        key: [
            Verdict.failed(FailureKind.VERIFIER_ERROR, why) if why and verdict.valid else verdict
            for verdict, why in zip(rows, failures, strict=True)
        ]
        for key, rows in verdicts.items()
    }


class BadTraces(Exception):
    """The tools service answered, but not with traces."""


class _Traces(BaseModel):
    traces: list[Trace]


class RemoteTraces:
    """The tools service at a URL."""

    def __init__(self, url: str, key: str) -> None:
        self._client = HttpClient(url, max_bytes=MAX_REPLY_BYTES, key=key)

    async def traces(self, sessions: Sequence[str | None]) -> list[Trace]:
        """Raises httpx.TransportError, UnreadableReply and BadTraces."""
        body = orjson.dumps({"sessions": list(sessions)})
        async for attempt in stamina.retry_context(on=httpx.TransportError, attempts=MAX_ATTEMPTS, timeout=None):
            with attempt:
                reply = await self._client.exchange("POST", "/traces", body)
                if reply.status in (502, 503, 504, 429):
                    raise httpx.ReadError(f"it answers {reply.status}")
        traces = await asyncio.to_thread(_read, reply)  # models wrote what is in it
        if [trace.session for trace in traces] != [name or "" for name in sessions]:
            raise BadTraces("it answers for other sessions")
        return traces

    async def aclose(self) -> None:
        await self._client.aclose()


def _read(reply: Reply) -> list[Trace]:
    """Raises BadTraces."""
    if reply.status != httpx.codes.OK:
        raise BadTraces(f"it answers {reply.status}")
    try:
        return _Traces.model_validate_json(reply.content).traces
    except ValidationError:
        raise BadTraces("its reply is no list of traces") from None
