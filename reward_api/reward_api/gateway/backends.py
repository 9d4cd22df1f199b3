"""Which backend serves which verifier: here in workers, or behind a URL. One backend a endpoint, shared by all domains."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace

import httpx

from reward_api.domains.live import EndpointKey, keys_of
from reward_api.domains.spec import (
    BadDomain,
    BoundComponent,
    ComponentSpec,
    Domain,
    DomainSpec,
    NotInstalled,
    version_of,
)
from reward_api.gateway.episodes import NO_TOOLS
from reward_api.gateway.remote import BadReply, Remote
from reward_api.settings import Urls, urls_of
from reward_verifiers import registry
from reward_verifiers.contract import Description
from reward_verifiers.registry import BrokenVerifier, MissingPackages, UnknownVerifier
from reward_verifiers.runtime.local import Local
from reward_verifiers.runtime.pool import WorkerPool
from reward_verifiers.service.single_flight import SingleFlight
from reward_verifiers.verifier import Backend, BadOptions, HasDetails, NeedsPackages, Overloaded

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
    why: str = ""
    """Why it was not reached."""
    is_answer: bool = False
    """Whether something answered, against the contract."""


async def _yes() -> bool:
    return True


class BackendResolver:
    """Finds and keeps the backends.

    A verifier's endpoint is the URL in the domain file, else the one in the operator's `verifier_urls`, else this process.

    service_key: sent to the endpoints that a file or a setting names, and to no other.
    put_hosts: what else a domain from the network may name.
    has_tools: whether there are tools, whose traces verifiers may read.
    """

    def __init__(
        self,
        pool: WorkerPool,
        verifier_urls: Mapping[str, Urls],
        service_key: str = "",
        put_hosts: frozenset[str] = frozenset(),
        *,
        has_tools: bool = False,
    ) -> None:
        self._has_tools = has_tools
        self._pool = pool
        self._urls = {verifier: urls_of(urls) for verifier, urls in verifier_urls.items()}
        self._key = service_key
        self._put_hosts = put_hosts
        self._trusted = {url for urls in self._urls.values() for url in urls}
        self._backends: dict[EndpointKey, Backend] = {}
        self._statuses: dict[EndpointKey, Status] = {}
        self._checks: SingleFlight[EndpointKey, bool] = SingleFlight()
        self._unused_since: dict[EndpointKey, float] = {}

    def endpoint(self, spec: DomainSpec, verifier: str) -> str:
        """Its URLs, with spaces between them, or `LOCAL`."""
        in_file = spec.verifiers.get(verifier)
        return " ".join((in_file and in_file.urls) or self._urls.get(verifier) or [LOCAL])

    def backend(self, verifier: str, endpoint: str) -> Backend:
        """Raises UnknownVerifier or BrokenVerifier when it should live here and does not."""
        key = (verifier, endpoint)
        if key not in self._backends:
            if endpoint == LOCAL:
                self._backends[key] = registry.backend(verifier) or Local(verifier, self._pool)
            else:
                urls = endpoint.split()
                self._backends[key] = Remote(*urls, key=self._key if self._trusted.issuperset(urls) else "")
        return self._backends[key]

    def trust(self, spec: DomainSpec) -> None:
        """The domain is the operator's: the service key may go to the endpoints that it names."""
        self._trusted |= {url for verifier in spec.verifiers.values() for url in verifier.urls}
        for (_, endpoint), backend in self._backends.items():
            if isinstance(backend, Remote) and self._trusted.issuperset(endpoint.split()):
                backend.authorize(self._key)

    def refuse_foreign(self, spec: DomainSpec) -> None:
        """Raises BadDomain for an endpoint that a domain from the network may not name."""
        for name, verifier in spec.verifiers.items():
            for url in map(httpx.URL, set(verifier.urls) - self._trusted):
                if not {url.host, url.netloc.decode()} & self._put_hosts:
                    reason = "a PUT may name only URLs of domain files and settings, and hosts in TOUCHSTONE_PUT_HOSTS"
                    raise BadDomain([(f"verifiers.{name}.url", reason)])

    def status(self, key: EndpointKey) -> Status:
        """How the verifier was when it was last checked."""
        return self._statuses.get(key, Status())

    async def is_ready(self, key: EndpointKey) -> bool:
        """Whether the verifier answers: one behind a URL as of its last check, one in this process now."""
        status = self.status(key)
        return status.ready if key[1] != LOCAL else status.reached and await self.backend(*key).ready()

    def why_not_ready(self, key: EndpointKey) -> str:
        """What keeps the verifier from answering, as it says itself."""
        status, backend = self.status(key), self.backend(*key)
        if not status.reached:
            return status.why or "not asked yet"
        details = backend.details() if isinstance(backend, HasDetails) else {}
        reasons = [why if name == "why" else f"{name}: {why}" for name, why in details.items()]
        return "; ".join(reasons) or "it answers that it is not ready"

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
            why = str(error) or ("no reply in time" if isinstance(error, TimeoutError) else type(error).__name__)
            return Status(before.description, why=why, is_answer=isinstance(error, BadReply))
        return Status(description, True, ready)

    async def resolve(self, name: str, spec: DomainSpec, *, demand: bool) -> Domain:
        """The domain, bound to its verifiers. Raises BadDomain naming what does not fit.

        A remote verifier that is down is an error only on `demand`; else the domain waits for it, not ready.
        """
        bound = await asyncio.gather(
            *(self._bind_all(position, component, spec, demand) for position, component in enumerate(spec.components)),
            self._bind_second(spec),
            return_exceptions=True,
        )
        for outcome in bound:
            if isinstance(outcome, BaseException) and not isinstance(outcome, BadDomain):
                raise outcome
        if bad := [outcome for outcome in bound if isinstance(outcome, BadDomain)]:
            kind = NotInstalled if all(isinstance(one, NotInstalled) for one in bad) else BadDomain
            raise kind([error for one in bad for error in one.errors])
        *components, second = [one for one in bound if not isinstance(one, BaseException)]
        rewarded = tuple(component for component in components if component is not None)
        parts = [part for component in rewarded for part in component.parts()]
        if second is not None and spec.monitor.on_hack != "flag":
            parts.append(second)
        endpoints = {part.spec.verifier: part.endpoint for part in parts}
        descriptions = {part.spec.verifier: part.description for part in parts}
        version = version_of(spec, endpoints, descriptions)
        served = spec.model_copy(update={"components": [component.spec for component in rewarded]})
        return Domain(name, spec, served, rewarded, version, second)

    async def _bind_second(self, spec: DomainSpec) -> BoundComponent | None:
        """The monitor's second verifier. One that is down waits, even on demand: no reward needs it before a hack."""
        second = spec.monitor.second
        if second is None:
            return None
        component = ComponentSpec(verifier=second.verifier, options=second.options, weight=0.0)
        bound = await self._bind("monitor.second", component, spec, demand=False)
        if bound.description is not None and bound.description.reads_traces:
            reason = f"{second.verifier} reads the traces of tools, and judges no completion again"
            raise BadDomain([("monitor.second.verifier", reason)])
        return bound

    async def _bind_all(
        self, position: int, component: ComponentSpec, spec: DomainSpec, demand: bool
    ) -> BoundComponent:
        """A component with its second opinion."""
        here = f"components[{position}]"
        bound = await self._bind(here, component, spec, demand)
        if component.undecided is None:
            return bound
        opinion = ComponentSpec(verifier=component.undecided.verifier, options=component.undecided.options)
        return replace(bound, undecided=await self._bind(f"{here}.undecided", opinion, spec, demand))

    async def _bind(self, here: str, component: ComponentSpec, spec: DomainSpec, demand: bool) -> BoundComponent:
        endpoint = self.endpoint(spec, component.verifier)
        try:
            backend = self.backend(component.verifier, endpoint)
        except (UnknownVerifier, BrokenVerifier) as error:
            kind = NotInstalled if isinstance(error, MissingPackages) else BadDomain
            raise kind([(f"{here}.verifier", str(error))]) from None
        key = (component.verifier, endpoint)
        if demand or key not in self._statuses:
            await self.check(key)
        description = self.status(key).description
        if demand and not self.status(key).reached:
            status = self.status(key)
            what = "what answers there breaks the contract" if status.is_answer else "no verifier service answers there"
            reason = f"{what}: {status.why}"
            raise BadDomain([(f"verifiers.{component.verifier}.url", reason)])
        if description is None:
            return BoundComponent(component, backend, endpoint, None)
        if description.verifier != component.verifier and ":" not in component.verifier:
            reason = f"the service there is {description.verifier!r}, not {component.verifier!r}"
            raise BadDomain([(f"verifiers.{component.verifier}.url", reason)])
        if description.reads_traces and not self._has_tools:
            reason = f"{component.verifier} reads the traces of tools, and there are none: {NO_TOOLS}"
            raise NotInstalled([(f"{here}.verifier", reason)])
        try:
            await backend.check_options(component.options)
        except BadOptions as error:
            errors = [(f"{here}.options.{path}".rstrip("."), reason) for path, reason in error.errors]
            kind = NotInstalled if isinstance(error, NeedsPackages) else BadDomain
            raise kind(errors) from None
        except UNREACHABLE:
            description = None
        if description is not None and component.weight and description.is_demo(component.options):
            message = "weight 0 for a demonstration: name a real model"
            log.warning(message, extra={"verifier": component.verifier, "options": component.options})
            component = component.model_copy(update={"weight": 0.0})
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
