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

from reward_verifiers.contract import Description, Problem, VerifyReply, VerifyRequest, validation_errors
from reward_verifiers.service.middleware import forwarded_headers
from reward_verifiers.service.strict_json import BadJSON, loads
from reward_verifiers.verifier import BadOptions, Overloaded, bounded

MAX_REPLY_BYTES = 64 << 20
CONNECT_S = 2.0
DESCRIBE_S = 5.0
DEFAULT_DEADLINE_S = 60.0
# The verifier answers within its deadline; this is for the way there and back.
GRACE_S = 1.0

# Before a byte of the reply came. A connection that was never made is tried again; one that broke only where the verifier
# is pure, so that it does not matter when it judges twice.
_BROKEN = (httpx.ConnectError, httpx.ReadError, httpx.WriteError, httpx.RemoteProtocolError)
_PROBLEM = TypeAdapter(Problem)
_M = TypeVar("_M", bound=BaseModel)


class BadReply(Exception):
    """The service answered, but not as the contract says."""


class BrokenReply(httpx.TransportError):
    """The connection broke in the middle of the reply."""


class Remote:
    """The Backend of a verifier service.

    `verify` raises httpx.TransportError when the service cannot be reached, TimeoutError when it does not answer in time,
    Overloaded, BadOptions, or BadReply.
    """

    def __init__(self, url: str, key: str = "", transport: httpx.AsyncBaseTransport | None = None) -> None:
        self.url = url
        self._description: Description | None = None
        self._client = httpx.AsyncClient(
            base_url=url,
            headers={"content-type": "application/json"},
            follow_redirects=False,
            trust_env=False,
            transport=transport,
            timeout=httpx.Timeout(None, connect=CONNECT_S),
            limits=httpx.Limits(max_connections=64, max_keepalive_connections=32),
        )

        self.authorize(key)

    def authorize(self, key: str) -> None:
        """Send this key from now on."""
        if key:
            self._client.headers["authorization"] = f"Bearer {key}"

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
            async with asyncio.timeout(DESCRIBE_S):
                reply = await self._client.get("/readyz")
        except (OSError, TimeoutError, httpx.HTTPError):
            return False
        return reply.status_code == httpx.codes.OK

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
        again = _BROKEN if self._description is not None and self._description.pure else httpx.ConnectError
        async for attempt in stamina.retry_context(on=again, attempts=2, wait_initial=0.05, wait_max=0.2):
            with attempt:
                status, headers, content = await self._exchange(method, path, body)
        if status == httpx.codes.TOO_MANY_REQUESTS:
            raise Overloaded(_seconds(headers.get("retry-after")))
        if status == httpx.codes.UNPROCESSABLE_ENTITY:
            raise _refused(content)
        if status != httpx.codes.OK:
            raise BadReply(f"HTTP {status}")
        try:
            return model.model_validate(loads(content))
        except (BadJSON, ValidationError) as error:
            where = validation_errors(error)[0][0] if isinstance(error, ValidationError) else "the body"
            raise BadReply(f"{where} does not fit a {model.__name__}") from None

    async def _exchange(self, method: str, path: str, body: bytes | None) -> tuple[int, httpx.Headers, bytes]:
        async with self._client.stream(method, path, content=body, headers=forwarded_headers()) as reply:
            content = bytearray()
            try:
                async for chunk in reply.aiter_bytes():
                    content += chunk
                    if len(content) > MAX_REPLY_BYTES:
                        raise BadReply(f"more than {MAX_REPLY_BYTES} bytes")
            except _BROKEN as error:
                raise BrokenReply(str(error)) from None
            return reply.status_code, reply.headers, bytes(content)


def _seconds(retry_after: str | None) -> float:
    try:
        return max(float(retry_after or 1.0), 0.0)
    except ValueError:
        return 1.0


def _refused(content: bytes) -> Exception:
    try:
        problem = _PROBLEM.validate_python(loads(content))
    except (BadJSON, ValidationError):
        return BadReply("HTTP 422")
    return BadOptions([(error.path, error.reason) for error in problem.errors] or [("", problem.detail)])
