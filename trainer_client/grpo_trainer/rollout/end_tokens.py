"""The tokens that end a completion. Chat models have two or three, and the tokenizer names only one of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from transformers import PreTrainedModel


def end_tokens(policy: PreTrainedModel, tokenizer: Any) -> list[int]:
    """Every end token of the generation config, the model's config and the tokenizer, sorted.

    Raises ValueError when there is none.
    """
    generation = getattr(policy, "generation_config", None)
    declared = (getattr(generation, "eos_token_id", None), getattr(policy.config, "eos_token_id", None))
    tokens = {*_ids(declared[0]), *_ids(declared[1]), *_ids(tokenizer.eos_token_id)}
    if not tokens:
        raise ValueError("neither the model nor its tokenizer names a token that ends a completion (eos_token_id)")
    return sorted(tokens)


def _ids(value: int | Iterable[int] | None) -> Iterable[int]:
    if value is None:
        return ()
    return (value,) if isinstance(value, int) else tuple(value)
