"""The gateway's parts, put together and kept running: one object an app."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from importlib.metadata import PackageNotFoundError, version

from reward_api.domains.live import EndpointKey, LiveDomains, files, keys_of
from reward_api.domains.spec import BadDomain, Domain, read
from reward_api.gateway.backends import BackendResolver
from reward_api.gateway.cache import VerdictCache
from reward_api.gateway.episodes import Embedded, Episodes
from reward_api.gateway.group_buffer import GroupBuffer
from reward_api.gateway.idempotency import IdempotentReplies
from reward_api.gateway.metrics import Metrics
from reward_api.gateway.monitoring import Monitoring
from reward_api.gateway.scoring import Scorer, Unwatched
from reward_api.monitor.frozen import read_frozen
from reward_api.monitor.log import RecordLog
from reward_api.settings import GatewaySettings
from reward_api.store.writer import StoreWriter
from reward_verifiers import registry
from reward_verifiers.runtime.local import pool_for
from reward_verifiers.service.admission import Admission
from reward_verifiers.service.draining import Deadlines
from reward_verifiers.service.settings import names

log = logging.getLogger(__name__)

RESTART_S = 5.0


def package_version() -> str:
    try:
        return version("touchstone-rewards")
    except PackageNotFoundError:
        return "unknown"


class Gateway:
    """Workers, backends, domains, cache and admission.

    Use as `async with gateway.running():`; raises BadDomain when a domain file must not be served.
    """

    def __init__(self, settings: GatewaySettings, embedded: Embedded | None = None) -> None:
        self.settings = settings
        self.embedded = embedded
        self.episodes = Episodes(embedded, settings.tools_url, settings.service_key)
        self.pool = pool_for(
            local_verifiers(settings), size=settings.workers, memory_bytes=settings.worker_memory_mb << 20
        )
        self.backends = BackendResolver(
            self.pool,
            settings.verifier_urls,
            settings.service_key,
            names(settings.put_hosts),
            has_tools=embedded is not None or bool(settings.tools_url),
        )
        self.live_domains = LiveDomains(settings.domains, self.backends)
        self.cache = VerdictCache(settings.cache_mb << 20)
        self.idempotent_replies = IdempotentReplies(settings.idempotency_mb << 20)
        self.admission = Admission(settings.max_inflight_samples)
        self.metrics = Metrics(package_version())
        self.deadlines = Deadlines()
        self.monitoring = self._monitoring() if settings.monitor else None
        self.store = StoreWriter(settings.store, settings.store_mb << 20) if settings.store else None
        self.scorer = Scorer(
            cache=self.cache,
            group_buffer=GroupBuffer(),
            metrics=self.metrics,
            max_deadline_s=settings.max_deadline_s,
            deadlines=self.deadlines,
            refresh=self.live_domains.refreshed,
            episodes=self.episodes,
            watch=self.monitoring or Unwatched(),
            record=self.store.record if self.store else None,
        )

    def _monitoring(self) -> Monitoring:
        """Raises OSError when the log cannot be opened, BadFrozen when a file of canaries or anchors cannot be read."""
        path = self.settings.monitor_log
        record_log = RecordLog(path, self.settings.monitor_log_mb << 20) if path else None
        frozen = read_frozen(self.settings.monitor_data)
        return Monitoring(self.admission, self.pool, self.live_domains.find, record_log, frozen)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        with self.store or contextlib.nullcontext():
            async with self._scoring():
                yield

    @asynccontextmanager
    async def _scoring(self) -> AsyncIterator[None]:
        await self.pool.start()
        try:
            tools = self.embedded.running() if self.embedded else contextlib.nullcontext()
            async with self._domains_followed(), tools, self._watched():
                yield
        finally:
            await self.episodes.aclose()
            await self.backends.aclose()
            await self.pool.aclose()

    @asynccontextmanager
    async def _domains_followed(self) -> AsyncIterator[None]:
        await self.live_domains.load()
        followers = [asyncio.create_task(_kept(work)) for work in (self.live_domains.watch, self.live_domains.refresh)]
        try:
            yield
        finally:
            for follower in followers:
                follower.cancel()
            for follower in followers:
                with contextlib.suppress(asyncio.CancelledError):
                    await follower

    def _watched(self) -> AbstractAsyncContextManager[None]:
        return self.monitoring.running(self.scorer) if self.monitoring else contextlib.nullcontext()

    def backends_up(self) -> dict[str, bool]:
        """Verifier → whether it answered when it was last checked, everywhere that it lives."""
        up: dict[str, bool] = {}
        for key in sorted({key for domain in self.live_domains.domains() for key in keys_of(domain)}):
            up[key[0]] = up.get(key[0], True) and self.backends.status(key).ready
        return up

    async def readiness(self) -> dict[str, dict[str, bool]]:
        """Domain → verifier → whether it answers now, for every enabled domain."""
        enabled = [domain for domain in self.live_domains.domains() if domain.spec.enabled]
        up = await self._answers(enabled)
        return {
            domain.name: {
                component.spec.key: all(up[part.spec.verifier, part.endpoint] for part in component.parts())
                for component in domain.components
            }
            for domain in enabled
        }

    async def reasons(self) -> dict[str, str]:
        """Why verifiers of enabled domains do not answer now, by their names."""
        answers = await self._answers([domain for domain in self.live_domains.domains() if domain.spec.enabled])
        return {key[0]: self.backends.why_not_ready(key) for key, is_up in answers.items() if not is_up}

    async def _answers(self, domains: list[Domain]) -> dict[EndpointKey, bool]:
        """Whether each of their verifiers answers now."""
        keys = sorted({key for domain in domains for key in keys_of(domain)})
        return dict(zip(keys, await asyncio.gather(*map(self.backends.is_ready, keys)), strict=True))


async def _kept(work: Callable[[], Awaitable[None]]) -> None:
    """Background work that is started again when it fails: no inotify watch left must not end hot swapping for good."""
    while True:
        try:
            await work()
        except Exception:
            log.exception("background work failed; it starts again")
        await asyncio.sleep(RESTART_S)


def local_verifiers(settings: GatewaySettings) -> list[str]:
    """The verifiers to load here: all that are installed, and those that domains name by `module:Class`.

    A verifier with a remote endpoint, or one whose packages are missing here, is left out.
    """
    named = set()
    for path in files(settings.domains):
        with contextlib.suppress(BadDomain, OSError):
            names = read(path).verifier_names()
            named |= {name for name in names if ":" in name}
    loadable = []
    for name in sorted({*registry.registered(), *named} - settings.verifier_urls.keys()):
        with contextlib.suppress(registry.BrokenVerifier):
            registry.load(name)
            loadable.append(name)
    return loadable
