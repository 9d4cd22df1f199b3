"""Which backend serves which verifier: here in workers, or behind a URL. One backend a endpoint, shared by all domains."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass

import httpx

from reward_api.domains.live import EndpointKey, keys_of
from reward_api.domains.spec import BadDomain, BoundComponent, ComponentSpec, Domain, DomainSpec, version_of
from reward_api.gateway.remote import BadReply, Remote
from reward_verifiers import registry
from reward_verifiers.contract import Description
from reward_verifiers.registry import BrokenVerifier, UnknownVerifier
from reward_verifiers.runtime.local import Local
from reward_verifiers.runtime.pool import WorkerPool
from reward_verifiers.service.single_flight import SingleFlight
from reward_verifiers.verifier import Backend, BadOptions, Overloaded

log = logging.getLogger(__name__)

LOCAL = "in-process"
LET_GO_S = 600.0
UNREACHABLE = (OSError, TimeoutError, httpx.HTTPError, BadReply, Overloaded)


@dataclass(frozen=True, slots=True)
class Status:
    """What a verifier said when it was last asked. `description` is the last that it gave, if it ever gave one."""

    description: Description | None = None
    reached: bool = False
    ready: bool = False
    fault: str = ""
    """How its answer breaks the contract, where it answered at all."""


async def _yes() -> bool:
    return True


class BackendResolver:
    """Finds and keeps the backends.

    A verifier's endpoint is the URL in the domain file, else the one in the operator's `verifier_urls`, else this process.
    """

    def __init__(self, pool: WorkerPool, verifier_urls: dict[str, str], service_key: str = "") -> None:
        self._pool = pool
        self._urls = verifier_urls
        self._key = service_key
        self._backends: dict[EndpointKey, Backend] = {}
        self._statuses: dict[EndpointKey, Status] = {}
        self._checks: SingleFlight[EndpointKey, bool] = SingleFlight()
        self._unused_since: dict[EndpointKey, float] = {}

    def endpoint(self, spec: DomainSpec, verifier: str) -> str:
        in_file = spec.verifiers.get(verifier)
        return (in_file and in_file.url) or self._urls.get(verifier) or LOCAL

    def backend(self, verifier: str, endpoint: str) -> Backend:
        """Raises UnknownVerifier or BrokenVerifier when it should live here and does not."""
        key = (verifier, endpoint)
        if key not in self._backends:
            if endpoint == LOCAL:
                self._backends[key] = registry.backend(verifier) or Local(verifier, self._pool)
            else:
                self._backends[key] = Remote(endpoint, self._key)
        return self._backends[key]

    def status(self, key: EndpointKey) -> Status:
        """How the verifier was when it was last checked."""
        return self._statuses.get(key, Status())

    async def is_ready(self, key: EndpointKey) -> bool:
        """Whether the verifier answers: one behind a URL as of its last check, one in this process now."""
        status = self.status(key)
        return status.ready if key[1] != LOCAL else status.reached and await self.backend(*key).ready()

    async def check(self, key: EndpointKey) -> bool:
        """Ask the verifier what it is and whether it is ready; whether its description is another than before.

        Callers at the same time share one question. One that is not reached keeps its last description.
        """
        return await self._checks.run(key, self._check(key))

    async def _check(self, key: EndpointKey) -> bool:
        before = self.status(key)
        after = await self._ask(key, before)
        if before.reached != after.reached and key in self._statuses:
            log.warning(
                "verifier reached again" if after.reached else "verifier not reached", extra={"verifier": key[0]}
            )
        self._statuses[key] = after
        return after.description != before.description

    async def _ask(self, key: EndpointKey, before: Status) -> Status:
        backend, is_remote = self.backend(*key), key[1] != LOCAL
        if isinstance(backend, Local) and before.description is not None:
            return before  # its code does not change while this process lives
        try:
            # What lives here may load models when asked for its readiness, which is for those who need it.
            description, ready = await asyncio.gather(backend.describe(), backend.ready() if is_remote else _yes())
        except UNREACHABLE as error:
            return Status(before.description, fault=str(error) if isinstance(error, BadReply) else "")
        return Status(description, True, ready)

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
        components = tuple(component for component in bound if isinstance(component, BoundComponent))
        endpoints = {component.spec.verifier: component.endpoint for component in components}
        descriptions = {component.spec.verifier: component.description for component in components}
        return Domain(name, spec, components, version_of(spec, endpoints, descriptions))

    async def _bind(self, position: int, component: ComponentSpec, spec: DomainSpec, demand: bool) -> BoundComponent:
        here = f"components[{position}]"
        endpoint = self.endpoint(spec, component.verifier)
        try:
            backend = self.backend(component.verifier, endpoint)
        except (UnknownVerifier, BrokenVerifier) as error:
            raise BadDomain([(f"{here}.verifier", str(error))]) from None
        key = (component.verifier, endpoint)
        if demand or key not in self._statuses:
            await self.check(key)
        description = self.status(key).description
        if demand and not self.status(key).reached:
            fault = self.status(key).fault
            reason = (
                f"what answers there breaks the contract: {fault}" if fault else "no verifier service answers there"
            )
            raise BadDomain([(f"verifiers.{component.verifier}.url", reason)])
        if description is None:
            return BoundComponent(component, backend, endpoint, None)
        if description.verifier != component.verifier and ":" not in component.verifier:
            reason = f"the service there is {description.verifier!r}, not {component.verifier!r}"
            raise BadDomain([(f"verifiers.{component.verifier}.url", reason)])
        try:
            await backend.check_options(component.options)
        except BadOptions as error:
            errors = [(f"{here}.options.{path}".rstrip("."), reason) for path, reason in error.errors]
            raise BadDomain(errors) from None
        except UNREACHABLE:
            description = None
        return BoundComponent(component, backend, endpoint, description)

    async def let_go(self, domains: list[Domain]) -> None:
        """Close the backends that no domain has used for a while: groups in flight may use one a little longer."""
        now = asyncio.get_running_loop().time()
        used = {key for domain in domains for key in keys_of(domain)}
        for key in self._backends.keys() - used:
            if now - self._unused_since.setdefault(key, now) > LET_GO_S:
                del self._unused_since[key]
                self._statuses.pop(key, None)
                await self._backends.pop(key).aclose()
        for key in used:
            self._unused_since.pop(key, None)

    async def aclose(self) -> None:
        for backend in self._backends.values():
            await backend.aclose()
        self._backends.clear()
