"""The wire of a tools service: GET /tools, POST /sessions, POST /call, DELETE /sessions/{session}.

A call that may have been run is never sent again: it could do something else the second time. One that was turned away, or
never reached the service, is.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import httpx

from trainer_client.retry import pause, retry_after

Outcome = Literal["ok", "refused", "failed"]
"""Of a call: answered; turned down for what the policy asked for; or failed, for which the policy is not to blame."""
MAX_REPLY_BYTES = 4 << 20
FULL_S = 30.0
"""For which a request is sent again to a service that has no room."""
AWAY_S = 5.0
"""For which it is sent again to one that takes no connection."""
_NO_ROOM = (httpx.codes.TOO_MANY_REQUESTS, httpx.codes.SERVICE_UNAVAILABLE)
_END_S = 5.0
_CHUNK_BYTES = 64 << 10
_AS_JSON = {"content-type": "application/json"}


class ToolsAway(RuntimeError):
    """The tools service gives no answer. The episode has no reward then, whatever the rest of it comes to."""


@dataclass(frozen=True)
class ToolReply:
    """output: what the policy reads, or why the call failed."""

    outcome: Outcome
    output: str


class ToolsClient:
    """Any thread may use it; each method blocks, and raises ToolsAway.

    timeout_s: of one request. full_s: for which a request is sent again to a service that has no room.
    """

    def __init__(
        self,
        url: str,
        *,
        key: str | None = None,
        timeout_s: float = 300.0,
        full_s: float | None = None,
        connections: int = 64,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._full_s = full_s
        self._http = httpx.Client(
            base_url=url,
            headers={"authorization": f"Bearer {key}"} if key else {},
            timeout=httpx.Timeout(timeout_s, connect=min(timeout_s, AWAY_S)),
            limits=httpx.Limits(max_connections=connections),
            transport=transport,
            trust_env=False,
        )

    def tools(self) -> tuple[Sequence[Mapping[str, Any]], Mapping[str, str]]:
        """The schemas of the tools that are offered, as a chat request has them; those that are missing, and why."""
        document = self._answer("GET", "/tools")
        listed = document if isinstance(document, list) else _fields(document, "tools")[0]
        missing = document.get("missing", {}) if isinstance(document, dict) else {}
        try:
            [tool["function"]["name"] for tool in listed]
        except (KeyError, TypeError):
            raise ToolsAway("the tools service does not list its tools") from None
        return listed, missing

    def begin(self, session: str) -> None:
        self._answer("POST", "/sessions", {"session": session})

    def end(self, session: str) -> None:
        """One that cannot be ended so ends when it is idle."""
        with contextlib.suppress(httpx.HTTPError):
            self._http.delete(f"/sessions/{session}", timeout=_END_S)

    def call(self, session: str, name: str, arguments: Any, *, begin: bool) -> ToolReply:
        """arguments: as the model wrote them. They go as text, for the service to judge: what is no JSON is its mistake.

        begin: the session may be a new one. One that was begun before and is not known has lost the calls before this one.
        """
        body = {"session": session, "name": name, "arguments": json.dumps(arguments)}
        outcome, output = _fields(
            self._answer("POST", "/call", body if begin else {**body, "begin": False}), "outcome", "output"
        )
        if outcome not in get_args(Outcome) or not isinstance(output, str):
            raise ToolsAway("the tools service answered outside the contract")
        return ToolReply(outcome, output)

    def close(self) -> None:
        self._http.close()

    def _answer(self, method: str, path: str, document: Any = None) -> Any:
        content = None if document is None else json.dumps(document)
        begun, tries = time.monotonic(), 0
        while True:
            again_s, wait_s = AWAY_S, None
            try:
                with self._http.stream(method, path, content=content, headers=_AS_JSON if content else None) as reply:
                    received = _bounded(reply)  # of any status: a connection that is read to its end is used again
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                why = f"cannot be reached ({type(error).__name__})"
            except httpx.TimeoutException:
                raise ToolsAway("the tools service did not answer in time") from None
            except httpx.HTTPError as error:
                raise ToolsAway(f"the tools service broke off ({type(error).__name__})") from None
            else:
                if reply.status_code == httpx.codes.OK:
                    return _json(received)
                why, wait_s = f"answered {reply.status_code}", retry_after(reply.headers)
                again_s = self._full() if reply.status_code in _NO_ROOM else 0.0
            wait_s = pause(tries, wait_s)
            if time.monotonic() - begun + wait_s > again_s:
                raise ToolsAway(f"the tools service {why}")
            time.sleep(wait_s)
            tries += 1

    def _full(self) -> float:
        return FULL_S if self._full_s is None else self._full_s


def _bounded(reply: httpx.Response) -> bytes:
    """Raises ToolsAway at the first byte too many; a service that never stops is not read to its end."""
    content = bytearray()
    for chunk in reply.iter_bytes(_CHUNK_BYTES):
        content += chunk
        if len(content) > MAX_REPLY_BYTES:
            raise ToolsAway(f"the tools service answered with more than {MAX_REPLY_BYTES} bytes")
    return bytes(content)


def _json(content: bytes) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        raise ToolsAway("the tools service answered with what is no JSON") from None


def _fields(document: Any, *names: str) -> list[Any]:
    if not isinstance(document, dict) or not document.keys() >= set(names):
        raise ToolsAway("the tools service answered outside the contract")
    return [document[name] for name in names]
