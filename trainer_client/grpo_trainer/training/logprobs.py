"""The trainer's own log-probabilities: one forward pass over prompts and completions, padded on the right.

The logits of a whole micro-batch are never in memory: log-probabilities and entropy are computed for a chunk of tokens at a
time, from the hidden states, and computed again for the gradient.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from grpo_trainer.rollout.weights import base_model
from grpo_trainer.training.prompt_sharing import shared_states

if TYPE_CHECKING:
    from transformers import PreTrainedModel

Pair = tuple[Sequence[int], Sequence[int]]
"""Token ids of a prompt (at least one) and of its completion."""
Head = Callable[[Tensor], Tensor]

CHUNK_BYTES = 64 << 20
"""The float32 logits of one chunk. Their gradient and the softmax make the peak about four times as much."""
LEAST_CHUNK_BYTES = 1 << 20
_CHUNKS = 8
"""Of a micro-batch that fills more than the least chunk, so that its peak stays below its logits."""


class Rows:
    """A micro-batch. Column c of every (rows, columns) tensor is about the token at `first + 1 + c`.

    ids: (rows, width), of `pairs`. Padding stands on the right, where a causal model cannot see it. mask: True at the
    completion tokens that count: all, or those that `masks` says, one flag a token. The others are only
    read.
    """

    def __init__(
        self, pairs: Sequence[Pair], device: torch.device, masks: Sequence[Sequence[bool]] | None = None
    ) -> None:
        width = max(len(prompt) + len(ids) for prompt, ids in pairs)
        self.pairs = pairs
        self.ids = torch.tensor(
            [[*prompt, *ids] + [0] * (width - len(prompt) - len(ids)) for prompt, ids in pairs], device=device
        )
        self.first = min(len(prompt) for prompt, _ in pairs) - 1
        starts = torch.tensor([len(prompt) - 1 - self.first for prompt, _ in pairs], device=device)
        lengths = torch.tensor([len(ids) for _, ids in pairs], device=device)
        columns = torch.arange(width - 1 - self.first, device=device)
        self.mask = (columns >= starts[:, None]) & (columns < (starts + lengths)[:, None])
        if masks is not None:
            flags = [
                flag for (_, ids), mask in zip(pairs, masks, strict=True) for _, flag in zip(ids, mask, strict=True)
            ]
            self.mask[self.mask.clone()] = torch.tensor(flags, device=device)

    @property
    def targets(self) -> Tensor:
        """The tokens that count, of all rows, one after the other."""
        return self.ids[:, self.first + 1 :][self.mask]

    def spread(self, values: Sequence[Tensor]) -> Tensor:
        """One number a token that counts, row by row, at the places of its tokens; 0 elsewhere."""
        spread = torch.zeros(self.mask.shape, device=self.mask.device)
        spread[self.mask] = torch.cat(list(values)).to(spread)
        return spread

    def gather(self, spread: Tensor) -> list[Tensor]:
        """The inverse of `spread`."""
        return list(torch.split(spread[self.mask], self.mask.sum(-1).tolist()))


@dataclass(frozen=True)
class Forward:
    """How the policy is computed. dtype: of the arithmetic; the weights stay as they are (autocast).

    recompute: the layers' activations are computed again in the backward pass (gradient checkpointing).
    """

    dtype: torch.dtype = torch.float32
    recompute: bool = False

    def logprobs(self, model: PreTrainedModel, rows: Rows, temperature: float = 1.0) -> tuple[Tensor, Tensor]:
        """(log-probability of each token, entropy of its distribution without gradient), nats, float32; 0 outside the mask.

        At the sampling temperature, since that is the policy which acted.
        """
        with self.computing(model):
            hidden, head = self.hidden_states(model, rows)
            one = partial(_chunk, head=head, temperature=temperature)
            values, entropies = by_chunks(one, (hidden, rows.targets), vocabulary_size(hidden, head))
        return rows.spread([values]), rows.spread([entropies])

    @contextmanager
    def computing(self, model: PreTrainedModel) -> Iterator[None]:
        """Within it the model's forward pass is the one that these settings say."""
        layers = recomputed_layers(model) if self._recomputes() else nullcontext()
        with self.autocast(model.device), layers:
            yield

    def hidden_states(self, model: PreTrainedModel, rows: Rows) -> tuple[Tensor, Head]:
        """What predicts each completion token, (tokens, width), and what makes logits of it."""
        inner = base_model(model)
        if _head_is_all(inner):
            # A layer that is computed again would write into the cache again.
            if not self._recomputes() and (shared := shared_states(inner.base_model, rows)) is not None:
                return shared, inner.get_output_embeddings()
            states = inner.base_model(input_ids=rows.ids, use_cache=False).last_hidden_state
            return states[:, rows.first : -1][rows.mask], inner.get_output_embeddings()
        output = model(input_ids=rows.ids, use_cache=False, logits_to_keep=rows.ids.shape[1] - rows.first)
        return output.logits[:, :-1][rows.mask], nn.Identity()

    def _recomputes(self) -> bool:
        return self.recompute and torch.is_grad_enabled()

    def autocast(self, device: torch.device) -> AbstractContextManager[Any]:
        if self.dtype == torch.float32:
            return nullcontext()
        return torch.autocast(device.type, self.dtype)


def logprobs(model: PreTrainedModel, rows: Rows, temperature: float) -> tuple[Tensor, Tensor]:
    """As `Forward.logprobs`, in float32."""
    return Forward().logprobs(model, rows, temperature)


@contextmanager
def recomputed_layers(model: PreTrainedModel) -> Iterator[None]:
    """Within it a forward pass keeps the inputs of the decoder's layers alone.

    transformers does the same in training mode only, and a policy stays in eval mode: dropout would change its ratios.
    """
    lists = [module for module in model.modules() if isinstance(module, nn.ModuleList)]
    layers: list[Any] = list(max(lists, key=len, default=[]))
    for layer in layers:
        layer.forward = partial(checkpoint, layer.forward, use_reentrant=False)
    try:
        yield
    finally:
        for layer in layers:
            del layer.forward


_PROBE = 8
"""Token ids from 0 on. More than one: the embedding of a padding token is 0, and so are its logits."""
_HEADS: WeakKeyDictionary[nn.Module, bool] = WeakKeyDictionary()


@torch.no_grad()
def _head_is_all(model: PreTrainedModel) -> bool:
    """Whether the logits are the output embeddings of the last hidden state, and nothing more (no cap, no scale)."""
    if model not in _HEADS:
        head, ids = model.get_output_embeddings(), torch.arange(_PROBE, device=model.device)[None]
        simple = head is not None and model.base_model is not model
        if simple:
            logits = model(input_ids=ids, use_cache=False).logits
            simple = torch.equal(logits, head(model.base_model(input_ids=ids, use_cache=False).last_hidden_state))
        if not simple:
            warnings.warn(
                f"{type(model).__name__} does more than one matrix product after its last layer: its logits are kept "
                "whole, which takes tokens x vocabulary x 4 bytes",
                stacklevel=2,
            )
        _HEADS[model] = simple
    return _HEADS[model]


def vocabulary_size(hidden: Tensor, head: Head) -> int:
    """Logits of one token."""
    weight: Tensor = getattr(head, "weight", hidden.T)
    return len(weight)


def by_chunks(one: Callable[..., tuple[Tensor, ...]], columns: Sequence[Tensor], vocabulary: int) -> tuple[Tensor, ...]:
    """What `one` makes of the columns, each with a row for each token. It gets a chunk at a time, again for the gradient.

    vocabulary: logits that `one` has in memory for each token.
    """
    tokens = len(columns[0])
    size = chunk_size(tokens, vocabulary)
    keep_graph = torch.is_grad_enabled() and any(column.requires_grad for column in columns)
    parts: list[tuple[Tensor, ...]] = []
    for start in range(0, tokens, size):
        chunk = [column[start : start + size] for column in columns]
        parts.append(checkpoint(one, *chunk, use_reentrant=False) if keep_graph else one(*chunk))
    return tuple(map(torch.cat, zip(*parts, strict=True)))


def chunk_size(tokens: int, vocabulary: int) -> int:
    """Tokens of one chunk."""
    budget = min(CHUNK_BYTES, max(LEAST_CHUNK_BYTES, tokens * vocabulary * 4 // _CHUNKS))
    return max(1, budget // (vocabulary * 4))


def _chunk(hidden: Tensor, targets: Tensor, head: Head, temperature: float) -> tuple[Tensor, Tensor]:
    logits = head(hidden).float()
    if temperature != 1:
        logits = logits / temperature
    total = logits.logsumexp(-1)
    chosen = logits.gather(-1, targets[:, None]).squeeze(-1) - total
    # Last, so that the backward pass, which stops at the last tensor that it needs, does not compute it again.
    with torch.no_grad():
        entropy = torch.special.entr((logits - total[:, None]).exp_()).sum(-1)
    return chosen, entropy
