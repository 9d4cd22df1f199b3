"""The remote backend: the jail of another instance of this service, by its POST /jail."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

import httpx
import stamina
from pydantic import ValidationError

from reward_sandbox.jail.host.jobs import NoReply, run_pair_there, run_there
from reward_sandbox.jail.host.slots import TALK
from reward_sandbox.jail.host.wire import Done, Job
from reward_sandbox.jail.spec import TIERS, CannotJail, Limits, Outcome, Run, Tier
from reward_verifiers.service.http_client import HttpClient, UnreadableReply

READY_S = 30.0
# A reply holds what two programs wrote, in base64.
MAX_REPLY_BYTES = 256 << 20
_UNREACHABLE = (OSError, TimeoutError, httpx.HTTPError, UnreadableReply)


class _Busy(RuntimeError):
    """The other side has no room now."""


class _Refused(RuntimeError):
    """The other side answered with an error."""


class RemoteJail:
    """Runs programs where `url` is. key: its score key, where it wants one."""

    def __init__(
        self, url: str, *, key: str = "", at_least: Tier = "C", transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self.tier: Tier = "X"
        self._at_least = at_least
        self._client = HttpClient(url, key=key, max_bytes=MAX_REPLY_BYTES, transport=transport)

    async def start(self) -> None:
        try:
            reply = await self._client.exchange("GET", "/readyz", timeout_s=READY_S)
            tier = reply.json()["tier"]
        except (*_UNREACHABLE, ValueError, KeyError, TypeError) as error:
            raise CannotJail(f"no sandbox at {self._client.url}: {error or type(error).__name__}") from None
        if tier not in TIERS or TIERS.index(tier) > TIERS.index(self._at_least):
            raise CannotJail(
                f"the sandbox at {self._client.url} has isolation level {tier}, at least {self._at_least} is demanded"
            )
        self.tier = tier

    async def aclose(self) -> None:
        await self._client.aclose()

    @contextlib.asynccontextmanager
    async def submission(self, limits: Limits) -> AsyncIterator[RemoteJail]:
        yield self

    async def run(self, run: Run) -> Outcome:
        return await run_there(self, run)

    async def run_pair(
        self, first: Run, second: Run, *, as_standard: bool = False, bound: int = TALK
    ) -> tuple[Outcome, Outcome]:
        return await run_pair_there(self, first, second, as_standard=as_standard, bound=bound)

    async def ask(self, job: Job) -> Done:
        try:
            return await self._request(job)
        except (*_UNREACHABLE, _Busy, _Refused, ValidationError) as error:
            raise NoReply(f"the sandbox at {self._client.url}: {error or type(error).__name__}") from error

    @stamina.retry(on=(_Busy, httpx.ConnectError), attempts=6, wait_initial=0.2, wait_max=5.0, timeout=30.0)
    async def _request(self, job: Job) -> Done:
        body = job.model_dump_json().encode()
        reply = await self._client.exchange("POST", "/jail", body, timeout_s=job.longest_s + 60)
        if reply.status == httpx.codes.TOO_MANY_REQUESTS:
            raise _Busy("it is overloaded")
        if reply.status != httpx.codes.OK:
            raise _Refused(f"HTTP {reply.status}")
        return Done.model_validate_json(reply.content)
