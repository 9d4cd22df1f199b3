"""Which backend serves which verifier: here in workers, or behind a URL. One backend a home, shared by all domains."""

from __future__ import annotations

import asyncio
import logging

import httpx

from reward_api.domains.spec import BadDomain, Component, ComponentSpec, Domain, DomainSpec, version_of
from reward_api.gateway.remote import BadReply, Remote
from reward_verifiers import registry
from reward_verifiers.contract import Description
from reward_verifiers.registry import BrokenVerifier, UnknownVerifier
from reward_verifiers.runtime.local import Local
from reward_verifiers.runtime.pool import WorkerPool
from reward_verifiers.verifier import Backend, BadOptions, Overloaded

log = logging.getLogger(__name__)

LOCAL = "in-process"
LET_GO_S = 600.0
UNREACHABLE = (OSError, TimeoutError, httpx.HTTPError, BadReply, Overloaded)


class BackendResolver:
    """Finds and keeps the backends.

    A verifier's home is the domain file's `verifiers.<name>.url`, else the operator's `verifier_urls`, else this process.
    """

    def __init__(self, pool: WorkerPool, verifier_urls: dict[str, str], service_key: str = "") -> None:
        self._pool = pool
        self._urls = verifier_urls
        self._key = service_key
        self._backends: dict[tuple[str, str], Backend] = {}
        self._described: dict[tuple[str, str], Description] = {}
        self._unused_since: dict[tuple[str, str], float] = {}
        self._down: set[tuple[str, str]] = set()

    def home(self, spec: DomainSpec, verifier: str) -> str:
        stated = spec.verifiers.get(verifier)
        return (stated and stated.url) or self._urls.get(verifier) or LOCAL

    def backend(self, verifier: str, home: str) -> Backend:
        """Raises UnknownVerifier or BrokenVerifier when it should live here and does not."""
        key = (verifier, home)
        if key not in self._backends:
            if home == LOCAL:
                self._backends[key] = registry.backend(verifier) or Local(verifier, self._pool)
            else:
                self._backends[key] = Remote(home, self._key)
        return self._backends[key]

    async def describe(self, verifier: str, home: str, *, fresh: bool = False) -> Description | None:
        """What it says of itself, or None when it cannot be reached. Remembered until asked `fresh`."""
        key = (verifier, home)
        if fresh or key not in self._described:
            try:
                self._described[key] = await self.backend(verifier, home).describe()
            except UNREACHABLE as error:
                if key not in self._down:
                    log.warning("verifier not reachable", extra={"verifier": verifier, "cause": type(error).__name__})
                self._down.add(key)
                return self._described.get(key)
            if key in self._down:
                log.info("verifier reachable again", extra={"verifier": verifier})
                self._down.discard(key)
        return self._described[key]

    async def resolve(self, name: str, spec: DomainSpec, *, demand: bool) -> Domain:
        """The domain, bound to its verifiers. Raises BadDomain naming what does not fit.

        A remote verifier that is down is an error only on `demand`; else the domain waits for it, not ready.
        """
        bound = await asyncio.gather(
            *(self._bind(position, component, spec, demand) for position, component in enumerate(spec.components)),
            return_exceptions=True,
        )
        for outcome in bound:
            if isinstance(outcome, BaseException) and not isinstance(outcome, BadDomain):
                raise outcome
        if errors := [error for outcome in bound if isinstance(outcome, BadDomain) for error in outcome.errors]:
            raise BadDomain(errors)
        components = tuple(component for component in bound if isinstance(component, Component))
        homes = {component.spec.verifier: component.home for component in components}
        described = {component.spec.verifier: component.description for component in components}
        return Domain(name, spec, components, version_of(spec, homes, described))

    async def _bind(self, position: int, component: ComponentSpec, spec: DomainSpec, demand: bool) -> Component:
        here = f"components[{position}]"
        home = self.home(spec, component.verifier)
        try:
            backend = self.backend(component.verifier, home)
        except (UnknownVerifier, BrokenVerifier) as error:
            raise BadDomain([(f"{here}.verifier", str(error))]) from None
        description = await self.describe(component.verifier, home, fresh=demand)
        if description is None:
            if demand:
                raise BadDomain([(f"verifiers.{component.verifier}.url", "no verifier service answers there")])
            return Component(component, backend, home, None)
        if description.verifier != component.verifier and ":" not in component.verifier:
            reason = f"the service there is {description.verifier!r}, not {component.verifier!r}"
            raise BadDomain([(f"verifiers.{component.verifier}.url", reason)])
        try:
            await backend.check_options(component.options)
        except BadOptions as error:
            found = [(f"{here}.options.{path}".rstrip("."), reason) for path, reason in error.errors]
            raise BadDomain(found) from None
        except UNREACHABLE:
            description = None
        return Component(component, backend, home, description)

    async def let_go(self, domains: list[Domain]) -> None:
        """Close the backends that no domain has used for a while: groups in flight may use one a little longer."""
        now = asyncio.get_running_loop().time()
        used = {(component.spec.verifier, component.home) for domain in domains for component in domain.components}
        for key in self._backends.keys() - used:
            if now - self._unused_since.setdefault(key, now) > LET_GO_S:
                del self._unused_since[key]
                self._described.pop(key, None)
                await self._backends.pop(key).aclose()
        for key in used:
            self._unused_since.pop(key, None)

    async def aclose(self) -> None:
        for backend in self._backends.values():
            await backend.aclose()
        self._backends.clear()
