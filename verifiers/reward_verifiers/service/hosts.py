"""Which names a service answers to when it has no keys.

A web page whose name is made to point here (DNS rebinding) can send requests and read the replies. Its requests name its
own host, so a service that anybody may use answers only to names that no page can have.
"""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from reward_verifiers.service.keys import PUBLIC_PATHS
from reward_verifiers.service.loopback import is_loopback
from reward_verifiers.service.problems import HTTPProblem

ANY = "*"


class KnownHosts:
    """Replies 421 to a Host that is neither loopback, nor the address that was connected to, nor in `hosts`."""

    def __init__(self, app: ASGIApp, hosts: frozenset[str], refusals: dict[str, int]) -> None:
        self._app = app
        self._refusals = refusals
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] not in PUBLIC_PATHS and not self._answers_to(scope):
            self._refusals["host"] += 1
            detail = "Send a Host that this service answers to: TOUCHSTONE_HOSTS lists more than loopback, or set keys."
            await HTTPProblem(421, "Misdirected request", detail).response()(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _answers_to(self, scope: Scope) -> bool:
        names = Headers(scope=scope).getlist("host")
        if len(names) != 1:
            return False
        host = _without_port(names[0]).lower()
        return ANY in self._hosts or host in self._hosts or is_loopback(host) or host == (scope["server"] or ("",))[0]


def _without_port(host: str) -> str:
    """`[::1]:80` → `::1`, `name:80` → `name`."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]
