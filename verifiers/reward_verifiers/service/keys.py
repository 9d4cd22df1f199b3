"""Bearer keys: who may score, and who may also change domains."""

from __future__ import annotations

import hashlib
import hmac
import time
from urllib.parse import quote

from fastapi import Request
from fastapi.responses import RedirectResponse, Response
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from reward_verifiers.service.problems import HTTPProblem

PUBLIC_PATHS = frozenset({"/healthz", "/readyz", "/docs", "/openapi.json"})
"""What needs no key: health, and what the documentation shows of every gateway alike."""
PUBLIC_FOLDER = "/static-offline-docs/"
PAGE = "/ui"
"""The page for people: a browser has no bearer key, so a session does instead, and its files and form need none."""
LOGIN = f"{PAGE}/login"
PUBLIC_PAGES = (LOGIN, f"{PAGE}/static/")
SESSION = "touchstone_session"
"""The cookie of a session."""
SESSION_S = 12 * 3600


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

    @property
    def are_set(self) -> bool:
        return bool(self._score)

    def session(self, key: str) -> str | None:
        """The cookie of who has this key; None for a key that may not score. It holds neither the key nor its digest, any
        gateway with the same keys takes it, and it ends with the key.
        """
        if not self.may_score(key):
            return None
        end = str(int(time.time()) + SESSION_S)
        return f"{end}.{_signature(_digest(key), end)}"

    def is_session(self, cookie: str) -> bool:
        end, _, signature = cookie.partition(".")
        signatures = [_signature(digest, end) for digest in self._score + self._admin]
        matches = [hmac.compare_digest(signature.encode(), one.encode()) for one in signatures]
        return any(matches) and end.isascii() and end.isdigit() and int(end) > time.time()

    @staticmethod
    def _among(key: str | None, digests: list[bytes]) -> bool:
        digest = _digest(key or "")
        matches = [hmac.compare_digest(digest, one) for one in digests]  # all of them, so that time tells nothing
        return key is not None and any(matches)


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest()


def _signature(digest: bytes, end: str) -> str:
    return hmac.new(digest, f"session until {end}".encode(), hashlib.sha256).hexdigest()


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
        if guarded and not self._may_pass(scope):
            self._refusals["key"] += 1
            if _is_page(scope["path"]) and scope["method"] == "GET":
                await _to_login(scope)(scope, receive, send)
                return
            await _UNAUTHORIZED.response()(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _may_pass(self, scope: Scope) -> bool:
        headers = Headers(scope=scope)
        if self._keys.may_score(bearer(headers)):
            return True
        # A cookie opens the page alone: what scores and changes domains needs the key itself.
        return _is_page(scope["path"]) and self._keys.is_session(cookie_of(headers))

    def _is_public(self, path: str) -> bool:
        return path in self._public or (path.startswith((PUBLIC_FOLDER, *PUBLIC_PAGES)) and ".." not in path)


def _is_page(path: str) -> bool:
    return path == PAGE or path.startswith(f"{PAGE}/")


def _to_login(scope: Scope) -> Response:
    """Back to where it came from afterwards; htmx goes there itself."""
    path = scope["path"] + ("?" + scope["query_string"].decode("latin-1") if scope["query_string"] else "")
    login = f"{LOGIN}?next={quote(path)}"
    if Headers(scope=scope).get("hx-request"):
        return Response(status_code=401, headers={"hx-redirect": LOGIN})
    return RedirectResponse(login, 303)


def cookie_of(headers: Headers) -> str:
    """The session's cookie; empty when there is none."""
    pairs = (part.strip().partition("=") for part in headers.get("cookie", "").split(";"))
    return next((value for name, _, value in pairs if name == SESSION), "")


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
