"""The forward pass: token ids in, one logit vector a text out.

A decoder's score is read at the last position of the attention mask, never found by the pad token: a text may end with
that very token. Padding goes to either side with the same score, since positions come from the mask too.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Literal, Protocol

import torch

from preference_model.model.encoding import Encoded

MIN_SHARED = 24
"""Tokens of a shared prompt from which it is worth running it once for all."""


class Scorer(Protocol):
    """A model that gives logits: (batch, outputs)."""

    max_tokens: int
    outputs: int

    def logits(self, batch: Batch) -> torch.Tensor: ...

    def shared(self, prefix: torch.Tensor, batch: Batch) -> torch.Tensor | None:
        """Logits of texts that all begin with `prefix` (1, P), the batch holding the rest. None: not for this kind."""


class Batch:
    """Padded ids of several texts. All tensors are (texts, longest)."""

    def __init__(
        self, items: Sequence[Encoded], device: torch.device, skip: int = 0, side: Literal["left", "right"] = "right"
    ) -> None:
        lengths = [len(item.ids) - skip for item in items]
        width = max(lengths)
        shape = (len(items), width)
        self.ids = torch.zeros(shape, dtype=torch.long)
        self.types = torch.zeros(shape, dtype=torch.long)
        self.mask = torch.zeros(shape, dtype=torch.long)
        for row, (item, length) in enumerate(zip(items, lengths, strict=True)):
            at = slice(width - length, width) if side == "left" else slice(0, length)
            self.ids[row, at] = torch.tensor(item.ids[skip:])
            self.types[row, at] = torch.tensor(item.types[skip:])
            self.mask[row, at] = 1
        self.ids, self.types, self.mask = (part.to(device) for part in (self.ids, self.types, self.mask))
        self.positions = (self.mask.cumsum(1) - 1).clamp(min=0)
        self.last = (self.mask * torch.arange(1, width + 1, device=device)).argmax(1)


class Classifier:
    """A sequence classification model of transformers. Decoders are read by the mask; encoders have a head of their own."""

    def __init__(self, model: Any, max_tokens: int) -> None:
        self._model = model.eval()
        self.max_tokens = max_tokens
        self.names = model.config
        self.outputs: int = model.config.num_labels
        self.is_decoder = hasattr(model, "score") and not _is_bidirectional(model.config)
        self._takes_types = getattr(model.config, "type_vocab_size", 0) > 1

    def logits(self, batch: Batch) -> torch.Tensor:
        if self.is_decoder:
            hidden = self._model.base_model(
                batch.ids, attention_mask=batch.mask, position_ids=batch.positions, use_cache=False
            ).last_hidden_state
            return self._read(hidden, batch)
        types = {"token_type_ids": batch.types} if self._takes_types else {}
        logits: torch.Tensor = self._model(batch.ids, attention_mask=batch.mask, **types).logits
        return logits.float()

    def shared(self, prefix: torch.Tensor, batch: Batch) -> torch.Tensor | None:
        if not self.is_decoder:
            return None
        length, texts = prefix.shape[1], batch.ids.shape[0]
        cache = self._model.base_model(prefix, use_cache=True).cache
        if not hasattr(cache, "batch_repeat_interleave"):
            return None
        cache.batch_repeat_interleave(texts)
        seen = torch.ones((texts, length), dtype=batch.mask.dtype, device=batch.mask.device)
        hidden = self._model.base_model(
            batch.ids,
            attention_mask=torch.cat([seen, batch.mask], 1),
            position_ids=batch.positions + length,
            cache=cache,
            use_cache=True,
        ).last_hidden_state
        return self._read(hidden, batch)

    def _read(self, hidden: torch.Tensor, batch: Batch) -> torch.Tensor:
        rows = torch.arange(hidden.shape[0], device=hidden.device)
        logits: torch.Tensor = self._model.score(hidden[rows, batch.last])
        return logits.float()


def _is_bidirectional(config: Any) -> bool:
    return getattr(config, "is_causal", True) is False or bool(getattr(config, "use_bidirectional_attention", False))


@torch.inference_mode()
def run(model: Scorer, items: Sequence[Encoded], device: torch.device) -> list[list[float]]:
    """One logit vector a text, in order. Texts that share a long prompt have it run once."""
    rows: list[list[float]] = [[] for _ in items]
    for prefix, positions in _by_prompt(items).items():
        group = [items[position] for position in positions]
        logits = _shared(model, prefix, group, device) if prefix else None
        if logits is None:
            logits = model.logits(Batch(group, device))
        for position, row in zip(positions, logits.tolist(), strict=True):
            rows[position] = row
    return rows


def _by_prompt(items: Sequence[Encoded]) -> dict[tuple[int, ...], list[int]]:
    """Prompt ids → the texts that share them; () → those that share none."""
    groups: defaultdict[tuple[int, ...], list[int]] = defaultdict(list)
    for position, item in enumerate(items):
        groups[item.ids[: item.shared] if item.shared >= MIN_SHARED else ()].append(position)
    for prefix in [prefix for prefix, positions in groups.items() if prefix and len(positions) < 2]:
        groups[()] += groups.pop(prefix)
    return {prefix: positions for prefix, positions in groups.items() if positions}


def _shared(model: Scorer, prefix: tuple[int, ...], group: list[Encoded], device: torch.device) -> torch.Tensor | None:
    # An empty rest has no position of its own to be read at.
    if not getattr(model, "is_decoder", False) or any(len(item.ids) <= len(prefix) for item in group):
        return None
    return model.shared(torch.tensor([prefix], device=device), Batch(group, device, skip=len(prefix)))
