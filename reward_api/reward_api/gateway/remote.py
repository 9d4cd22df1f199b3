"""Remote(url): a verifier behind HTTP, any language, `POST /verify`.

One pooled client, one POST a batch. Redirects are not followed, replies are bounded in size and time, and what comes back
is validated: a service that answers nonsense is `verifier_error`, never a number.
"""

from __future__ import annotations

import asyncio
from typing import Any, TypeVar

import httpx
import jsonschema
import stamina
from pydantic import BaseModel, TypeAdapter, ValidationError

from reward_verifiers.contract import Description, Problem, VerifyReply, VerifyRequest, reply_faults
from reward_verifiers.service.http_client import BROKEN, HttpClient, Reply, ReplyTooLarge
from reward_verifiers.service.middleware import forwarded_headers
from reward_verifiers.service.strict_json import BadJSON
from reward_verifiers.verifier import BadOptions, Overloaded, bounded

MAX_REPLY_BYTES = 64 << 20
DESCRIBE_S = 5.0
DEFAULT_DEADLINE_S = 60.0
# The verifier answers within its deadline; this is for the way there and back.
GRACE_S = 1.0

_PROBLEM = TypeAdapter(Problem)
_M = TypeVar("_M", bound=BaseModel)


class BadReply(Exception):
    """The service answered, but not as the contract says."""


class Remote:
    """The Backend of a verifier service.

    `verify` raises httpx.TransportError when the service cannot be reached, TimeoutError when it does not answer in time,
    Overloaded, BadOptions, or BadReply.
    """

    def __init__(self, url: str, key: str = "", transport: httpx.AsyncBaseTransport | None = None) -> None:
        self.url = url
        self._description: Description | None = None
        self._client = HttpClient(url, key=key, max_bytes=MAX_REPLY_BYTES, transport=transport)

    async def describe(self) -> Description:
        async with asyncio.timeout(DESCRIBE_S):
            self._description = await self._call("GET", "/", Description)
        return self._description

    async def check_options(self, options: dict[str, Any]) -> None:
        """By the JSON schema that the service publishes; the service itself checks again with every group."""
        schema = (self._description or await self.describe()).options_schema
        faults = jsonschema.validators.validator_for(schema)(schema).iter_errors(options)
        errors = [(error.json_path.removeprefix("$").lstrip("."), f"breaks `{error.validator}`") for error in faults]
        if errors:
            raise BadOptions(errors)

    async def ready(self) -> bool:
        try:
            reply = await self._client.exchange("GET", "/readyz", timeout_s=DESCRIBE_S)
        except (OSError, TimeoutError, httpx.HTTPError, ReplyTooLarge):
            return False
        return reply.status == httpx.codes.OK

    async def verify(self, request: VerifyRequest) -> VerifyReply:
        body = request.model_dump_json(exclude_defaults=True).encode()
        async with asyncio.timeout((request.deadline_s or DEFAULT_DEADLINE_S) + GRACE_S):
            reply = await self._call("POST", "/verify", VerifyReply, body)
        if len(reply.verdicts) != len(request.completions):
            raise BadReply(f"{len(reply.verdicts)} verdicts for {len(request.completions)} completions")
        return reply.model_copy(update={"verdicts": [bounded(verdict) for verdict in reply.verdicts]})

    async def aclose(self) -> None:
        await self._client.aclose()

    async def _call(self, method: str, path: str, model: type[_M], body: bytes | None = None) -> _M:
        # Before a byte of the reply came. A connection that was never made is tried again; one that broke only where the
        # verifier is pure, so that it does not matter when it judges twice.
        again = BROKEN if self._description is not None and self._description.pure else httpx.ConnectError
        try:
            async for attempt in stamina.retry_context(on=again, attempts=2, wait_initial=0.05, wait_max=0.2):
                with attempt:
                    reply = await self._client.exchange(method, path, body, headers=forwarded_headers())
        except ReplyTooLarge as error:
            raise BadReply(str(error)) from None
        if reply.status == httpx.codes.TOO_MANY_REQUESTS:
            seconds = reply.retry_after_s()
            raise Overloaded(1.0 if seconds is None else seconds)
        if reply.status == httpx.codes.UNPROCESSABLE_ENTITY:
            raise _refused(reply)
        if reply.status != httpx.codes.OK:
            raise BadReply(f"HTTP {reply.status}")
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
