"""The domains that are being served, and how they change while training runs.

A new version is resolved whole before it replaces the old one; one that does not resolve is refused, and the old one goes
on. Groups hold the Domain that they started with, so nothing changes under them. One bad file harms no other.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from reward_api.domains.spec import BadDomain, Domain, DomainSpec, NotInstalled, read
from reward_api.settings import SHIPPED_DOMAINS
from reward_verifiers.service.file_changes import Content, FileChanges

log = logging.getLogger(__name__)

CHECK_EVERY_S = 2.0

EndpointKey = tuple[str, str]
"""A verifier's name and where it lives."""


class Resolver(Protocol):
    """Binds domains to the backends of their verifiers."""

    async def resolve(self, name: str, spec: DomainSpec, *, demand: bool) -> Domain:
        """The bound domain. Raises BadDomain. On `demand`, a verifier that cannot be reached is an error."""

    def trust(self, spec: DomainSpec) -> None:
        """The domain is the operator's, so its endpoints may have the services' key."""

    def refuse_foreign(self, spec: DomainSpec) -> None:
        """Raises BadDomain for an endpoint that a domain from the network may not name."""

    async def check(self, key: EndpointKey) -> bool:
        """Ask the verifier what it is and whether it is up; whether its description is another than before."""

    async def let_go(self, domains: list[Domain]) -> None:
        """Close the backends that no domain has used for a while."""


class LiveDomains:
    """Name → Domain, from a folder of YAML files, each changed by its file or by `put`."""

    def __init__(self, folder: Path, backends: Resolver) -> None:
        self.folder = folder
        self._backends = backends
        self._live: dict[str, Domain] = {}
        self._change = asyncio.Lock()
        self._changes = FileChanges(lambda: files(folder))
        self._checks: dict[EndpointKey, asyncio.Task[None]] = {}
        self.refused: dict[str, BadDomain] = {}
        """By domain, why its file is not what is served."""
        self.left_out: dict[str, NotInstalled] = {}
        """Shipped domains, which nobody asked for, whose packages are not installed here."""
        self.misfits: dict[str, BadDomain] = {}
        """By domain, why it no longer fits its verifiers, which changed."""

    def find(self, name: str) -> Domain | None:
        return self._live.get(name)

    def domains(self) -> list[Domain]:
        return sorted(self._live.values(), key=lambda domain: domain.name)

    def faults(self, name: str) -> list[tuple[str, str]]:
        """(path, reason) of all that is wrong with the domain of this name."""
        errors = (self.refused.get(name), self.left_out.get(name), self.misfits.get(name))
        return [fault for error in errors if error for fault in error.errors]

    async def load(self) -> None:
        """Every file of the folder. Raises BadDomain, with the file in each path, when none of them can be served."""
        contents = await asyncio.to_thread(self._changes.look)
        await asyncio.gather(*(self._follow(path, content, demand=False) for path, content in contents.items()))
        if not self._live:
            raise BadDomain(
                self._all_faults() or [("", f"no *.yaml or *.yml in the domains folder {self.folder.name!r}")]
            )
        names = [domain.name for domain in self.domains()]
        log.info("domains loaded", extra={"folder": str(self.folder.resolve()), "domains": names})
        if self.left_out:
            causes = {name: str(error) for name, error in sorted(self.left_out.items())}
            log.warning("domains left out: their packages are not installed", extra={"domains": causes})

    def _all_faults(self) -> list[tuple[str, str]]:
        names = sorted({*self.refused, *self.left_out})
        faults = [(name, *fault) for name in names for fault in self.faults(name)]
        return [(f"{name}.yaml: {path}".removesuffix(": "), reason) for name, path, reason in faults]

    async def put(self, name: str, spec: DomainSpec) -> Domain:
        """Swap in a new version. Raises BadDomain, and the old one goes on.

        It comes from the network, so it may name verifiers, and not have modules imported.
        """
        used = set[str]().union(*(domain.spec.verifier_names() for domain in self.domains()))
        named = {f"components[{at}].verifier": component.verifiers() for at, component in enumerate(spec.components)}
        named["monitor.second.verifier"] = [spec.monitor.second.verifier] if spec.monitor.second else []
        for path, names in named.items():
            if any(":" in name and name not in used for name in names):
                reason = "module:Class works in domain files; here, name a registered verifier"
                raise BadDomain([(path, reason)])
        self._backends.refuse_foreign(spec)
        async with self._change:
            return self._swap(await self._backends.resolve(name, spec, demand=True))

    def _swap(self, domain: Domain) -> Domain:
        old = self._live.get(domain.name)
        self._live[domain.name] = domain
        self.refused.pop(domain.name, None)
        self.left_out.pop(domain.name, None)
        self.misfits.pop(domain.name, None)
        if old is None or old.version != domain.version:
            log.info("domain loaded", extra={"domain": domain.name, "version": domain.version})
        return domain

    # --- its files ----------------------------------------------------------------------------------------------------

    async def watch(self) -> None:
        """Follow the files until cancelled. A file that does not resolve is logged and refused."""
        async for changes in self._changes.follow():
            await self._follow_all(changes)

    def read_again(self) -> None:
        """Read every file now, also those that hold what they held: each is resolved anew."""
        log.info("domain files are read again")
        self._changes.forget()

    async def _follow_all(self, changes: Mapping[Path, Content]) -> None:
        async with self._change:
            for path in sorted(changes):
                await self._follow(path, changes[path], demand=True)

    async def _follow(self, path: Path, content: Content, *, demand: bool) -> None:
        """Any error of one file refuses that file alone."""
        name = path.stem
        if isinstance(content, FileNotFoundError):
            self.refused.pop(name, None)
            self.left_out.pop(name, None)
            if self._live.pop(name, None):
                log.info("domain withdrawn: its file is gone", extra={"domain": name})
            return
        try:
            refuse_second(path)
            if isinstance(content, OSError):
                raise BadDomain([("", f"the file cannot be read ({type(content).__name__})")])
            spec = read(content)
            self._backends.trust(spec)
            self._swap(await self._backends.resolve(name, spec, demand=demand))
        except BadDomain as error:
            if isinstance(error, NotInstalled) and self.folder == SHIPPED_DOMAINS:
                self.left_out[name] = error
                return
            self.refused[name] = error
            log.error("domain file refused", extra={"domain": name, "cause": str(error)})
        except Exception as error:
            self.refused[name] = BadDomain([("", f"it cannot be loaded ({type(error).__name__})")])
            log.exception("domain file refused", extra={"domain": name})

    # --- its verifiers ------------------------------------------------------------------------------------------------

    async def refresh(self) -> None:
        """Until cancelled: ask every verifier what it is, each by itself, so that one that hangs delays no other."""
        try:
            while True:
                await asyncio.sleep(CHECK_EVERY_S)
                for key in {key for domain in self.domains() for key in keys_of(domain)}:
                    if key not in self._checks or self._checks[key].done():
                        self._checks[key] = asyncio.create_task(self._check(key))
                await self._backends.let_go(self.domains())
        finally:
            for check in self._checks.values():
                check.cancel()
            await asyncio.gather(*self._checks.values(), return_exceptions=True)
            self._checks.clear()

    async def _check(self, key: EndpointKey) -> None:
        try:
            if not await self._backends.check(key):
                return
            for domain in self.domains():
                if key in keys_of(domain):
                    await self._resolve_again(domain)
        except Exception:
            log.exception("check failed", extra={"verifier": key[0]})

    async def refreshed(self, domain: Domain) -> Domain:
        """The domain of that name as its verifiers are now, asked at once."""
        await asyncio.gather(*(self._backends.check(key) for key in keys_of(domain)))
        live = self._live.get(domain.name, domain)
        if live is domain:
            await self._resolve_again(domain)
        return self._live.get(domain.name, domain)

    async def _resolve_again(self, domain: Domain) -> None:
        """With what its verifiers say of themselves now. Asks nobody."""
        async with self._change:
            if self._live.get(domain.name) is not domain:
                return
            try:
                self._live[domain.name] = await self._backends.resolve(domain.name, domain.written, demand=False)
                self.misfits.pop(domain.name, None)
            except BadDomain as error:
                self.misfits[domain.name] = error
                log.error("a verifier changed and no longer fits", extra={"domain": domain.name, "cause": str(error)})


def keys_of(domain: Domain) -> set[EndpointKey]:
    return {(part.spec.verifier, part.endpoint) for part in domain.parts()}


def files(folder: Path) -> list[Path]:
    """The domain files of a folder, by name."""
    return sorted(path for pattern in ("*.yaml", "*.yml") for path in folder.glob(pattern))


def refuse_second(path: Path) -> None:
    """Raises BadDomain for a second file of one domain."""
    if path.suffix == ".yml" and path.with_suffix(".yaml").exists():
        raise BadDomain([("", f"{path.with_suffix('.yaml').name} has the same name")])
