"""One shared client per judge server: bounded, retried, cached, and within a budget.

    ask ──▶ cache ──▶ single flight ──▶ budget ──▶ HTTP, retried on 429 and 503 ──▶ read, asked again when unreadable

A question that is in the air, or was answered, is not sent again: its key is what the judge is shown, without the nonces.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

import httpx
import orjson
import stamina
from cachetools import LRUCache

from preference_model.judge.usage import Budget, Ledger, Usage, usage_of
from preference_model.model.registry import UpstreamSpec, digest
from preference_model.model.upstream_client import Busy, ServerError, UpstreamClient
from preference_model.outcome import ScoreFailure
from reward_verifiers.completion import after_think
from reward_verifiers.contract import FailureKind

CACHED = 65_536
TRANSIENT = frozenset({FailureKind.TIMEOUT, FailureKind.VERIFIER_UNREACHABLE})
OF_THE_OWNER = frozenset({FailureKind.DEADLINE_EXCEEDED, FailureKind.BUDGET_EXHAUSTED})
"""Failures of whoever asked first, and not of others with the same question."""
ATTEMPTS = 6
READINGS = 3
"""How often a question is asked whose answer cannot be read."""
REPLY_S = 0.2
"""Kept back from a request's deadline, so that what was judged is still delivered."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is sent, and how the judge's own words are read. `read` raises Unreadable."""

    system: str
    user: str
    read: Callable[[str], Any]


class Unreadable(ScoreFailure):
    """The judge's words hold no verdict; another try may."""

    def __init__(self, message: str) -> None:
        super().__init__(FailureKind.VERIFIER_ERROR, message)


@dataclass(frozen=True, slots=True)
class Call:
    """On whose account a question is asked, and until when (of the loop's clock). `run` None: on nobody's."""

    run: str | None = ""
    until: float | None = None
    ledger: Ledger = field(default_factory=Ledger)

    def own(self) -> Call:
        """The same, with a ledger of its own."""
        return replace(self, ledger=Ledger())


DEFAULT_CALL = Call()


@dataclass(slots=True)
class _Flight:
    task: asyncio.Task[Any]
    waiters: int = 0


class JudgeClient:
    """The connection to one judge model. Raises ScoreFailure, and nothing else."""

    def __init__(self, upstream: UpstreamSpec, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._upstream = upstream
        self._peer = UpstreamClient(upstream, transport)
        self._path = "" if urlsplit(upstream.url).path else "/v1"
        self._model = upstream.model
        self.budget = Budget(upstream.max_calls, upstream.max_tokens)
        self.total = Usage()
        self._cache: LRUCache[str, Any] = LRUCache(CACHED)
        self._flights: dict[str, _Flight] = {}
        self.owners = 0

    async def ask(self, key: tuple[Any, ...] | None, question: Callable[[], Question], call: Call) -> Any:
        """The answer to a question, as it was read.

        `key` says what it is; None: never cached. `question` makes it with fresh nonces.
        """
        if key is None:
            return await self._ask_model(question, call)
        name = hashlib.sha256(orjson.dumps(key)).hexdigest()
        if name in self._cache:
            self._count(call, Usage(cached=1))
            return self._cache[name]
        return await self._shared(name, question, call)

    async def _shared(self, name: str, question: Callable[[], Question], call: Call) -> Any:
        flight = self._flights.get(name)
        if is_owner := flight is None:
            flight = self._flights[name] = _Flight(asyncio.create_task(self._ask_model(question, call)))
        assert flight is not None  # noqa: S101
        flight.waiters += 1
        try:
            answer = await asyncio.shield(flight.task)
        except ScoreFailure as error:
            if is_owner or error.kind not in OF_THE_OWNER or not _has_time(call):
                raise
            return await self._ask_model(question, call)
        finally:
            flight.waiters -= 1
            if flight.task.done() or not flight.waiters:
                flight.task.cancel()
                if self._flights.get(name) is flight:
                    del self._flights[name]
        self._cache[name] = answer
        if not is_owner:
            self._count(call, Usage(cached=1))
        return answer

    async def _ask_model(self, question: Callable[[], Question], call: Call) -> Any:
        """Ask until the answer can be read, a few times."""
        for left in reversed(range(READINGS)):
            one = question()
            reply = await self._sent(one, call, READINGS - left)
            try:
                return one.read(own_turn(reply))
            except Unreadable:
                if not left:
                    raise
        raise AssertionError

    async def _sent(self, question: Question, call: Call, attempt: int) -> Any:
        limit = None if call.until is None else max(call.until - REPLY_S - asyncio.get_running_loop().time(), 0.001)
        try:
            async with asyncio.timeout(limit):
                body = await self._body(question, attempt)
                reply = await self._retried(lambda: self._once(f"{self._path}/chat/completions", body, call))
        except TimeoutError:
            raise ScoreFailure(FailureKind.DEADLINE_EXCEEDED, "the judge did not answer before the deadline") from None
        tokens = usage_of(reply, len(question.system) + len(question.user), len(_text(reply)))
        self._count(call, tokens.priced(self._upstream.prompt_price, self._upstream.completion_price))
        return reply

    def _count(self, call: Call, usage: Usage) -> None:
        self.total += usage
        call.ledger.add(usage)
        if call.run is not None:
            self.budget.add(call.run, usage)

    async def _retried(self, send: Callable[[], Awaitable[Any]]) -> Any:
        limits = {"timeout": 3 * self._upstream.timeout_s, "wait_initial": 0.05, "wait_jitter": 0.05}
        async for attempt in stamina.retry_context(on=_backoff, attempts=ATTEMPTS, **limits):
            with attempt:
                return await send()
        raise AssertionError

    async def _once(self, path: str, body: dict[str, Any], call: Call) -> Any:
        """One request, which is a call unless the server turns it away."""
        if call.run is not None:
            self.budget.enter(call.run)
        spent = Usage(calls=1)
        try:
            return await self._peer.ask(path, body)
        except Busy:
            spent = Usage()
            if call.run is not None:
                self.budget.refund(call.run)
            raise
        finally:
            self._count(call, spent)

    async def _body(self, question: Question, attempt: int) -> dict[str, Any]:
        up = self._upstream
        system = f"{up.system_prompt}\n\n{question.system}" if up.system_prompt else question.system
        return {
            "model": await self._name(),
            "messages": [{"role": "system", "content": system}, {"role": "user", "content": question.user}],
            "max_completion_tokens": up.max_completion_tokens,
            "temperature": up.temperature,
            **({} if up.seed is None else {"seed": up.seed + attempt - 1}),
        }

    async def _name(self) -> str:
        """The model's name: the entry's, else the first that the server lists."""
        if not self._model:
            reply = await self._retried(lambda: self._peer.ask(f"{self._path}/models"))
            try:
                self._model = str(reply["data"][0]["id"])
            except (LookupError, TypeError):
                raise ScoreFailure(FailureKind.VERIFIER_ERROR, "the judge's server lists no model; name one") from None
        return self._model

    async def aclose(self) -> None:
        for flight in self._flights.values():
            flight.task.cancel()
        await asyncio.gather(*(flight.task for flight in self._flights.values()), return_exceptions=True)
        self._flights.clear()
        await self._peer.aclose()


def _has_time(call: Call) -> bool:
    return call.until is None or call.until - REPLY_S > asyncio.get_running_loop().time()


def _backoff(error: Exception) -> bool | float:
    if isinstance(error, Busy):
        return True if error.retry_after_s is None else error.retry_after_s
    return isinstance(error, ServerError) or (isinstance(error, ScoreFailure) and error.kind in TRANSIENT)


def own_turn(reply: Any) -> str:
    """What the judge itself wrote, without its thinking. Raises ScoreFailure; Unreadable where another try may help."""
    try:
        choice = reply["choices"][0]
        message, finish = choice["message"], choice.get("finish_reason")
        refusal = message.get("refusal")
    except (LookupError, TypeError, AttributeError):
        raise Unreadable("the judge's server did not answer as an OpenAI chat") from None
    if finish == "content_filter" or (isinstance(refusal, str) and refusal):
        raise ScoreFailure(FailureKind.UNSUPPORTED, "the judge refuses this text")
    text = after_think(_text(reply)) if finish != "length" else None
    if not text:
        raise Unreadable("the judge did not finish its answer")
    return text


def _text(reply: Any) -> str:
    """The message's text: a string, or the parts of type text. Fields of reasoning are not the answer."""
    try:
        content = reply["choices"][0]["message"]["content"]
    except (LookupError, TypeError):
        return ""
    if isinstance(content, list):
        parts = [part.get("text") for part in content if isinstance(part, dict) and part.get("type") in TEXT_PARTS]
        content = "".join(part for part in parts if isinstance(part, str))
    return content if isinstance(content, str) else ""


TEXT_PARTS = ("text", "output_text")

# --- one client for all that use the same server ----------------------------------------------------------------------

_clients: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, JudgeClient]] = WeakKeyDictionary()


def shared_client(upstream: UpstreamSpec) -> JudgeClient:
    """The running loop's client of that server: its concurrency, cache and budget hold for all who use it."""
    clients = _clients.setdefault(asyncio.get_running_loop(), {})
    key = digest(upstream.model_dump(mode="json", exclude={"kind"}))
    client = clients.setdefault(key, JudgeClient(upstream))
    client.owners += 1
    return client


async def release(client: JudgeClient) -> None:
    """Close the client with its last user."""
    client.owners -= 1
    if client.owners <= 0:
        clients = _clients.get(asyncio.get_running_loop(), {})
        for key in [key for key, one in clients.items() if one is client]:
            del clients[key]
        await client.aclose()
