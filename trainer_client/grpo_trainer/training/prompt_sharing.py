"""Hidden states of a micro-batch whose rows share prompts: each prompt is read once, and its rows continue its KV cache.

G completions of C tokens after one prompt of P tokens are P + G·C tokens for the model, in place of G·(P + C). The gradient
of the prompt's states comes back through the cache.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from transformers import DynamicCache
from transformers.cache_utils import DynamicLayer

from grpo_trainer.rollout.weights import cache_argument

if TYPE_CHECKING:
    from grpo_trainer.training.logprobs import Rows

WORTH_IT = 0.75
"""Share of the tokens that may be left to read. Two passes over nearly all of them take longer than one."""


def shared_states(decoder: Any, rows: Rows) -> Tensor | None:
    """The state that predicts each token that counts, (tokens, width), as one pass over the whole rows gives them.

    None where that saves too little, or where the decoder keeps anything else than all keys and values of each layer (a
    sliding window, a recurrent state).
    """
    prompts = list(dict.fromkeys(tuple(prompt) for prompt, _ in rows.pairs))
    longest_prompt, longest = max(map(len, prompts)), max(len(ids) for _, ids in rows.pairs)
    tokens = len(prompts) * longest_prompt + len(rows.pairs) * longest
    cache = DynamicCache(config=decoder.config)
    keeps_all = bool(cache.layers) and all(type(layer) is DynamicLayer for layer in cache.layers)
    if tokens > WORTH_IT * rows.ids.numel() or not keeps_all or cache_argument(decoder) is None:
        return None
    places = {prompt: place for place, prompt in enumerate(prompts)}
    device = rows.ids.device
    source = torch.tensor([places[tuple(prompt)] for prompt, _ in rows.pairs], device=device)
    lengths = torch.tensor([len(prompt) for prompt in prompts], device=device)
    # Padding stands on the right: no query is without a key, and the prompts' own tokens cannot see it.
    first = _states(decoder, _padded(prompts, longest_prompt, device), cache)
    last = first[torch.arange(len(prompts), device=device), lengths - 1][source]
    cache.batch_select_indices(source)
    columns = torch.arange(longest, device=device)
    lengths = lengths[source][:, None]
    read = torch.arange(longest_prompt, device=device) < lengths
    attention = torch.cat([read, read.new_ones(len(source), longest)], 1)
    completions = _padded([ids for _, ids in rows.pairs], longest, device)
    states = _states(decoder, completions, cache, attention_mask=attention.long(), position_ids=lengths + columns)
    counts = rows.mask.gather(1, (lengths - 1 - rows.first + columns).clamp(max=rows.mask.shape[1] - 1))
    counts &= columns < torch.tensor([len(ids) for _, ids in rows.pairs], device=device)[:, None]
    return torch.cat([last[:, None], states[:, :-1]], 1)[counts]


def _states(decoder: Any, ids: Tensor, cache: DynamicCache, **more: Tensor) -> Tensor:
    arguments: dict[str, Any] = {str(cache_argument(decoder)): cache, **more}
    states: Tensor = decoder(input_ids=ids, use_cache=True, **arguments).last_hidden_state
    return states


def _padded(texts: list[Any], width: int, device: torch.device) -> Tensor:
    return torch.tensor([[*ids] + [0] * (width - len(ids)) for ids in texts], device=device)
