"""The domains that are being served, and how they change while training runs.

A new version is resolved whole before it replaces the old one; one that does not resolve is refused, and the old one goes
on. Groups hold the Domain that they started with, so nothing changes under them.
"""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import watchfiles

from reward_api.domains.spec import BadDomain, Domain, DomainSpec, read
from reward_api.gateway.backends import BackendResolver

log = logging.getLogger(__name__)

REDESCRIBE_S = 2.0


class LiveDomains:
    """Name → Domain, from a folder of YAML files, each changed by its file or by `put`."""

    def __init__(self, folder: Path, directory: BackendResolver) -> None:
        self.folder = folder
        self._backends = directory
        self._live: dict[str, Domain] = {}
        self._change = asyncio.Lock()
        self.refused: dict[str, BadDomain] = {}

    def find(self, name: str) -> Domain | None:
        return self._live.get(name)

    def domains(self) -> list[Domain]:
        return sorted(self._live.values(), key=lambda domain: domain.name)

    async def load(self) -> None:
        """Every file of the folder. Raises BadDomain, with the file in each path, when one must not be served."""
        errors: list[tuple[str, str]] = []
        for path in files(self.folder):
            try:
                await self._swap(path.stem, read(path), demand=False)
            except BadDomain as error:
                errors += [(f"{path.name}: {where}".removesuffix(": "), why) for where, why in error.errors]
        if errors:
            raise BadDomain(errors)
        if not self._live:
            raise BadDomain([("", f"no *.yaml in the domains folder {self.folder.name!r}")])

    async def put(self, name: str, spec: DomainSpec) -> Domain:
        """Swap in a new version. Raises BadDomain, and the old one goes on.

        It comes from the network, so it may name verifiers, and not have modules imported.
        """
        used = {component.spec.verifier for domain in self.domains() for component in domain.components}
        for position, component in enumerate(spec.components):
            if ":" in component.verifier and component.verifier not in used:
                reason = "module:Class works in domain files; here, name a registered verifier"
                raise BadDomain([(f"components[{position}].verifier", reason)])
        return await self._swap(name, spec, demand=True)

    async def _swap(self, name: str, spec: DomainSpec, *, demand: bool) -> Domain:
        async with self._change:
            domain = await self._backends.resolve(name, spec, demand=demand)
            old = self._live.get(name)
            self._live[name] = domain
            self.refused.pop(name, None)
        if old is None or old.version != domain.version:
            log.info("domain in service", extra={"domain": name, "version": domain.version})
        return domain

    async def watch(self) -> None:
        """Follow the files until cancelled. A file that does not resolve is logged and refused."""
        async for changes in watchfiles.awatch(self.folder, recursive=False, step=100):
            for path in sorted({Path(changed) for _, changed in changes if changed.endswith(".yaml")}):
                await self._follow(path)

    async def _follow(self, path: Path) -> None:
        if not path.exists():
            if self._live.pop(path.stem, None):
                log.info("domain withdrawn: its file is gone", extra={"domain": path.stem})
            return
        try:
            await self._swap(path.stem, read(path), demand=True)
        except BadDomain as error:
            self.refused[path.stem] = error
            log.error("domain file refused, the old version goes on", extra={"domain": path.stem, "cause": str(error)})
        except OSError as error:
            log.error("domain file not readable", extra={"domain": path.stem, "cause": type(error).__name__})

    async def refresh(self) -> None:
        """Until cancelled: ask remote verifiers what they are, so that a new one's version is in the domain's."""
        while True:
            await asyncio.sleep(REDESCRIBE_S)
            for domain in self.domains():
                await self._describe_again(domain)
            await self._backends.let_go(self.domains())

    async def _describe_again(self, domain: Domain) -> None:
        for component in domain.components:
            await self._backends.describe(component.spec.verifier, component.home, fresh=True)
        async with self._change:
            if self._live.get(domain.name) is not domain:
                return
            try:
                self._live[domain.name] = await self._backends.resolve(domain.name, domain.spec, demand=False)
            except BadDomain as error:
                self.refused[domain.name] = error
                log.error("a verifier changed and no longer fits", extra={"domain": domain.name, "cause": str(error)})


def files(folder: Path) -> list[Path]:
    """The domain files of a folder, by name."""
    return sorted(folder.glob("*.yaml"))
