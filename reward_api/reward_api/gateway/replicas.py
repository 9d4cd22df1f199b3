"""Where the replicas of a verifier service are, and which of them gets a request.

    urls ──▶ a name with several addresses is as many replicas ──▶ of two at random, the one with fewer samples at work

A replica that fails is left out for a while, twice as long each time; then one request probes it.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field

import httpx

from reward_verifiers.contract import Description
from reward_verifiers.service.http_client import HttpClient

EJECTED_S = 1.0
EJECTED_AT_MOST_S = 30.0


@dataclass(eq=False, slots=True)
class Replica:
    """One process that answers for the verifier. `host`: what its requests name, where the address is another."""

    url: str
    host: str
    client: HttpClient
    samples: int = 0
    description: Description | None = None
    fits: bool = True
    """Whether it is the verifier, and the version, that the other replicas are."""
    _failures: int = 0
    _ejected_until: float = 0.0
    _is_probed: bool = False

    @property
    def headers(self) -> dict[str, str]:
        return {"host": self.host} if self.host else {}

    def is_usable(self, now: float) -> bool:
        return self.fits and not self._is_probed and now >= self._ejected_until

    @contextlib.contextmanager
    def working(self, samples: int) -> Iterator[None]:
        """Counts the samples at work. The first request after an ejection is the only one until it ends."""
        self.samples += samples
        is_probe = self._failures > 0
        self._is_probed = self._is_probed or is_probe
        try:
            yield
        finally:
            self.samples -= samples
            if is_probe:
                self._is_probed = False

    def answered(self) -> None:
        self._failures, self._ejected_until = 0, 0.0

    def failed(self) -> None:
        pause = min(EJECTED_S * 2**self._failures, EJECTED_AT_MOST_S)
        self._failures = min(self._failures + 1, 10)
        self._ejected_until = asyncio.get_running_loop().time() + pause


@dataclass(slots=True)
class Replicas:
    """The replicas at some URLs, as their names resolve now."""

    urls: Sequence[str]
    client_for: Callable[[str], HttpClient]
    _by_url: dict[str, Replica] = field(default_factory=dict)
    _gone: list[Replica] = field(default_factory=list)
    _places: dict[str, dict[str, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._places = {url: {url: ""} for url in self.urls}
        self._set(dict.fromkeys(self.urls, ""))

    def all(self) -> list[Replica]:
        return [*self._by_url.values()]

    async def resolve(self) -> None:
        """Look the names up again. Where that fails, the replicas stay as they are."""
        for url, places in zip(self.urls, await asyncio.gather(*map(_addresses, self.urls)), strict=True):
            self._places[url] = places or self._places[url]
        self._set({place: host for places in self._places.values() for place, host in places.items()})
        for replica in [gone for gone in self._gone if not gone.samples]:
            self._gone.remove(replica)
            await replica.client.aclose()

    def _set(self, places: dict[str, str]) -> None:
        for url in self._by_url.keys() - places.keys():
            self._gone.append(self._by_url.pop(url))
        for url, host in places.items():
            if url not in self._by_url:
                self._by_url[url] = Replica(url, host, self.client_for(url))

    def choose(self, tried: Collection[Replica] = ()) -> Replica:
        """The replica for the next request: one that was not tried yet, where there is one."""
        now = asyncio.get_running_loop().time()
        replicas = self.all()
        fresh = [one for one in replicas if one not in tried]
        usable = [one for one in fresh if one.is_usable(now)]
        # Where all are left out, a request is as good a probe as any; who is another version is never asked.
        candidates = usable or [one for one in fresh or replicas if one.fits] or fresh or replicas
        pair = random.sample(candidates, min(2, len(candidates)))  # which one is no secret
        return min(pair, key=lambda one: one.samples)

    def has_another(self, tried: Collection[Replica]) -> bool:
        """Whether there is one that was not tried and may be asked."""
        return any(one.fits and one not in tried for one in self.all())

    def agree(self, before: Description | None) -> Description | None:
        """What most replicas say they are, the former where two are as many; the others are left out until they agree."""
        described = [(one, one.description) for one in self.all() if one.description is not None]
        if not described:
            return None
        votes = Counter((about.verifier, about.version) for _, about in described)
        was = before and (before.verifier, before.version)
        winner = max(votes, key=lambda identity: (votes[identity], identity == was))
        for one, about in described:
            one.fits = (about.verifier, about.version) == winner
        fitting = [about for one, about in described if one.fits]
        return before if before in fitting else fitting[0]

    async def aclose(self) -> None:
        for replica in [*self.all(), *self._gone]:
            await replica.client.aclose()


async def _addresses(url: str) -> dict[str, str]:
    """URL of each address of the URL's name → the host that its requests name. One address: the URL as it is.

    Empty when the name cannot be looked up.
    """
    parsed = httpx.URL(url)
    if parsed.scheme != "http":  # a certificate is the name's
        return {url: ""}
    try:
        infos = await asyncio.get_running_loop().getaddrinfo(parsed.host, parsed.port or 80, type=socket.SOCK_STREAM)
    except OSError:
        return {}
    by_family: dict[int, set[str]] = {}
    for family, _, _, _, address in infos:
        by_family.setdefault(family, set()).add(str(address[0]))
    # One family alone, since both may lead to the same process.
    addresses = max(by_family.values(), key=len)
    if len(addresses) < 2:
        return {url: ""}
    return {str(parsed.copy_with(host=address)).rstrip("/"): parsed.netloc.decode() for address in sorted(addresses)}
