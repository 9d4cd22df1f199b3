"""Tools that a policy may call, and who runs them.

Tools            schemas, call(session, name, arguments) -> ToolReply
  ├─ ToolService a service: GET /tools, POST /call
  ├─ Calculator  exact arithmetic, in this process
  └─ Search      the passages nearest to a query, in this process

A call has one of three outcomes. `refused` is the policy's doing: it reads the reason, and goes on. `failed` is ours: the
episode gets no verdict.
"""

from __future__ import annotations

import json
import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, get_args

import httpx

from grpo_trainer.rollout.engine import Outcome
from trainer_client.retry import may_pass, pause, retry_after

MAX_REPLY_BYTES = 4 << 20
_MOST_SESSIONS = 100_000
"""That are remembered; older ones are over."""


@dataclass(frozen=True)
class ToolReply:
    """output: what the policy reads, or why the call failed."""

    outcome: Outcome
    output: str


class Tools(Protocol):
    """Called by many threads at a time. Never raises for a call: that is a ToolReply.

    schemas: one a tool, as in OpenAI's API: {"type": "function", "function": {"name", "description", "parameters"}}.
    """

    schemas: Sequence[Mapping[str, Any]]

    def call(self, session: str, name: str, arguments: Mapping[str, Any]) -> ToolReply:
        """session: the episode's name; what a tool keeps, e.g. a Python session's variables, it keeps by that."""


class ToolService:
    """A tools service over HTTP. Calls end after `timeout_s`: what has no reply by then is `failed`. So is a call in a
    session that the service has forgotten: it has been started anew, and the calls before are in no trace.

    Raises ValueError when the service does not answer, or names no tool.
    """

    def __init__(
        self,
        url: str,
        *,
        key: str | None = None,
        timeout_s: float = 30.0,
        connections: int = 64,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._timeout_s = timeout_s
        self._http = httpx.Client(
            base_url=url,
            headers={"authorization": f"Bearer {key}"} if key else {},
            timeout=timeout_s,
            limits=httpx.Limits(max_connections=connections),
            transport=transport,
            trust_env=False,
        )
        self._begun: OrderedDict[str, None] = OrderedDict()
        self.schemas = self._listed(url)

    def _listed(self, url: str) -> Sequence[Mapping[str, Any]]:
        try:
            reply = self._http.get("/tools")
            reply.raise_for_status()
            document = reply.json()
            tools = document["tools"] if isinstance(document, dict) else document
            names = [tool["function"]["name"] for tool in tools]
        except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
            raise ValueError(f"tools.url: {url} does not list its tools ({type(error).__name__})") from None
        if not names:
            raise ValueError(f"tools.url: {url} has no tools")
        return list(tools)

    def call(self, session: str, name: str, arguments: Mapping[str, Any]) -> ToolReply:
        # The arguments go as text: what is no JSON, NaN say, is the policy's mistake, and must not spoil the request.
        document = {"session": session, "name": name, "arguments": json.dumps(arguments)}
        body = json.dumps({**document, "begin": False} if session in self._begun else document)
        give_up = time.monotonic() + self._timeout_s
        tries = 0
        while True:
            reply = self._posted(body)
            if isinstance(reply, ToolReply):
                self._note(session)
                return reply
            # Only an answer that says that the call was not run: to run one twice may change what it does.
            wait_s = pause(tries, retry_after(reply.headers))
            if not _not_run(reply.status_code) or time.monotonic() + wait_s > give_up:
                return ToolReply("failed", f"the tools service answered {reply.status_code}")
            time.sleep(wait_s)
            tries += 1

    def _note(self, session: str) -> None:
        self._begun[session] = None
        if len(self._begun) > _MOST_SESSIONS:
            self._begun.popitem(last=False)

    def _posted(self, body: str) -> ToolReply | httpx.Response:
        """The reply to a call; the response where it is none."""
        try:
            response = self._http.post("/call", content=body, headers={"content-type": "application/json"})
        except httpx.TimeoutException:
            return ToolReply("failed", f"the tools service did not answer within {self._timeout_s:g} s")
        except httpx.HTTPError as error:
            return ToolReply("failed", f"the tools service cannot be reached ({type(error).__name__})")
        return _read(response.content) if response.status_code == httpx.codes.OK else response

    def close(self) -> None:
        self._http.close()


def _not_run(status: int) -> bool:
    return may_pass(status) and status in (httpx.codes.TOO_MANY_REQUESTS, httpx.codes.SERVICE_UNAVAILABLE)


def _read(content: bytes) -> ToolReply:
    if len(content) > MAX_REPLY_BYTES:
        return ToolReply("failed", f"the tools service answered with {len(content)} bytes")
    try:
        document = json.loads(content)
        outcome, output = document["outcome"], document["output"]
    except (ValueError, KeyError, TypeError, RecursionError):
        outcome, output = None, None
    if outcome not in get_args(Outcome) or not isinstance(output, str):
        return ToolReply("failed", "the tools service answered outside the contract")
    return ToolReply(outcome, output)


def schema(name: str, description: str, argument: str, meaning: str) -> Mapping[str, Any]:
    """Of a tool with one argument, a text."""
    parameters = {
        "type": "object",
        "properties": {argument: {"type": "string", "description": meaning}},
        "required": [argument],
    }
    return {"type": "function", "function": {"name": name, "description": description, "parameters": parameters}}
