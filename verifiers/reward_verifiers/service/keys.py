"""Bearer keys: who may score, and who may also change domains."""

from __future__ import annotations

import hashlib
import hmac

from fastapi import Request
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from reward_verifiers.service.problems import HTTPProblem

PUBLIC_PATHS = frozenset({"/healthz", "/readyz", "/docs", "/openapi.json"})
"""What needs no key: health, and what the documentation shows of every gateway alike."""
PUBLIC_FOLDER = "/static-offline-docs/"


class Keys:
    """Bearer keys, compared as digests in constant time."""

    def __init__(self, score: frozenset[str], admin: frozenset[str]) -> None:
        self._score = [_digest(key) for key in score]
        self._admin = [_digest(key) for key in admin]

    @property
    def has_admin(self) -> bool:
        return bool(self._admin)

    def may_score(self, key: str | None) -> bool:
        """Without score keys anyone may: then only a loopback address is bound, unless the operator said otherwise."""
        return not self._score or self._among(key, self._score + self._admin)

    def may_administer(self, key: str | None) -> bool:
        return self._among(key, self._admin)

    @staticmethod
    def _among(key: str | None, digests: list[bytes]) -> bool:
        digest = _digest(key or "")
        matches = [hmac.compare_digest(digest, one) for one in digests]  # all of them, so that time tells nothing
        return key is not None and any(matches)


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest()


def bearer(headers: Headers) -> str | None:
    scheme, _, key = headers.get("authorization", "").partition(" ")
    return key.strip() if scheme.lower() == "bearer" else None


_UNAUTHORIZED = HTTPProblem(401, detail="Send `Authorization: Bearer KEY`.", headers={"www-authenticate": "Bearer"})


class BearerKeys:
    """Replies 401 when the key is missing, except on public paths."""

    def __init__(
        self, app: ASGIApp, keys: Keys, refusals: dict[str, int], also_public: frozenset[str] = frozenset()
    ) -> None:
        self._app = app
        self._refusals = refusals
        self._keys = keys
        self._public = PUBLIC_PATHS | also_public

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        guarded = scope["type"] == "http" and not self._is_public(scope["path"])
        if guarded and not self._keys.may_score(bearer(Headers(scope=scope))):
            self._refusals["key"] += 1
            await _UNAUTHORIZED.response()(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _is_public(self, path: str) -> bool:
        return path in self._public or (path.startswith(PUBLIC_FOLDER) and ".." not in path)


async def require_admin(request: Request) -> None:
    """A route's dependency. Raises HTTPProblem unless the request has an admin key."""
    keys: Keys = request.app.state.keys
    if not keys.has_admin:
        raise HTTPProblem(403, detail="No admin key is configured; set TOUCHSTONE_ADMIN_KEYS to permit changes.")
    key = bearer(request.headers)
    if key is None:
        raise _UNAUTHORIZED
    if not keys.may_administer(key):
        raise HTTPProblem(403, detail="This needs an admin key.")
