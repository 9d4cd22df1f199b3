"""Remote(url): a verifier behind HTTP, any language, `POST /verify`.

One pooled client, one POST a batch. Redirects are not followed, replies are bounded in size and time, and what comes back
is validated: a service that answers nonsense is `verifier_error`, never a number.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

import httpx
import stamina
from pydantic import BaseModel, TypeAdapter, ValidationError

from reward_api.gateway.replicas import Replica, Replicas
from reward_verifiers import json_schema
from reward_verifiers.contract import Description, Problem, VerifyReply, VerifyRequest, reply_faults
from reward_verifiers.json_schema import BadSchema
from reward_verifiers.service import tracing
from reward_verifiers.service.http_client import BROKEN, BrokenReply, HttpClient, Reply, UnreadableReply
from reward_verifiers.service.request_context import forwarded_headers
from reward_verifiers.service.strict_json import BadJSON
from reward_verifiers.suggestions import did_you_mean
from reward_verifiers.verifier import BadOptions, Overloaded, bounded

MAX_REPLY_BYTES = 64 << 20
DESCRIBE_S = 5.0
DEFAULT_DEADLINE_S = 60.0
# The verifier answers within its deadline; this is for the way there and back.
GRACE_S = 1.0

# Replicas that still think about what they are, after another has said it.
LATE_S = 1.0
MAX_ATTEMPTS = 3

_UNAVAILABLE = (httpx.codes.BAD_GATEWAY, httpx.codes.SERVICE_UNAVAILABLE, httpx.codes.GATEWAY_TIMEOUT)
_PROBLEM = TypeAdapter(Problem)
_M = TypeVar("_M", bound=BaseModel)


class BadReply(Exception):
    """The service answered, but not as the contract says."""


class OtherVerifier(BadReply):
    """The reply is of another verifier, or of another version, than the one that the domain was resolved with."""


class Unavailable(httpx.TransportError):
    """The service is there and cannot work now (502, 503, 504): it starts, or it stops."""


class Remote:
    """The Backend of a verifier service, which may have several replicas.

    `verify` raises httpx.TransportError when the service cannot be reached, TimeoutError when it does not answer in time,
    Overloaded, BadOptions, or BadReply.
    """

    def __init__(self, *urls: str, key: str = "", transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._key = key
        self._description: Description | None = None
        self.replicas = Replicas(
            urls, lambda url: HttpClient(url, key=self._key, max_bytes=MAX_REPLY_BYTES, transport=transport)
        )

    def authorize(self, key: str) -> None:
        """Send this key from now on."""
        self._key = key
        for replica in self.replicas.all():
            replica.client.authorize(key)

    async def describe(self) -> Description:
        """What most of the replicas say that they are. Waits little for those that hang when another has answered."""
        await self.replicas.resolve()
        requests = [asyncio.create_task(self._describe(replica)) for replica in self.replicas.all()]
        try:
            _, late = await asyncio.wait(requests, timeout=DESCRIBE_S, return_when=asyncio.FIRST_COMPLETED)
            if late:
                await asyncio.wait(late, timeout=LATE_S)
        finally:
            for task in requests:
                task.cancel()
        outcomes: list[BaseException | None] = await asyncio.gather(*requests, return_exceptions=True)
        description = self.replicas.agree(self._description)
        if description is None:
            raise _first_error(outcomes)
        self._description = description
        return description

    async def _describe(self, replica: Replica) -> None:
        """Ask the replica what it is; one that does not answer is left out for a while."""
        replica.description = None
        try:
            reply = await replica.client.exchange("GET", "/", headers=forwarded_headers() | replica.headers)
            description = _read(reply, Description)
            if not description.score_range[0] <= description.score_range[1]:
                raise BadReply("score_range is upside down")
            replica.description = description
        except UnreadableReply as error:
            raise BadReply(str(error)) from None
        finally:
            if replica.description is None:
                replica.failed()
            else:
                replica.answered()

    async def check_options(self, options: dict[str, Any]) -> None:
        """By the JSON schema that the service publishes; the service itself checks again with every group."""
        schema = (self._description or await self.describe()).options_schema
        try:
            errors = [*_option_errors(schema, options)]
        except BadSchema as error:
            errors = [("", f"its options_schema cannot be followed: {error.reason}")]
        if errors:
            raise BadOptions(errors)

    async def ready(self) -> bool:
        """Whether a replica is ready."""
        requests = [asyncio.create_task(self._is_ready(replica)) for replica in self.replicas.all()]
        try:
            for answer in asyncio.as_completed(requests):
                if await answer:
                    return True
            return False
        finally:
            for task in requests:
                task.cancel()

    async def _is_ready(self, replica: Replica) -> bool:
        try:
            reply = await replica.client.exchange("GET", "/readyz", timeout_s=DESCRIBE_S, headers=replica.headers)
        except (OSError, TimeoutError, httpx.HTTPError, UnreadableReply):
            return False
        return reply.status == httpx.codes.OK

    async def verify(self, request: VerifyRequest) -> VerifyReply:
        body = request.model_dump_json(exclude_defaults=True).encode()
        async with asyncio.timeout((request.deadline_s or DEFAULT_DEADLINE_S) + GRACE_S):
            reply = await self._judged(body, len(request.completions))
        about = self._description
        if about is not None and reply.verifier != about.verifier:
            raise OtherVerifier(f"verifier is {reply.verifier!r}, and it describes itself as {about.verifier!r}")
        if len(reply.verdicts) != len(request.completions):
            raise BadReply(f"{len(reply.verdicts)} verdicts for {len(request.completions)} completions")
        return reply.model_copy(update={"verdicts": [bounded(verdict) for verdict in reply.verdicts]})

    async def aclose(self) -> None:
        await self.replicas.aclose()

    async def _judged(self, body: bytes, samples: int) -> VerifyReply:
        """From one replica, or else from another."""
        tried: list[Replica] = []
        attempts = max(2, min(len(self.replicas.all()), MAX_ATTEMPTS))
        async for attempt in stamina.retry_context(
            on=self._is_tried_again, attempts=attempts, wait_initial=0.05, wait_max=0.2
        ):
            with attempt:
                replica = self.replicas.choose(tried)
                tried.append(replica)
                reply = await self._ask(replica, body, samples)
                if self._is_another(reply) and self.replicas.has_another(tried):
                    replica.fits = False
                    raise Unavailable("another version than the other replicas")
                return reply
        raise AssertionError("the last attempt returns or raises")

    def _is_another(self, reply: VerifyReply) -> bool:
        about = self._description
        return about is not None and (reply.verifier, reply.version) != (about.verifier, about.version)

    def _is_tried_again(self, error: Exception) -> bool:
        """What was not begun is tried again; what may have been begun only where it does not matter to judge twice."""
        if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | Unavailable):
            return True
        has_others = len(self.replicas.all()) > 1
        if isinstance(error, Overloaded):
            return has_others
        is_broken = isinstance(error, BROKEN) or (has_others and isinstance(error, BrokenReply))
        return is_broken and self._description is not None and self._description.pure

    async def _ask(self, replica: Replica, body: bytes, samples: int) -> VerifyReply:
        with replica.working(samples), tracing.span("call", url=replica.url, samples=samples):
            try:
                reply = await replica.client.exchange(
                    "POST", "/verify", body, headers=forwarded_headers() | replica.headers
                )
                verdicts = _read(reply, VerifyReply)
            except UnreadableReply as error:
                raise BadReply(str(error)) from None
            except httpx.TransportError:
                replica.failed()
                raise
            replica.answered()
            return verdicts


def _option_errors(schema: dict[str, Any], options: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """(path, reason), without the values. Raises BadSchema."""
    names = schema.get("properties", {})
    for path, keyword in json_schema.broken(schema, options):
        if keyword == "additionalProperties" and not path:
            yield from ((name, f"unknown key{did_you_mean(name, names)}") for name in options if name not in names)
        else:
            yield path, f"breaks `{keyword}`"


def _first_error(outcomes: Sequence[BaseException | None]) -> BaseException:
    """Of replicas that all failed: a wrong reply says more than no reply."""
    errors = [TimeoutError() if isinstance(one, asyncio.CancelledError) else one for one in outcomes if one is not None]
    return next((error for error in errors if isinstance(error, BadReply)), errors[0])


def _read(reply: Reply, model: type[_M]) -> _M:
    """The reply's body. Raises what stands for its status, or BadReply."""
    if reply.status == httpx.codes.TOO_MANY_REQUESTS:
        seconds = reply.retry_after_s()
        raise Overloaded(1.0 if seconds is None else seconds)
    if reply.status in _UNAVAILABLE:
        raise Unavailable(f"HTTP {reply.status}")
    if reply.status == httpx.codes.UNPROCESSABLE_ENTITY:
        raise _refused(reply)
    if reply.status != httpx.codes.OK:
        raise BadReply(f"HTTP {reply.status}")
    content_type = reply.headers.get("content-type", "application/json").partition(";")[0].strip().lower()
    if content_type != "application/json" and not content_type.endswith("+json"):
        raise BadReply("content-type is not application/json")
    try:
        document = reply.json()
        return model.model_validate(document)
    except BadJSON:
        raise BadReply("the body is no JSON") from None
    except ValidationError as error:
        raise BadReply(f"it is not a {model.__name__}: {reply_faults(error, model, document)}") from None


def _refused(reply: Reply) -> Exception:
    try:
        problem = _PROBLEM.validate_python(reply.json())
    except (BadJSON, ValidationError):
        return BadReply("HTTP 422")
    return BadOptions([(error.path, error.reason) for error in problem.errors] or [("", problem.detail)])
