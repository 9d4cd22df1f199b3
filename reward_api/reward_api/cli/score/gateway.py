"""The gateway that scores: one at a URL, or one in this process; and whether it can score at all."""

from __future__ import annotations

import difflib
import tempfile
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import httpx

from reward_api.settings import GatewaySettings
from reward_verifiers.service.loopback import is_loopback

CONNECTIONS = 16
ANSWER_S = 10.0
PAUSE_S = 0.5


class BadSetup(ValueError):
    """Nothing can be scored; the message says why and what to do."""


def checked_url(url: str) -> str:
    """The gateway's root. Raises BadSetup."""
    parsed = httpx.URL(url) if "://" in url else None
    if parsed is None or parsed.scheme not in ("http", "https"):
        raise BadSetup(f"--url {url}: begin it with http:// or https://")
    if "/score" in parsed.path:
        root = url[: url.rindex("/score")]
        raise BadSetup(f"--url {url}: give the gateway's root, {root}")
    return url.rstrip("/")


def demand_domain(name: str | None, served: Iterable[str]) -> None:
    """Raises BadSetup when there is no domain of this name."""
    names = sorted(served)
    if name is not None and name not in names:
        raise BadSetup(f"unknown domain {name!r}{suggestion(name, names)}")


def suggestion(name: str, names: list[str]) -> str:
    close = difflib.get_close_matches(name, names, n=1)
    return f"; did you mean {close[0]!r}?" if close else f"; there are: {', '.join(names)}"


@asynccontextmanager
async def client_for(
    url: str | None, settings: GatewaySettings, key: str, domain: str | None
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the gateway at `url`, or of one in this process that serves `domain`, or all without it."""
    headers = {"authorization": f"Bearer {key}"} if key else {}
    timeout = httpx.Timeout(settings.max_deadline_s, connect=ANSWER_S)
    if url is not None:
        limits = httpx.Limits(max_connections=CONNECTIONS)
        # Loopback is never reached by a proxy, whatever the environment says.
        trust_env = not is_loopback(httpx.URL(url).host)
        async with httpx.AsyncClient(
            base_url=url, headers=headers, timeout=timeout, limits=limits, trust_env=trust_env
        ) as client:
            yield client
        return
    from reward_api.app import create_app
    from reward_api.gateway.gateway import Gateway

    with _only(settings, domain) as chosen:
        gateway = Gateway(chosen)
        transport = httpx.ASGITransport(create_app(gateway))
        own = next(iter(settings.scorers | settings.admins), "")
        headers = {"authorization": f"Bearer {own}"} if own else {}
        async with (
            gateway.running(),
            httpx.AsyncClient(
                base_url="http://in-process", headers=headers, timeout=timeout, transport=transport
            ) as client,
        ):
            yield client


@contextmanager
def _only(settings: GatewaySettings, domain: str | None) -> Iterator[GatewaySettings]:
    """Settings with a folder of this domain alone: the models of the others would take most of the start."""
    if domain is None:
        yield settings
        return
    from reward_api.domains.live import files

    by_name = {path.stem: path for path in files(settings.domains)}
    demand_domain(domain, by_name)
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / by_name[domain].name).symlink_to(by_name[domain].resolve())
        yield settings.model_copy(update={"domains": Path(folder)})


@dataclass(frozen=True)
class ServedDomain:
    """version: None while the gateway does not know it yet, because a verifier has not answered.

    needs_group: its verdicts depend on the siblings, as far as it is known.
    """

    name: str
    version: str | None
    needs_group: bool = True


async def served_domains(client: httpx.AsyncClient, wait_s: float, say: Any) -> dict[str, ServedDomain]:
    """The enabled domains by name. Waits for a gateway that starts. Raises BadSetup."""
    reply = await _first_reply(client, wait_s, say)
    if reply.status_code in (401, 403):
        raise BadSetup(f"{client.base_url} answers {reply.status_code}: give its key by --key or TOUCHSTONE_KEY")
    try:
        entries = reply.raise_for_status().json()["domains"]
        return {entry["name"]: _served(entry) for entry in entries if entry["enabled"]}
    except (httpx.HTTPStatusError, ValueError, KeyError, TypeError):
        raise BadSetup(f"no Touchstone gateway answers at {client.base_url} (HTTP {reply.status_code})") from None


async def versions_here(settings: GatewaySettings, names: Iterable[str]) -> dict[str, str] | None:
    """The versions that a gateway in this process would serve, without its workers; None when one cannot be resolved."""
    from reward_api.domains.live import files
    from reward_api.domains.spec import BadDomain, read
    from reward_api.gateway.backends import BackendResolver
    from reward_verifiers.runtime.local import pool_for

    backends = BackendResolver(pool_for([], size=1), settings.verifier_urls, settings.service_key)
    by_name = {path.stem: path for path in files(settings.domains)}
    try:
        return {name: (await backends.resolve(name, read(by_name[name]), demand=True)).version for name in names}
    except (BadDomain, KeyError):
        return None
    finally:
        await backends.aclose()


def _served(entry: dict[str, Any]) -> ServedDomain:
    is_complete = all(component["version"] for component in entry["components"])
    needs_group = any(component.get("whole_group") is not False for component in entry["components"])
    return ServedDomain(entry["name"], entry["version"] if is_complete else None, needs_group)


async def _first_reply(client: httpx.AsyncClient, wait_s: float, say: Any) -> httpx.Response:
    give_up = time.monotonic() + wait_s
    is_announced = False
    while True:
        try:
            return await client.get("/domains", timeout=ANSWER_S)
        except httpx.TransportError as error:
            if time.monotonic() > give_up:
                raise BadSetup(f"no gateway answers at {client.base_url} ({type(error).__name__})") from None
        if not is_announced:
            say(f"waiting up to {wait_s:g} s for a gateway at {client.base_url}")
            is_announced = True
        await anyio.sleep(PAUSE_S)
