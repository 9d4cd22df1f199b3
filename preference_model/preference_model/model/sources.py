"""Where raw scores come from.

Source                 texts in, logits out
  ├─ Local             a model here, behind its batcher
  └─ UpstreamSpec          a server that has the model            (upstream.py)
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from preference_model.model.batcher import Batcher, ModelFailed
from preference_model.model.registry import ModelSpec
from preference_model.model.scale import activated
from preference_model.outcome import ScoreFailure, ScoreItem, ScoreOutcome
from reward_verifiers.contract import FailureKind
from reward_verifiers.service.admission import Admission
from reward_verifiers.verifier import Unsupported

if TYPE_CHECKING:
    from preference_model.model.encoding import Encoding, Turn
    from preference_model.model.loading import Loaded


class Source(Protocol):
    """Scores before any calibration; the activation is applied."""

    version: str

    async def score(self, items: Sequence[ScoreItem]) -> list[ScoreOutcome]:
        """One outcome an item, in order. Raises Overloaded."""

    async def aclose(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Threads:
    """One thread for tokenizers and one for models, shared by all models: more only take turns on the same cores."""

    tokenizing: ThreadPoolExecutor
    running: ThreadPoolExecutor

    @classmethod
    def start(cls) -> Threads:
        return cls(ThreadPoolExecutor(1, "tokenizing"), ThreadPoolExecutor(1, "running"))

    def stop(self) -> None:
        self.tokenizing.shutdown(wait=True, cancel_futures=True)
        self.running.shutdown(wait=True, cancel_futures=True)


class Local:
    """A model here."""

    def __init__(self, spec: ModelSpec, loaded: Loaded, threads: Threads, queue: Admission, window_s: float) -> None:
        self._spec, self.loaded, self._threads = spec, loaded, threads
        self.version = loaded.version
        self.batcher = Batcher(
            loaded.run,  # type: ignore[arg-type]
            threads.running,
            queue,
            budget_tokens=loaded.batch_tokens,
            window_s=window_s,
            by_prompt=loaded.is_decoder,
        )

    async def score(self, items: Sequence[ScoreItem]) -> list[ScoreOutcome]:
        loop = asyncio.get_running_loop()
        encodings = await loop.run_in_executor(self._threads.tokenizing, self._encode, items)
        windows = [
            window for encoding in encodings if not isinstance(encoding, ScoreFailure) for window in encoding.windows
        ]
        rows = iter(await self.batcher.submit(windows) if windows else [])
        return [
            ScoreOutcome(None, encoding) if isinstance(encoding, ScoreFailure) else self._scored(encoding, rows)
            for encoding in encodings
        ]

    @property
    def labels(self) -> list[str]:
        return self.loaded.labels

    async def plain(
        self, conversations: Sequence[list[Turn]], policy: str | None
    ) -> tuple[list[list[float]], list[int]]:
        """Every output a conversation, and the tokens of each; text alone goes without a template. Raises ScoreFailure."""

        def encode() -> list[Encoding]:
            return [self.loaded.encoder.encode(turns, policy) for turns in conversations]

        try:
            encodings = await asyncio.get_running_loop().run_in_executor(self._threads.tokenizing, encode)
        except Unsupported as error:
            raise ScoreFailure(FailureKind.UNSUPPORTED, str(error)) from None
        if any(len(encoding.windows) > 1 for encoding in encodings):
            raise ScoreFailure(FailureKind.UNSUPPORTED, "the text is longer than one window of the model")
        rows = []
        for row in await self.batcher.submit([encoding.windows[0] for encoding in encodings]):
            if isinstance(row, ModelFailed):
                raise ScoreFailure(FailureKind.VERIFIER_ERROR, str(row))
            activated(row, 0, "raw")  # for what is no number
            rows.append(row)
        return rows, [len(encoding.windows[0].ids) for encoding in encodings]

    async def aclose(self) -> None:
        await self.batcher.aclose()

    def _encode(self, items: Sequence[ScoreItem]) -> list[Encoding | ScoreFailure]:
        from preference_model.model.encoding import turns

        encodings: list[Encoding | ScoreFailure] = []
        for item in items:
            try:
                encodings.append(self.loaded.encoder.encode(turns(item.prompt, item.text)))
            except Unsupported as error:
                encodings.append(ScoreFailure(FailureKind.UNSUPPORTED, str(error)))
        return encodings

    def _scored(self, encoding: Encoding, rows: object) -> ScoreOutcome:
        mine = [next(rows) for _ in encoding.windows]  # type: ignore[call-overload]
        evidence = {"tokens": encoding.tokens, "cut": encoding.cut, "windows": len(encoding.windows)}
        try:
            values = [self._value(row) for row in mine]
        except ScoreFailure as error:
            return ScoreOutcome(None, error, evidence)
        value = min(values) if self._spec.windows == "min" else sum(values) / len(values)
        return ScoreOutcome(value, None, evidence)

    def _value(self, row: list[float] | ModelFailed) -> float:
        if isinstance(row, ModelFailed):
            raise ScoreFailure(FailureKind.VERIFIER_ERROR, str(row))
        return activated(row, self.loaded.label, self._spec.activation)
