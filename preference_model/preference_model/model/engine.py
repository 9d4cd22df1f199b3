"""The models that are being served: loaded on first use, swapped with the registry, asked through one queue.

ScoreItem ──guard──▶ source (here, or upstream) ──scale──▶ ScoreOutcome
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from preference_model import guard
from preference_model.model import scale
from preference_model.model.checkpoint import folder_problem
from preference_model.model.completion_part import without_markdown
from preference_model.model.registry import ModelSpec, Registry, RegistrySpec, digest
from preference_model.model.sources import Local, Source, Threads
from preference_model.model.upstream import UpstreamSource
from preference_model.outcome import INSTALL, ScoreFailure, ScoreItem, ScoreOutcome
from preference_model.settings import PreferenceSettings
from reward_verifiers.contract import FailureKind, prompt_text
from reward_verifiers.service.admission import Admission

log = logging.getLogger(__name__)

SHIPPED_HEADS = Path(__file__).parents[1] / "heads"
TRY_AGAIN_S = 30.0
"""A model that could not be loaded is tried again after this."""


RETIRED_S = 600.0
"""A model that left the registry serves what it has begun for as long as a request may take."""


class ModelEngine:
    """All models of a registry."""

    def __init__(self, settings: PreferenceSettings) -> None:
        """Raises BadRegistry."""
        self.settings = settings
        self.registry = Registry(settings.registry, settings.judge)
        self._threads = Threads.start()
        self._queue = Admission(settings.max_queue_tokens)
        self._sources: dict[str, asyncio.Task[Source]] = {}
        self._failed: dict[str, tuple[float, ScoreFailure]] = {}
        self._retired: list[tuple[float, Source]] = []

    def spec(self, name: str) -> tuple[str, ModelSpec]:
        """(name, entry) of a model. Raises LookupError saying which there are."""
        registry = self.registry.current()
        chosen = registry.pick(name)
        return chosen, registry.models[chosen]

    async def score(self, spec: ModelSpec, items: Sequence[ScoreItem | str]) -> list[ScoreOutcome]:
        """One outcome an item; an item that is a string was guarded, and that is why. Raises Overloaded."""
        unguarded = [item for item in items if isinstance(item, ScoreItem)]
        scores = iter(await self._unguarded(spec, unguarded) if unguarded else [])
        return [next(scores) if isinstance(item, ScoreItem) else _floor(spec, item) for item in items]

    async def _unguarded(self, spec: ModelSpec, items: Sequence[ScoreItem]) -> list[ScoreOutcome]:
        members = await self._members(spec)
        if isinstance(members, ScoreFailure):
            return [ScoreOutcome(None, members)] * len(items)
        columns = await asyncio.gather(*(self._member(one, source, items) for one, source in members))
        if spec.ensemble:  # each member on its own scale
            columns = [
                [_finished(one, [score]) for score in column] for (one, _), column in zip(members, columns, strict=True)
            ]
        return [_finished(spec, [column[row] for column in columns]) for row in range(len(items))]

    async def _members(self, spec: ModelSpec) -> list[tuple[ModelSpec, Source]] | ScoreFailure:
        registry = self.registry.current()
        specs = [registry.models[name] for name in spec.ensemble.members] if spec.ensemble else [spec]
        try:
            return [(one, await self.source(one)) for one in specs]
        except ScoreFailure as error:
            return error

    async def _member(self, spec: ModelSpec, source: Source, items: Sequence[ScoreItem]) -> list[ScoreOutcome]:
        """A member's scores on its own scale; with `strip_markdown`, the mean of both ways to see a text."""
        if not spec.strip_markdown:
            return await source.score(items)
        bare = [ScoreItem(item.prompt, without_markdown(item.text), item.reference) for item in items]
        dressed, stripped = await asyncio.gather(source.score(items), source.score(bare))
        return [_mean(one, other) for one, other in zip(dressed, stripped, strict=True)]

    # --- sources ------------------------------------------------------------------------------------------------------

    async def source(self, spec: ModelSpec) -> Source:
        """The model, loaded. Raises ScoreFailure. Concurrent callers wait for one loading."""
        key = digest(spec.model_dump(mode="json"))
        failed = self._failed.get(key)
        if failed and time.monotonic() - failed[0] < TRY_AGAIN_S:
            raise failed[1]
        if key not in self._sources:
            self._sources[key] = asyncio.create_task(self._load(spec))
            await self._let_go(self.registry.current())
        try:
            return await asyncio.shield(self._sources[key])
        except ScoreFailure as error:
            self._sources.pop(key, None)
            if spec.upstream is None or error.kind is FailureKind.UNSUPPORTED:  # a server may be back at any moment
                self._failed[key] = (time.monotonic(), error)
            raise

    def lacks_packages(self, spec: ModelSpec) -> bool:
        """Whether it runs in this process, and what it runs on is not installed."""
        runs_here = any(one.model or one.head for one in self._parts(spec))
        return runs_here and not all(find_spec(package) for package in ("torch", "transformers"))

    def _parts(self, spec: ModelSpec) -> list[ModelSpec]:
        """The members of an ensemble, or itself."""
        models = self.registry.current().models
        return [models[name] for name in spec.ensemble.members] if spec.ensemble else [spec]

    def problem(self, spec: ModelSpec) -> str | None:
        """Why the entry cannot be served, as far as a look at its files shows; None where it may be."""
        for one in self._parts(spec):
            problem = None
            if one.model:
                problem = folder_problem(one.model, ("config.json",))
            elif one.head and not (SHIPPED_HEADS / one.head).is_dir():
                problem = folder_problem(str(Path(one.head).absolute()), ("head.json", "head.safetensors"))
            if problem:
                return problem
        return None

    def version(self, spec: ModelSpec) -> str:
        """A digest of the entry, and of the weights where they are loaded here."""
        if spec.ensemble:
            models = self.registry.current().models
            return digest(
                [spec.model_dump(mode="json"), *(self.version(models[name]) for name in spec.ensemble.members)]
            )
        key = digest(spec.model_dump(mode="json"))
        task = self._sources.get(key)
        is_loaded = task is not None and task.done() and not task.cancelled() and task.exception() is None
        return task.result().version if task is not None and is_loaded else key

    async def _load(self, spec: ModelSpec) -> Source:
        if spec.upstream is not None:
            return await self._connect(spec)
        try:
            from preference_model.model import heads, loading
        except ImportError:
            raise ScoreFailure(FailureKind.UNSUPPORTED, INSTALL) from None
        try:
            loaded = await asyncio.to_thread(loading.load, spec, self.settings.threads)
        except heads.MissingEncoder as error:
            raise ScoreFailure(FailureKind.UNSUPPORTED, str(error)) from None
        except loading.CannotLoad as error:
            log.error("a model cannot be loaded", extra={"cause": str(error)})
            raise ScoreFailure(FailureKind.VERIFIER_ERROR, f"the model cannot be loaded: {error}") from None
        about = {"dtype": loaded.dtype, "device": str(loaded.device), "batch_tokens": loaded.batch_tokens}
        log.info("model loaded", extra=about)
        return Local(spec, loaded, self._threads, self._queue, self.settings.window_ms / 1000)

    async def _connect(self, spec: ModelSpec) -> Source:
        source = UpstreamSource(spec, self._queue)
        try:
            await source.start()
        except ScoreFailure as error:
            await source.aclose()
            log.error("a model cannot be used", extra={"cause": error.message})
            raise
        return source

    async def _let_go(self, registry: RegistrySpec) -> None:
        """Close what the registry no longer has, once nothing can be in flight there."""
        wanted = {digest(spec.model_dump(mode="json")) for spec in registry.models.values()}
        for key in [key for key, task in self._sources.items() if key not in wanted and task.done()]:
            task = self._sources.pop(key)
            if task.exception() is None:
                self._retired.append((time.monotonic(), task.result()))
        for since, source in [*self._retired]:
            if time.monotonic() - since > RETIRED_S:
                self._retired.remove((since, source))
                await source.aclose()

    async def load_all(self) -> dict[str, str]:
        """Load every model. Name → "" or why it cannot be."""
        reasons: dict[str, str] = {}
        for name, spec in self.registry.current().models.items():
            try:
                if not spec.ensemble and not spec.is_judge:
                    await self.source(spec)
                reasons[name] = ""
            except ScoreFailure as error:
                reasons[name] = error.message
        return reasons

    async def aclose(self) -> None:
        loaded = await asyncio.gather(*self._sources.values(), return_exceptions=True)
        for source in [*loaded, *(retired for _, retired in self._retired)]:
            if not isinstance(source, BaseException):
                await source.aclose()
        self._sources.clear()
        self._threads.stop()


def filter_reason(spec: ModelSpec, prompt: str, text: str | None, reference: str | None = None) -> str | None:
    """Why the text never reaches the model; None when it does."""
    if text is None:
        return guard.NO_SUCH_PART
    return guard.reason(text, prompt, reference) if spec.guard else None


def item_or_reason(spec: ModelSpec, item: ScoreItem) -> ScoreItem | str:
    """The item, or why the guard filters it out."""
    return filter_reason(spec, prompt_text(item.prompt), item.text, item.reference) or item


def _floor(spec: ModelSpec, reason: str) -> ScoreOutcome:
    if spec.lowest is None:
        return ScoreOutcome.failed(FailureKind.UNSUPPORTED, f"{reason}, and the model has no floor", guard=reason)
    return ScoreOutcome(spec.lowest, None, {"guard": reason})


def _mean(one: ScoreOutcome, other: ScoreOutcome) -> ScoreOutcome:
    if one.value is None or other.value is None:
        return one if one.value is None else other
    more = {"dressed": round(one.value, scale.DECIMALS), "stripped": round(other.value, scale.DECIMALS)}
    return ScoreOutcome((one.value + other.value) / 2, None, {**one.evidence, **more})


def _finished(spec: ModelSpec, members: Sequence[ScoreOutcome]) -> ScoreOutcome:
    """The score that is reported, from its members' (one, where it is no ensemble). One failure is the whole's."""
    evidence = dict(members[0].evidence)
    values = []
    for member in members:
        if member.value is None:
            return ScoreOutcome(None, member.failure, evidence)
        values.append(member.value)
    try:
        value = values[0]
        if spec.ensemble:
            value, std = scale.combined(values, spec.ensemble)
            evidence |= {"members": [round(one, scale.DECIMALS) for one in values], "std": round(std, scale.DECIMALS)}
            if spec.abstain_std is not None and std > spec.abstain_std:
                message = f"the ensemble abstains: its members differ by a standard deviation of {std:.3f}"
                raise ScoreFailure(FailureKind.UNSUPPORTED, message)
        evidence["raw"] = round(value, scale.DECIMALS)
        return ScoreOutcome(scale.reported(value, spec), None, evidence, raw=value)
    except ScoreFailure as error:
        return ScoreOutcome(None, error, evidence)
