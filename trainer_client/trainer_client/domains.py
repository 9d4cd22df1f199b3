"""What the client must know of a domain: its components, and whether one of them needs the siblings of a sample.

Such a group is sent when it is whole. Its samples could wait for each other at the gateway instead, but generation may take
longer than their deadline, and waiting requests would hold the connections that the last siblings need.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field

import httpx

from trainer_client.errors import BadGroup
from trainer_client.retry import passes, pause, retry_after
from trainer_client.wire import told

ANSWER_S = 10.0


@dataclass(frozen=True)
class Domain:
    """A domain as the gateway serves it.

    version: digest of it and its verifiers. components: weight by name, in its order. needs_siblings: one of them looks at
    the whole group.
    """

    version: str
    needs_siblings: bool
    components: Mapping[str, float] = field(default_factory=dict)


class Domains:
    """Asked of the gateway once a domain, and again when a reply shows another version."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http
        self._asked: dict[str, asyncio.Task[Domain]] = {}

    async def needs_siblings(self, name: str, deadline: float) -> bool:
        """As `known` raises."""
        return (await self.known(name, deadline)).needs_siblings

    async def known(self, name: str, deadline: float) -> Domain:
        """Raises BadGroup when there is no such domain, TimeoutError when the gateway does not say before the deadline."""
        task = self._asked.get(name)
        if task is None or (task.done() and (task.cancelled() or task.exception())):
            task = self._asked[name] = asyncio.ensure_future(self._ask(name))
        # Not wait_for: it may swallow a cancellation before Python 3.12.
        done, _ = await asyncio.wait({task}, timeout=deadline - asyncio.get_running_loop().time())
        if not done:
            raise TimeoutError
        return task.result()

    def seen(self, name: str, version: str | None) -> None:
        """A reply of this version has come: what is known of another is forgotten."""
        task = self._asked.get(name)
        is_known = task is not None and task.done() and not task.cancelled() and not task.exception()
        if version and task and is_known and task.result().version != version:
            del self._asked[name]

    async def _ask(self, name: str) -> Domain:
        for number in itertools.count():
            wait = None
            try:
                reply = await self._http.get(f"/domains/{name}", timeout=ANSWER_S)
            except httpx.RequestError:
                pass  # it is asked again
            else:
                if reply.status_code == httpx.codes.OK:
                    return _read(reply)
                if not passes(reply.status_code):
                    raise BadGroup(told(reply.status_code, reply.content), reply.status_code)
                wait = retry_after(reply.headers)
            await asyncio.sleep(pause(number, wait))
        raise AssertionError("count never ends")


def _read(reply: httpx.Response) -> Domain:
    """A component that does not say is taken to need them: a group that is sent whole is right in either case."""
    try:
        about = reply.json()
        parts = about["components"]
        weights = {str(part["name"]): float(part.get("weight", 1.0)) for part in parts}
        return Domain(str(about["version"]), any(part.get("whole_group") is not False for part in parts), weights)
    except (ValueError, KeyError, TypeError, AttributeError):
        return Domain("", True)
