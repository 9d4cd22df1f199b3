"""The trainer's own log-probabilities: one forward pass over prompts and completions, padded on the right."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from transformers import PreTrainedModel

Pair = tuple[Sequence[int], Sequence[int]]
"""Token ids of a prompt (at least one) and of its completion."""


class Rows:
    """A micro-batch. Column c of every (rows, columns) tensor is about the token at `first + 1 + c`.

    ids: (rows, width). Padding stands on the right, where a causal model cannot see it. mask: True at completion tokens.
    """

    def __init__(self, pairs: Sequence[Pair], device: torch.device) -> None:
        width = max(len(prompt) + len(ids) for prompt, ids in pairs)
        self.ids = torch.tensor(
            [[*prompt, *ids] + [0] * (width - len(prompt) - len(ids)) for prompt, ids in pairs], device=device
        )
        self.first = min(len(prompt) for prompt, _ in pairs) - 1
        starts = torch.tensor([len(prompt) - 1 - self.first for prompt, _ in pairs], device=device)
        lengths = torch.tensor([len(ids) for _, ids in pairs], device=device)
        columns = torch.arange(width - 1 - self.first, device=device)
        self.mask = (columns >= starts[:, None]) & (columns < (starts + lengths)[:, None])

    def spread(self, values: Sequence[Tensor]) -> Tensor:
        """One number a completion token, row by row, at the places of its tokens; 0 elsewhere."""
        spread = torch.zeros(self.mask.shape, device=self.mask.device)
        spread[self.mask] = torch.cat(list(values)).to(spread)
        return spread

    def gather(self, spread: Tensor) -> list[Tensor]:
        """The inverse of `spread`."""
        return list(torch.split(spread[self.mask], self.mask.sum(-1).tolist()))


def logprobs(model: PreTrainedModel, rows: Rows, temperature: float) -> tuple[Tensor, Tensor]:
    """(log-probability of each token, entropy of its distribution without gradient), nats, float32; 0 outside the mask.

    At the sampling temperature, since that is the policy which acted.
    """
    output = model(input_ids=rows.ids, use_cache=False, logits_to_keep=rows.ids.shape[1] - rows.first)
    logits = output.logits[:, :-1].float()
    distribution = (logits / temperature if temperature != 1 else logits).log_softmax(-1)
    chosen = distribution.gather(-1, rows.ids[:, rows.first + 1 :, None]).squeeze(-1)
    with torch.no_grad():
        entropy = torch.special.entr(distribution.exp()).sum(-1)
    nothing = torch.zeros_like(entropy)
    return torch.where(rows.mask, chosen, nothing), torch.where(rows.mask, entropy, nothing)
