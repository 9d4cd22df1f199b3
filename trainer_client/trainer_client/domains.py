"""What the client needs from a domain: its components, and whether one of them needs the siblings of a sample.

Such a group is sent when it is whole. Its samples could wait for each other at the gateway instead, but generation may take
longer than their deadline, and waiting requests would hold the connections that the last siblings need.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from trainer_client.errors import BadGroup
from trainer_client.retry import may_pass, pause, retry_after
from trainer_client.wire import problem_text

ANSWER_S = 10.0


@dataclass(frozen=True)
class Domain:
    """A domain as the gateway serves it.

    version: digest of it and its verifiers. components: weight by name, in its order. score_ranges: lowest and highest score
    by name. needs_siblings: one of them looks at the whole group.
    """

    version: str
    needs_siblings: bool
    components: Mapping[str, float] = field(default_factory=dict)
    score_ranges: Mapping[str, tuple[float, float]] = field(default_factory=dict)


class Domains:
    """Fetched from the gateway once a domain, and again after a reply of another version."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http
        self._fetches: dict[str, asyncio.Task[Domain]] = {}

    def peek(self, name: str) -> Domain | None:
        """The domain, where it is here already."""
        task = self._fetches.get(name)
        is_here = task is not None and task.done() and not task.cancelled() and not task.exception()
        return task.result() if task is not None and is_here else None

    async def get(self, name: str, deadline: float) -> Domain:
        """Raises BadGroup when there is no such domain, TimeoutError when the gateway does not answer by the deadline."""
        task = self._fetches.get(name)
        if task is None or (task.done() and (task.cancelled() or task.exception())):
            task = self._fetches[name] = asyncio.ensure_future(self._fetch(name))
        # Not wait_for: it may swallow a cancellation before Python 3.12.
        done, _ = await asyncio.wait({task}, timeout=deadline - asyncio.get_running_loop().time())
        if not done:
            raise TimeoutError
        return task.result()

    def note_version(self, name: str, version: str | None) -> None:
        """A reply has this version: a domain of another version is forgotten."""
        domain = self.peek(name)
        if version and domain and domain.version != version:
            del self._fetches[name]

    async def _fetch(self, name: str) -> Domain:
        for number in itertools.count():
            wait = None
            try:
                reply = await self._http.get(f"/domains/{name}", timeout=ANSWER_S)
            except httpx.RequestError:
                pass  # it is fetched again
            else:
                if reply.status_code == httpx.codes.OK:
                    return _read(reply)
                if not may_pass(reply.status_code):
                    raise BadGroup(problem_text(reply.status_code, reply.content), reply.status_code)
                wait = retry_after(reply.headers)
            await asyncio.sleep(pause(number, wait))
        raise AssertionError("count never ends")


def _read(reply: httpx.Response) -> Domain:
    """A component without `whole_group` counts as one that needs the siblings: a whole group is right in either case."""
    try:
        document = reply.json()
        parts = document["components"]
        weights = {str(part["name"]): float(part.get("weight", 1.0)) for part in parts}
        ranges = {str(part["name"]): _range(part) for part in parts}
        needs_siblings = any(part.get("whole_group") is not False for part in parts)
        return Domain(str(document["version"]), needs_siblings, weights, ranges)
    except (ValueError, KeyError, TypeError, AttributeError):
        return Domain("", True)


def _range(part: Mapping[str, Any]) -> tuple[float, float]:
    low, high = part.get("score_range") or (0.0, 1.0)
    return float(low), float(high)
